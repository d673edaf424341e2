/**
 * Buckets that several processes share. This process takes points in advance, so that not every request has to
 * ask: a full bucket gives an eighth of its points, an empty one point by point. So it lets pass at most the rate
 * and what it has in advance.
 */
import { mostKeys } from './memory-buckets.ts'
import { fillTimeOf, intervalOf } from './rate.ts'
import type { Buckets, Grant, GrantPoints, Rate, Taken } from './rate.ts'
import { RecentKeys } from './recent-keys.ts'

interface Waiting {
  readonly needed: number
  readonly resolve: (taken: Taken) => void
  readonly reject: (cause: unknown) => void
}

/** What this process knows of one bucket. Times are as its clock counts; those of the start are long past. */
class Lease {
  points = 0
  /** When the points are forgotten: the bucket has become full without them. */
  until = -Infinity
  /** When the next point flows into the bucket, if it was empty when it was asked last. */
  nextPointAt = -Infinity
  /** How many points were left in the bucket when it was asked last. */
  left = 0
  fullAt = -Infinity
  /** Who waits for the points that have been requested; undefined while none have. */
  waiting: Waiting[] | undefined
}

export class LeasedBuckets implements Buckets {
  readonly #interval: number
  readonly #fillTime: number
  readonly #grantPoints: GrantPoints
  readonly #now: () => number
  readonly #leases: RecentKeys<Lease>

  /** @param now a clock that never jumps, in milliseconds */
  constructor(rate: Rate, grantPoints: GrantPoints, now: () => number = () => performance.now()) {
    this.#interval = intervalOf(rate)
    this.#fillTime = fillTimeOf(rate)
    this.#grantPoints = grantPoints
    this.#now = now
    this.#leases = new RecentKeys(this.#fillTime, mostKeys)
  }

  take(key: string, needed: number): Taken | Promise<Taken> {
    const now = this.#now()
    const lease = this.#leaseOf(key, now)
    if (lease.waiting) return this.#join(lease.waiting, needed)
    if (now >= lease.until) lease.points = 0
    if (lease.points >= needed) return taken(lease, needed, now)
    if (now < this.#readyAt(lease, needed)) return this.#refused(lease, needed, now)
    const waiting: Waiting[] = (lease.waiting = [])
    const joined = this.#join(waiting, needed)
    void this.#request(key, lease)
    return joined
  }

  giveBack(key: string, points: number): void {
    const now = this.#now()
    const lease = this.#leaseOf(key, now)
    if (now >= lease.until) lease.points = 0
    lease.points += points
    lease.until = now + this.#fillTime
  }

  #leaseOf(key: string, now: number): Lease {
    const known = this.#leases.get(key, now)
    if (known) return known
    const lease = new Lease()
    this.#leases.set(key, lease, now)
    return lease
  }

  #join(waiting: Waiting[], needed: number): Promise<Taken> {
    return new Promise((resolve, reject) => void waiting.push({ needed, resolve, reject }))
  }

  /** Requests what is needed until nobody waits any longer: one request at a time. */
  async #request(key: string, lease: Lease): Promise<void> {
    // Those that come in the same turn of the event loop share the request.
    await undefined
    let asked: Waiting[] = []
    try {
      while (lease.waiting!.length > 0) {
        asked = lease.waiting!
        lease.waiting = []
        const needed = asked.reduce((sum, { needed }) => sum + needed, 0)
        const missing = needed - lease.points
        if (missing > 0) this.#add(await this.#grantPoints(key, missing), missing, lease)
        const now = this.#now()
        for (const { needed, resolve } of asked) {
          const isEnough = lease.points >= needed
          resolve(isEnough ? taken(lease, needed, now) : this.#refused(lease, needed, now))
        }
      }
      lease.waiting = undefined
    } catch (cause) {
      const all = [...asked, ...lease.waiting!]
      lease.waiting = undefined
      for (const { reject } of all) reject(cause)
    }
  }

  #add({ points, left, wait, full }: Grant, asked: number, lease: Lease): void {
    const now = this.#now()
    const missing = asked - points
    lease.points += points
    lease.until = now + this.#fillTime
    lease.nextPointAt = missing > 0 ? now + wait - (missing - 1) * this.#interval : -Infinity
    lease.left = left
    lease.fullAt = now + full
  }

  /** Returns when the bucket has so many points at the earliest: one that needs many makes no other wait for them. */
  #readyAt({ nextPointAt, points }: Lease, needed: number): number {
    return nextPointAt + (needed - points - 1) * this.#interval
  }

  #refused(lease: Lease, needed: number, now: number): Taken {
    const wait = Math.max(1, this.#readyAt(lease, needed) - now)
    return { granted: false, left: lease.points + lease.left, wait, full: fullOf(lease, now) }
  }
}

function taken(lease: Lease, needed: number, now: number): Taken {
  lease.points -= needed
  return { granted: true, left: lease.points + lease.left, wait: 0, full: fullOf(lease, now) }
}

function fullOf({ fullAt }: Lease, now: number): number {
  return Math.max(0, fullAt - now)
}
