/**
 * Memory that is free to be used again, by size, within a bound. If there is no more room, that of a size that was
 * not needed for longest goes. There are few sizes.
 */
export class FreeBySize<Memory> {
  readonly #lists = new Map<number, FreeOfSize<Memory>>()
  readonly #most: number
  readonly #drop: (memory: Memory) => void
  #kept = 0
  #uses = 0

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
    const memory = this.#needed(size).pop()
    if (memory !== undefined) this.#kept -= size
    return memory
  }

  /** Keeps memory of the size. */
  give(size: number, memory: Memory): void {
    this.#needed(size).push(memory)
    this.#kept += size
    while (this.#kept > this.#most) this.#dropOne()
  }

  /** Returns the sum of the sizes that were kept; they are kept no longer. */
  forget(): number {
    const kept = this.#kept
    while (this.#kept > 0) this.#dropOne()
    return kept
  }

  /** Returns the list of a size, which is needed now. Lists stay where they are: see slots.ts of the kit. */
  #needed(size: number): Memory[] {
    let list = this.#lists.get(size)
    if (!list) this.#lists.set(size, (list = { size, memories: [], neededAt: 0 }))
    list.neededAt = ++this.#uses
    return list.memories
  }

  #dropOne(): void {
    const lists = [...this.#lists.values()].filter(({ memories }) => memories.length > 0)
    const { size, memories } = lists.reduce((one, other) =>
      other.neededAt < one.neededAt ? other : one,
    )
    this.#kept -= size
    this.#drop(memories.shift()!)
  }
}

interface FreeOfSize<Memory> {
  readonly size: number
  readonly memories: Memory[]
  /** How many uses there had been when it was needed last. */
  neededAt: number
}
