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
 * Returns the place of what has been replaced and still serves requests under way, so that its successor
 * does not wait for it. At most so many are kept at the same time: each holds on to a schema, its plans and
 * its connections.
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
