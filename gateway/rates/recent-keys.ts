/**
 * A map that forgets what has not been used for a while, and never holds more than so many keys. There are two
 * generations: the old one is dropped as a whole, so that no request pays for a sweep.
 */
export class RecentKeys<Value> {
  readonly #lifetime: number
  readonly #perGeneration: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()
  #turnedAt = -Infinity

  /**
   * @param lifetime what has not been used for this time may be forgotten, in the unit of `now`
   * @param most how many keys are kept; beyond that, those that were used longest ago are forgotten
   */
  constructor(lifetime: number, most: number) {
    this.#lifetime = lifetime
    this.#perGeneration = Math.ceil(most / 2)
  }

  /** How many keys are kept; those of both generations count twice. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string, now: number): Value | undefined {
    if (now - this.#turnedAt >= this.#lifetime) this.#turn(now)
    const value = this.#young.get(key)
    if (value !== undefined) return value
    const earlier = this.#old.get(key)
    if (earlier !== undefined) this.set(key, earlier, now)
    return earlier
  }

  set(key: string, value: Value, now: number): void {
    if (this.#young.size >= this.#perGeneration && !this.#young.has(key)) this.#turn(now)
    this.#young.set(key, value)
  }

  #turn(now: number): void {
    this.#old = this.#young
    this.#young = new Map()
    this.#turnedAt = now
  }
}
