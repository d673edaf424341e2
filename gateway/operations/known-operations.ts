/** The operations that an operator has published in manifests. They never change: others replace them all. */

/** A known operation. */
export interface KnownOperation {
  /** As a manifest has it, without the prefix `sha256:`. */
  readonly id: string
  readonly text: string
}

/** Found by id and by text. Maps, as an id may be `__proto__`. */
export class KnownOperations {
  readonly #texts = new Map<string, string>()
  readonly #ids = new Map<string, string>()

  /** How many texts there are. */
  get size(): number {
    return this.#ids.size
  }

  /** Adds an operation. Returns whether it could be added: an id has only one text. */
  add({ id, text }: KnownOperation): boolean {
    const known = this.#texts.get(id)
    if (known !== undefined) return known === text
    this.#texts.set(id, text)
    if (!this.#ids.has(text)) this.#ids.set(text, id)
    return true
  }

  /** Returns the text with that id. */
  textOf(id: string): string | undefined {
    return this.#texts.get(id)
  }

  /** Returns whether there is an operation with exactly this text. */
  has(text: string): boolean {
    return this.#ids.has(text)
  }

  /** Returns each text once, with one of its ids, in the order of the manifests. */
  *[Symbol.iterator](): Generator<KnownOperation> {
    for (const [text, id] of this.#ids) yield { id, text }
  }
}
