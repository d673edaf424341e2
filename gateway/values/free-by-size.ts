/**
 * Memory that is free to be used again, by size, within a bound. If there is no more room, that of a size that was
 * not needed for longest goes.
 */
export class FreeBySize<Memory> {
  /** The size that was needed last comes last. */
  readonly #free = new Map<number, Memory[]>()
  readonly #most: number
  readonly #drop: (memory: Memory) => void
  #kept = 0

  /**
   * @param most the largest sum of sizes
   * @param drop gets what is kept no longer
   */
  constructor(most: number, drop: (memory: Memory) => void) {
    this.#most = most
    this.#drop = drop
  }

  /** Returns memory of the size, which is kept no longer; undefined if there is none. */
  take(size: number): Memory | undefined {
    const memory = this.#latest(size).pop()
    if (memory !== undefined) this.#kept -= size
    return memory
  }

  /** Keeps memory of the size. */
  give(size: number, memory: Memory): void {
    this.#latest(size).push(memory)
    this.#kept += size
    for (const [otherSize, others] of this.#free) {
      if (this.#kept <= this.#most) return
      while (this.#kept > this.#most && others.length > 0) {
        this.#drop(others.shift()!)
        this.#kept -= otherSize
      }
    }
  }

  /** Returns the sum of the sizes that were kept; they are kept no longer. */
  forget(): number {
    const kept = this.#kept
    for (const others of this.#free.values()) others.forEach(this.#drop)
    this.#free.clear()
    this.#kept = 0
    return kept
  }

  #latest(size: number): Memory[] {
    const found = this.#free.get(size)
    if (found) this.#free.delete(size)
    const list = found ?? []
    this.#free.set(size, list)
    return list
  }
}
