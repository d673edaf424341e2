/**
 * Cooperative scheduling: long work runs in slices, and the event loop serves requests between
 * them. Such work is a generator that yields at every point where it may be interrupted.
 */
import { setImmediate } from 'node:timers/promises'

/** Work that may be interrupted wherever it yields, and its result. */
export type Slices<Result> = Generator<void, Result>

/** The longest time that work runs before it yields to the event loop, in milliseconds. */
const longestSlice = 5

/** Resolves when the event loop has handled the events that were pending. */
export async function yieldToEventLoop(): Promise<void> {
  await setImmediate()
}

/** Returns the result of the work, and yields to the event loop before it and between its slices. */
export async function runInSlices<Result>(work: Slices<Result>): Promise<Result> {
  await yieldToEventLoop()
  let began = performance.now()
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value
    if (performance.now() - began < longestSlice) continue
    await yieldToEventLoop()
    began = performance.now()
  }
}

/** Returns the result of the work without yielding to the event loop. */
export function runToCompletion<Result>(work: Slices<Result>): Result {
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value
  }
}
