import { setTimeout as delay } from 'node:timers/promises'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/** How long a process that listens may take until it can serve, in milliseconds. */
const timeLimit = 15_000

/** The pause between two requests, in milliseconds. */
const interval = 30

/** Returns once `/ready` at the URL's origin responds with 200; throws a StartFailure with the last reasons. */
export async function untilReady(url: string): Promise<void> {
  const ready = new URL('/ready', url)
  const giveUpAt = Date.now() + timeLimit
  for (;;) {
    const response = await fetch(ready)
    if (response.ok) return
    const { reasons = [] } = (await response.json()) as { reasons?: string[] }
    if (Date.now() > giveUpAt) {
      throw new StartFailure(`the gateway does not become ready: ${reasons.join(', ')}`)
    }
    await delay(interval)
  }
}
