/**
 * Things that come and go with each request. A Set would let them live long after they are gone: V8 makes a
 * Set a new table now and then, and the former table, which knows the new one, still has its members. Once
 * a table has become old, it keeps all later ones and all their members, until the next collection of the
 * whole heap.
 */
export class Slots<Item extends object> {
  readonly #items: (Item | undefined)[] = []
  readonly #free: number[] = []

  /** How many things there are. */
  get size(): number {
    return this.#items.length - this.#free.length
  }

  /** Adds a thing; returns the slot from which to remove it. */
  add(item: Item): number {
    const slot = this.#free.pop() ?? this.#items.length
    this.#items[slot] = item
    return slot
  }

  /** Empties a slot, once. */
  remove(slot: number): void {
    this.#items[slot] = undefined
    this.#free.push(slot)
  }

  /** Returns all things. */
  all(): Item[] {
    return this.#items.filter((item) => item !== undefined)
  }
}
