import { setTimeout as delay } from 'node:timers/promises'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/** How long a process that listens may take until it can serve, in milliseconds. */
const timeLimit = 15_000

/** How long to wait between two questions, in milliseconds. */
const interval = 30

/** Returns once `/ready` beside that URL answers 200; it gives up with the reasons of the last answer. */
export async function untilReady(url: string): Promise<void> {
  const ready = new URL('/ready', url)
  const giveUpAt = Date.now() + timeLimit
  for (;;) {
    const answer = await fetch(ready)
    if (answer.ok) return
    const { reasons = [] } = (await answer.json()) as { reasons?: string[] }
    if (Date.now() > giveUpAt) {
      throw new StartFailure(`the gateway does not become ready: ${reasons.join(', ')}`)
    }
    await delay(interval)
  }
}
