/** Slots that are collected before it is known how many there are. */

const initialLength = 1 << 10
/** In integers. A loop is faster than a call up to this length. */
const shortList = 64
/** In integers: 4 MB. */
const longestKept = 1 << 20

/** A stack of slots, which are pairs of integers. */
export class SlotStack {
  #integers = new Int32Array(initialLength)
  /** How many integers are on it. */
  length = 0

  /** Adds a slot. */
  push(first: number, second: number): void {
    const { length } = this
    if (length === this.#integers.length) this.#grow()
    this.#integers[length] = first
    this.#integers[length + 1] = second
    this.length = length + 2
  }

  /** Moves all integers from an index on to a place on a tape. */
  moveTo(tape: Int32Array, at: number, from: number): void {
    const integers = this.#integers
    const count = this.length - from
    if (count > shortList) tape.set(integers.subarray(from, this.length), at)
    else for (let index = 0; index < count; index++) tape[at + index] = integers[from + index]!
    this.length = from
  }

  /** Takes everything off. */
  clear(): void {
    this.length = 0
    if (this.#integers.length > longestKept) this.#integers = new Int32Array(initialLength)
  }

  #grow(): void {
    const longer = new Int32Array(2 * this.#integers.length)
    longer.set(this.#integers)
    this.#integers = longer
  }
}
