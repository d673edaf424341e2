export interface Draining {
  /** Keeps what has been replaced until it has ended, which must not reject. */
  add(ending: Promise<void>): void
  readonly isFull: boolean
  /** Resolves when there is room for another one. */
  room(): Promise<void>
  /** Resolves when all have ended. */
  ended(): Promise<void>
}

/**
 * Keeps replaced versions until their requests in progress have ended, so that the successor does not wait
 * for them. At most `most` are kept at the same time: each keeps a schema, its plans and its connections in
 * memory.
 */
export function draining(most: number): Draining {
  const kept = new Set<Promise<void>>()
  return {
    add(ending) {
      const done = ending.then(() => void kept.delete(done))
      kept.add(done)
    },
    get isFull() {
      return kept.size >= most
    },
    async room() {
      while (kept.size >= most) await Promise.race(kept)
    },
    async ended() {
      await Promise.all(kept)
    },
  }
}
