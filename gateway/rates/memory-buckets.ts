/**
 * Buckets in the memory of one process, by the generic cell rate algorithm (ITU-T I.371, annex A): a bucket is
 * one number, the time at which it will be full. Nothing has to run when a window ends, and no window ends for
 * all keys at once, at whose edge twice the limit would pass.
 */
import { fillTimeOf, grantedPoints, intervalOf } from './rate.ts'
import type { Buckets, Grant, Rate, Taken, Wanted } from './rate.ts'
import { NumberTable } from './number-table.ts'
import { randomKey } from './rate-key.ts'
import type { RateKey } from './rate-key.ts'

/** What is lost by calculating with fractions of milliseconds is far less than that part of a point. */
const rounding = 1e-6

/** Returns a table for buckets: of each, when it will be full. One that is full needs no place. */
export function bucketTable(bytes: number): NumberTable {
  return new NumberTable(1, bytes)
}

export class MemoryBuckets implements Buckets {
  readonly #rate: Rate
  readonly #interval: number
  readonly #fillTime: number
  readonly #fullAt: NumberTable
  readonly #owner = randomKey()

  /** @param table a table for buckets, which may have those of other rates as well */
  constructor(rate: Rate, table: NumberTable) {
    this.#rate = rate
    this.#interval = intervalOf(rate)
    this.#fillTime = fillTimeOf(rate)
    this.#fullAt = table
  }

  take(key: RateKey, needed: number, now: number): Taken {
    const row = this.#rowOf(key, now)
    const full = this.#timeUntilFull(row, now)
    const points = (this.#fillTime - full) / this.#interval
    if (points + rounding < needed) {
      const wait = (needed - points) * this.#interval
      return {
        earlier: undefined,
        rate: this.#rate,
        granted: false,
        left: wholePoints(points),
        wait,
        full,
      }
    }
    const fullLater = full + needed * this.#interval
    this.#fullAt.numbers[row] = now + fullLater
    const left = wholePoints(points - needed)
    return { earlier: undefined, rate: this.#rate, granted: true, left, wait: 0, full: fullLater }
  }

  /** Takes points in advance for a process that wants some now. */
  grant(key: RateKey, wanted: Wanted, now: number): Grant {
    if (wanted.returned) this.giveBack(key, wanted.returned, now)
    const row = this.#rowOf(key, now)
    const full = this.#timeUntilFull(row, now)
    const exact = (this.#fillTime - full) / this.#interval
    const points = grantedPoints(wholePoints(exact), wanted)
    const fullLater = full + points * this.#interval
    if (points > 0) this.#fullAt.numbers[row] = now + fullLater
    const left = exact - points
    const missing = wanted.points - points
    const wait = missing <= 0 ? 0 : (missing - left) * this.#interval
    return { points, left: wholePoints(left), wait, full: fullLater }
  }

  giveBack(key: RateKey, points: number, now: number): void {
    const row = this.#rowOf(key, now)
    const full = Math.max(0, this.#timeUntilFull(row, now) - points * this.#interval)
    this.#fullAt.numbers[row] = now + full
  }

  #rowOf(key: RateKey, now: number): number {
    return this.#fullAt.rowOf(key, this.#owner, now)
  }

  #timeUntilFull(row: number, now: number): number {
    const full = this.#fullAt.numbers[row]! - now
    // If a clock jumped back, no bucket would be emptier than empty.
    return Math.min(Math.max(0, full), this.#fillTime)
  }
}

function wholePoints(points: number): number {
  return Math.max(0, Math.floor(points + rounding))
}
