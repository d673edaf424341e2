/**
 * A table of numbers by key, of at most so many bytes. A row says until when it is worth keeping; in a full table, a
 * new key takes the place of a row that would have been worthless soonest. Keys are random, so nobody can choose
 * which.
 */
import type { RateKey } from './rate-key.ts'

/** A row is in one of the places of its set, which is found by the key. */
const ways = 8

const fewestSets = 128

/** A key takes 8 bytes, and so does each number. */
const wordBytes = 8

export class NumberTable {
  /** The rows, one after the other. The first number of each is the time until which it is worth keeping. */
  numbers: Float64Array
  readonly #width: number
  readonly #mostSets: number
  #sets: number
  /** The keys, two integers each. */
  #keys: Int32Array

  /**
   * @param width how many numbers a row has
   * @param bytes how many bytes it may take: of memory, it needs them only when there are so many keys
   */
  constructor(width: number, bytes: number) {
    const most = bytes / (ways * (width + 1) * wordBytes)
    this.#width = width
    this.#mostSets = Math.max(fewestSets, 2 ** Math.floor(Math.log2(most)))
    this.#sets = fewestSets
    this.#keys = new Int32Array(fewestSets * ways * 2)
    this.numbers = new Float64Array(fewestSets * ways * width)
  }

  /** How many bytes it takes now. */
  get bytes(): number {
    return this.#keys.byteLength + this.numbers.byteLength
  }

  /**
   * Returns where the row of a key begins. The numbers of a new key are 0.
   *
   * @param owner whose rows it is about: the same key is another one for another owner
   */
  rowOf(key: RateKey, owner: RateKey, now: number): number {
    const high = key.high ^ owner.high
    const low = key.low ^ owner.low
    const keys = this.#keys
    const first = (high & (this.#sets - 1)) * ways
    for (let place = first; place < first + ways; place++) {
      if (keys[2 * place] === high && keys[2 * place + 1] === low) return place * this.#width
    }
    return this.#newRow(high, low, now)
  }

  #newRow(high: number, low: number, now: number): number {
    const place = this.#placeFor(high, now)
    this.#keys[2 * place] = high
    this.#keys[2 * place + 1] = low
    const row = place * this.#width
    for (let column = 0; column < this.#width; column++) this.numbers[row + column] = 0
    return row
  }

  /** Returns the place in a set of a row that is worthless by now; in a full table, of the one that will be soonest. */
  #placeFor(high: number, now: number): number {
    const { numbers } = this
    const width = this.#width
    const first = (high & (this.#sets - 1)) * ways
    let soonest = first
    for (let place = first; place < first + ways; place++) {
      if (numbers[place * width]! <= now) return place
      if (numbers[place * width]! < numbers[soonest * width]!) soonest = place
    }
    if (this.#sets === this.#mostSets) return soonest
    this.#grow()
    return this.#placeFor(high, now)
  }

  /** Doubles it: each row stays at its place, in its set or in the one that has been added for it. */
  #grow(): void {
    const { numbers } = this
    const keys = this.#keys
    const width = this.#width
    const places = this.#sets * ways
    this.#sets *= 2
    this.#keys = new Int32Array(keys.length * 2)
    this.numbers = new Float64Array(numbers.length * 2)
    for (let place = 0; place < places; place++) {
      if (numbers[place * width] === 0) continue
      const high = keys[2 * place]!
      const moved = (high & (this.#sets - 1)) * ways + (place % ways)
      this.#keys[2 * moved] = high
      this.#keys[2 * moved + 1] = keys[2 * place + 1]!
      for (let column = 0; column < width; column++) {
        this.numbers[moved * width + column] = numbers[place * width + column]!
      }
    }
  }
}
