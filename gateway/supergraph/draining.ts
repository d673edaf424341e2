/**
 * Keeps replaced versions until their requests in progress have ended, so that the successor does not wait
 * for them. At most `most` are kept at the same time: each keeps a schema, its plans and its connections in
 * memory.
 */
export function draining(most: number) {
  const kept = new Set<Promise<void>>()
  return {
    /** Keeps what has been replaced until it has ended, which must not reject. */
    add(ending: Promise<void>): void {
      const done = ending.then(() => void kept.delete(done))
      kept.add(done)
    },
    /** Resolves when there is room for another one; reports first if there is none yet. */
    async room(whenFull: () => void): Promise<void> {
      if (kept.size >= most) whenFull()
      while (kept.size >= most) await Promise.race(kept)
    },
    /** Resolves when all have ended. */
    async ended(): Promise<void> {
      await Promise.all(kept)
    },
  }
}
