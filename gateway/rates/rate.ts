/** A rate: a bucket per key that fills at a constant speed, and from which each request takes points. */

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
export interface Taken {
  /** Whether all points that were needed have been taken; otherwise none has. */
  readonly granted: boolean
  /** How many whole points are left. */
  readonly left: number
  /** In how many milliseconds the points that were needed will be there; 0 if they have been taken. */
  readonly wait: number
  /** In how many milliseconds the bucket will be full. */
  readonly full: number
}

/** The buckets of one rate, by key. */
export interface Buckets {
  /** Takes points, all that are needed or none; synchronously where nobody has to be asked. */
  take(key: string, needed: number): Taken | Promise<Taken>
  /** Puts back points that were taken. */
  giveBack(key: string, points: number): void
}

/** Points that were taken from a bucket in advance. */
export interface Grant {
  /** Up to as many as were needed; more while the bucket is full. */
  readonly points: number
  readonly left: number
  /** In how many milliseconds the missing points will be there; 0 if none is missing. */
  readonly wait: number
  readonly full: number
}

/** Returns points of a bucket that several processes take from. */
export type GrantPoints = (key: string, needed: number) => Promise<Grant>

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
