/**
 * Long work in turns: between two pieces of it, the event loop serves others. Such work is a generator
 * that yields wherever it may be held up.
 */
import { setImmediate } from 'node:timers/promises'

export type InTurns<Result> = Generator<void, Result>

/** How long work goes on before others have their turn, in milliseconds. */
const longestTurn = 5

/** Resolves when the event loop has served who was waiting. */
export async function nextTurn(): Promise<void> {
  await setImmediate()
}

/** Returns what the work comes to, after turns for others. */
export async function inTurns<Result>(work: InTurns<Result>): Promise<Result> {
  await nextTurn()
  let began = performance.now()
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value
    if (performance.now() - began < longestTurn) continue
    await nextTurn()
    began = performance.now()
  }
}

/** Returns what the work comes to, without a turn for anybody else. */
export function atOnce<Result>(work: InTurns<Result>): Result {
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value
  }
}
