/**
 * Buckets in the memory of one process, by the generic cell rate algorithm (ITU-T I.371, annex A): a bucket is
 * one number, the time at which it will be full. Nothing has to run when a window ends, and no window ends for
 * all keys at once, at whose edge twice the limit would pass.
 */
import { fillTimeOf, intervalOf, leasedPart } from './rate.ts'
import type { Buckets, Grant, Rate, Taken } from './rate.ts'
import { RecentKeys } from './recent-keys.ts'

/** The most keys of one rate: about 100 bytes each. */
export const mostKeys = 1_000_000

/** What is lost by calculating with fractions of milliseconds is far less than that part of a point. */
const rounding = 1e-6

export class MemoryBuckets implements Buckets {
  readonly #interval: number
  readonly #fillTime: number
  readonly #now: () => number
  /** When each bucket that is not full will be. A bucket that is forgotten after the fill time is full. */
  readonly #fullAt: RecentKeys<number>

  /** @param now a clock that never jumps, in milliseconds */
  constructor(rate: Rate, now: () => number = () => performance.now(), most = mostKeys) {
    this.#interval = intervalOf(rate)
    this.#fillTime = fillTimeOf(rate)
    this.#now = now
    this.#fullAt = new RecentKeys(this.#fillTime, most)
  }

  /** How many keys are in memory. */
  get keys(): number {
    return this.#fullAt.size
  }

  take(key: string, needed: number): Taken {
    const now = this.#now()
    const full = this.#timeUntilFull(key, now)
    const points = (this.#fillTime - full) / this.#interval
    if (points + rounding < needed) {
      const wait = (needed - points) * this.#interval
      return { granted: false, left: wholePoints(points), wait, full }
    }
    const fullLater = full + needed * this.#interval
    this.#fullAt.set(key, now + fullLater, now)
    return { granted: true, left: wholePoints(points - needed), wait: 0, full: fullLater }
  }

  /** Takes points in advance for a process that needs some now: fewer if there are fewer. */
  grant(key: string, needed: number): Grant {
    const now = this.#now()
    const full = this.#timeUntilFull(key, now)
    const exact = (this.#fillTime - full) / this.#interval
    const points = Math.min(wholePoints(exact), Math.max(needed, Math.floor(exact * leasedPart)))
    const fullLater = full + points * this.#interval
    if (points > 0) this.#fullAt.set(key, now + fullLater, now)
    const left = exact - points
    const wait = points >= needed ? 0 : (needed - points - left) * this.#interval
    return { points, left: wholePoints(left), wait, full: fullLater }
  }

  giveBack(key: string, points: number): void {
    const now = this.#now()
    const full = Math.max(0, this.#timeUntilFull(key, now) - points * this.#interval)
    this.#fullAt.set(key, now + full, now)
  }

  #timeUntilFull(key: string, now: number): number {
    const fullAt = this.#fullAt.get(key, now)
    if (fullAt === undefined || fullAt <= now) return 0
    // If a clock jumped back, no bucket would be emptier than empty.
    return Math.min(fullAt - now, this.#fillTime)
  }
}

function wholePoints(points: number): number {
  return Math.max(0, Math.floor(points + rounding))
}
