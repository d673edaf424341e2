/** A rate: a bucket per key that fills at a constant speed, and from which each request takes points. */
import type { CountedRate } from '../client-request.ts'
import type { RateKey } from './rate-key.ts'

export interface Rate {
  /** Names it in headers, metrics and the store. */
  readonly name: string
  /** How many points flow into a bucket in that time. */
  readonly limit: number
  /** In milliseconds. */
  readonly per: number
  /** How many points a bucket holds: what may be taken at once after a rest. */
  readonly burst: number
}

/** What came of taking points from a bucket. */
export interface Taken extends CountedRate {
  /** Whether all points that were needed have been taken; otherwise none has. */
  readonly granted: boolean
  /** In how many milliseconds the points that were needed will be there; 0 if they have been taken. */
  readonly wait: number
}

/** The buckets of one rate, by key. Times are in milliseconds, by a clock that never jumps. */
export interface Buckets {
  /** Takes points, all that are needed or none; synchronously where nobody has to be asked. */
  take(key: RateKey, needed: number, now: number): Taken | Promise<Taken>
  /** Puts back points that were taken. */
  giveBack(key: RateKey, points: number, now: number): void
}

/** Points that a process needs for requests of one cost. */
export interface Wanted {
  /** For all of them. */
  readonly points: number
  /** For each request. */
  readonly each: number
  /** Points that were granted before, and are not needed: they are put back first. */
  readonly returned?: number
}

/** Points that were taken from a bucket in advance. */
export interface Grant {
  /**
   * As many as were wanted; more while the bucket is full. If there are fewer, as many as complete some of the
   * requests: what serves none stays in the bucket.
   */
  readonly points: number
  readonly left: number
  /** In how many milliseconds the missing points will be there; 0 if none is missing. */
  readonly wait: number
  readonly full: number
}

/** Returns points of a bucket that several processes take from. */
export type GrantPoints = (key: RateKey, wanted: Wanted) => Promise<Grant>

/** Returns the time in which one point flows into a bucket, in milliseconds. */
export function intervalOf({ limit, per }: Rate): number {
  return per / limit
}

/** Returns the time in which an empty bucket fills, in milliseconds. */
export function fillTimeOf(rate: Rate): number {
  return rate.burst * intervalOf(rate)
}

/** The part of the points of a bucket that a process gets in advance. */
export const leasedPart = 1 / 8

/** Returns how many of the points that are there are granted. */
export function grantedPoints(there: number, { points, each }: Wanted): number {
  if (points === 0) return 0
  if (there >= points) return Math.max(points, Math.floor(there * leasedPart))
  return Math.max(0, points - Math.ceil((points - there) / each) * each)
}
