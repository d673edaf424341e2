import type { Logger } from 'pino'
import type { MemoryBuckets } from './memory-buckets.ts'
import type { GrantPoints } from './rate.ts'

export interface FallBackParts {
  /** Called with each grant that came from memory. */
  readonly onAway: () => void
  readonly log: Pick<Logger, 'warn' | 'info'>
  /** A clock that never jumps, in milliseconds. */
  readonly now?: () => number
}

/** How long a store is left alone that has failed, in milliseconds: not every request waits for its time-out. */
const pause = 1_000

export interface FallBack {
  /** Returns the grants of the store; those of the memory of this process while the store is away. */
  over(store: GrantPoints, memory: Pick<MemoryBuckets, 'grant'>): GrantPoints
}

/**
 * Returns what stands in for a store while it is away. It is one for all rates: a store is away for all of
 * them, and the log says so once.
 */
export function fallBack({ onAway, log, now = () => performance.now() }: FallBackParts): FallBack {
  let isAway = false
  let retryAt = 0

  return {
    over: (store, memory) => async (key, wanted) => {
      if (now() >= retryAt) {
        try {
          const grant = await store(key, wanted)
          if (isAway) log.info('the store of the rates is back')
          isAway = false
          return grant
        } catch (cause) {
          noteAway(cause as Error)
        }
      }
      onAway()
      return memory.grant(key, wanted, now())
    },
  }

  function noteAway(cause: Error): void {
    retryAt = now() + pause
    if (isAway) return
    isAway = true
    log.warn(
      { cause: cause.message },
      'the store of the rates is away: each process counts by itself',
    )
  }
}
