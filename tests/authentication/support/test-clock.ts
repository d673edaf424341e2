import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../../gateway/authentication/clock.ts'

export interface TestClock extends Clock {
  /** Lets that much time pass, and what was planned for it happen; the network stays real. */
  pass(milliseconds: number): Promise<void>
  /** How many callbacks are planned: what is under way over the network is not among them. */
  planned(): number
}

/** A clock that starts now and moves only when the test moves it. */
export function testClock(): TestClock {
  let now = Date.now()
  const planned = new Set<{ at: number; callback: () => void }>()
  return {
    now: () => now,
    after(delay, callback) {
      const entry = { at: now + delay, callback }
      planned.add(entry)
      return () => void planned.delete(entry)
    },
    planned: () => planned.size,
    async pass(milliseconds) {
      const end = now + milliseconds
      for (;;) {
        const [next] = [...planned].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
        if (!next) break
        planned.delete(next)
        now = Math.max(now, next.at)
        next.callback()
        await setImmediate()
      }
      now = end
    },
  }
}
