/** The buckets that outlive a configuration: reloading it gives nobody a full bucket. */
import { bucketTable, MemoryBuckets } from '../rates/memory-buckets.ts'
import type { RateKey } from '../rates/rate-key.ts'
import type { Grant, Rate, Wanted } from '../rates/rate.ts'

/** What a worker asks the primary for. */
export interface GrantRequest {
  readonly rate: Rate
  readonly key: RateKey
  readonly wanted: Wanted
}

export interface SharedBuckets {
  /** Returns the buckets of a rate: the same for the same rate. */
  of(rate: Rate): MemoryBuckets
  /** Takes points in advance, for a worker. */
  grant(request: GrantRequest): Grant
}

/** The most rates whose buckets are kept: more than two configurations can have. */
const mostRates = 64

/**
 * Returns the buckets of this process, none at first.
 *
 * @param memory how many bytes the buckets of all rates may take
 */
export function sharedBuckets(memory: number): SharedBuckets {
  const table = bucketTable(memory)
  const kept = new Map<string, MemoryBuckets>()

  function of(rate: Rate): MemoryBuckets {
    const { name, limit, per, burst } = rate
    const id = JSON.stringify([name, limit, per, burst])
    const known = kept.get(id) ?? new MemoryBuckets(rate, table)
    // What was used last is last: the first one is of an earlier configuration.
    kept.delete(id)
    kept.set(id, known)
    if (kept.size > mostRates) kept.delete(kept.keys().next().value!)
    return known
  }

  return { of, grant: ({ rate, key, wanted }) => of(rate).grant(key, wanted, performance.now()) }
}
