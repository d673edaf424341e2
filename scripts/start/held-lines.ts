import { Writable } from 'node:stream'

/** What holds text back until something else has been printed. */
export interface HeldLines {
  readonly lines: Writable
  /** Writes what was held back, and from now on everything at once. */
  release(): void
}

/** Returns a stream whose text reaches the given one once it is released. */
export function heldLines(to: Pick<Writable, 'write'>): HeldLines {
  let held: unknown[] | undefined = []
  const lines = new Writable({
    write(text, _encoding, done) {
      if (held) held.push(text)
      else to.write(text)
      done()
    },
  })
  return {
    lines,
    release() {
      const texts = held ?? []
      held = undefined
      for (const text of texts) to.write(text)
    },
  }
}
