/**
 * Buckets that several processes share. This process takes points in advance, so that not every request has to
 * ask: a full bucket gives an eighth of its points, an empty one point by point. So it lets pass at most the rate
 * and what it has in advance.
 */
import { NumberTable } from './number-table.ts'
import { keyText, randomKey } from './rate-key.ts'
import type { RateKey } from './rate-key.ts'
import { fillTimeOf, intervalOf, leasedPart } from './rate.ts'
import type { Buckets, Grant, GrantPoints, Rate, Taken } from './rate.ts'

interface Waiting {
  readonly needed: number
  readonly resolve: (taken: Taken) => void
  readonly reject: (cause: unknown) => void
}

/** What this process knows of one bucket, as the columns of a row. Times are as its clock counts. */
const column = {
  /** When all of it is forgotten: the bucket has become full without the points that this process has. */
  until: 0,
  points: 1,
  /** When the bucket has a point that this process has not; 0 if it had as many as were wanted of it. */
  nextPointAt: 2,
  /** How many points were left in the bucket when it was asked last. */
  left: 3,
  fullAt: 4,
} as const

/** Returns a table for what a process knows of buckets. */
export function leaseTable(bytes: number): NumberTable {
  return new NumberTable(Object.keys(column).length, bytes)
}

export interface LeasedBucketsParts {
  readonly grantPoints: GrantPoints
  /** A table for what this process knows of buckets, which may have those of other rates as well. */
  readonly table: NumberTable
  /** A clock that never jumps, in milliseconds. */
  readonly clock?: () => number
}

export class LeasedBuckets implements Buckets {
  readonly #rate: Rate
  readonly #interval: number
  readonly #fillTime: number
  readonly #grantPoints: GrantPoints
  readonly #table: NumberTable
  readonly #clock: () => number
  readonly #owner = randomKey()
  /** Who waits for points that have been requested. */
  readonly #waiting = new Map<string, Waiting[]>()

  constructor(rate: Rate, parts: LeasedBucketsParts) {
    this.#rate = rate
    this.#interval = intervalOf(rate)
    this.#fillTime = fillTimeOf(rate)
    this.#grantPoints = parts.grantPoints
    this.#table = parts.table
    this.#clock = parts.clock ?? (() => performance.now())
  }

  take(key: RateKey, needed: number, now: number): Taken | Promise<Taken> {
    const isAsked = this.#waiting.size > 0 && this.#waiting.has(keyText(key))
    if (isAsked) return this.#join(key, needed)
    const row = this.#rowOf(key, now)
    const { numbers } = this.#table
    if (numbers[row + column.points]! >= needed) return this.#taken(row, needed, now)
    const isTooFew = numbers[row + column.nextPointAt] !== 0
    if (isTooFew && now < this.#readyAt(row, needed)) return this.#refused(row, needed, now)
    this.#waiting.set(keyText(key), [])
    const joined = this.#join(key, needed)
    void this.#request(key)
    return joined
  }

  /** What is more than a process has in advance goes back to the bucket, for the other processes. */
  giveBack(key: RateKey, points: number, now: number): void {
    const row = this.#rowOf(key, now)
    const { numbers } = this.#table
    const all = numbers[row + column.points]! + points
    const returned = Math.max(0, all - Math.floor(this.#rate.burst * leasedPart))
    numbers[row + column.points] = all - returned
    numbers[row + column.until] = now + this.#fillTime
    numbers[row + column.nextPointAt] = 0
    // What does not arrive is back when the bucket is full.
    if (returned > 0) this.#grantPoints(key, { points: 0, each: 1, returned }).catch(() => {})
  }

  /** Returns where the row of a bucket begins: all of it is 0 where nothing is known. */
  #rowOf(key: RateKey, now: number): number {
    const row = this.#table.rowOf(key, this.#owner, now)
    const { numbers } = this.#table
    if (now >= numbers[row + column.until]!) numbers.fill(0, row, row + column.fullAt + 1)
    return row
  }

  #join(key: RateKey, needed: number): Promise<Taken> {
    const waiting = this.#waiting.get(keyText(key))!
    return new Promise((resolve, reject) => void waiting.push({ needed, resolve, reject }))
  }

  /** Requests what is needed until nobody waits any longer: one request at a time, for those of one cost. */
  async #request(key: RateKey): Promise<void> {
    const text = keyText(key)
    // Those that come in the same turn of the event loop share the request.
    await undefined
    let asked: Waiting[] = []
    try {
      for (;;) {
        const waiting = this.#waiting.get(text)!
        if (waiting.length === 0) break
        const each = waiting[0]!.needed
        asked = waiting.filter(({ needed }) => needed === each)
        this.#waiting.set(
          text,
          waiting.filter(({ needed }) => needed !== each),
        )
        const missing = asked.length * each - this.#pointsOf(key)
        if (missing > 0) {
          this.#add(await this.#grantPoints(key, { points: missing, each }), missing, key)
        }
        this.#serve(asked, each, key)
      }
      this.#waiting.delete(text)
    } catch (cause) {
      const all = [...asked, ...this.#waiting.get(text)!]
      this.#waiting.delete(text)
      for (const { reject } of all) reject(cause)
    }
  }

  #pointsOf(key: RateKey): number {
    return this.#table.numbers[this.#rowOf(key, this.#clock()) + column.points]!
  }

  #serve(asked: readonly Waiting[], each: number, key: RateKey): void {
    const now = this.#clock()
    const row = this.#rowOf(key, now)
    for (const { resolve } of asked) {
      const isEnough = this.#table.numbers[row + column.points]! >= each
      resolve(isEnough ? this.#taken(row, each, now) : this.#refused(row, each, now))
    }
  }

  #add({ points, left, wait, full }: Grant, asked: number, key: RateKey): void {
    const now = this.#clock()
    const row = this.#rowOf(key, now)
    const { numbers } = this.#table
    const missing = asked - points
    numbers[row + column.points]! += points
    numbers[row + column.until] = now + this.#fillTime
    numbers[row + column.nextPointAt] =
      missing > 0 ? now + wait - (missing - 1) * this.#interval : 0
    numbers[row + column.left] = left
    numbers[row + column.fullAt] = now + full
  }

  /** Returns when the bucket has so many points at the earliest: one that needs many makes no other wait for them. */
  #readyAt(row: number, needed: number): number {
    const { numbers } = this.#table
    const missing = needed - numbers[row + column.points]!
    return numbers[row + column.nextPointAt]! + (missing - 1) * this.#interval
  }

  #refused(row: number, needed: number, now: number): Taken {
    const wait = Math.max(1, this.#readyAt(row, needed) - now)
    const [left, full] = [this.#left(row), this.#timeUntilFull(row, now)]
    return { earlier: undefined, rate: this.#rate, granted: false, left, wait, full }
  }

  #taken(row: number, needed: number, now: number): Taken {
    this.#table.numbers[row + column.points]! -= needed
    const [left, full] = [this.#left(row), this.#timeUntilFull(row, now)]
    return { earlier: undefined, rate: this.#rate, granted: true, left, wait: 0, full }
  }

  #left(row: number): number {
    const { numbers } = this.#table
    return numbers[row + column.points]! + numbers[row + column.left]!
  }

  #timeUntilFull(row: number, now: number): number {
    return Math.max(0, this.#table.numbers[row + column.fullAt]! - now)
  }
}
