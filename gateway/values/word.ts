/**
 * Short texts, compared and copied four bytes at a time. A method of the engine, such as `set` or `equals`,
 * costs more than the whole comparison up to some hundred bytes.
 */

/** A text that is compared with bytes, or written, again and again. */
export class Word {
  readonly bytes: Uint8Array
  readonly length: number
  /** Four bytes each, as many as fit. */
  readonly #parts: Int32Array
  /** The last four bytes: they may overlap with those before. */
  readonly #last: number

  constructor(text: string) {
    this.bytes = Buffer.from(text)
    const { length } = this.bytes
    this.length = length
    const view = viewOf(this.bytes)
    const positions = Array.from({ length: length >> 2 }, (_, index) => 4 * index)
    this.#parts = Int32Array.from(positions, (at) => view.getInt32(at, true))
    this.#last = length < 4 ? 0 : view.getInt32(length - 4, true)
  }

  /** Returns the position after the word if it is at a position of the view; otherwise -1. */
  endIn(view: DataView, at: number): number {
    const { length } = this
    const end = at + length
    if (end > view.byteLength) return -1
    if (length < 4) return this.#shortEndIn(view, at)
    const parts = this.#parts
    for (let index = 0; index < parts.length; index++) {
      if (view.getInt32(at + 4 * index, true) !== parts[index]) return -1
    }
    return view.getInt32(end - 4, true) === this.#last ? end : -1
  }

  #shortEndIn(view: DataView, at: number): number {
    const { bytes, length } = this
    for (let index = 0; index < length; index++) {
      if (view.getUint8(at + index) !== bytes[index]) return -1
    }
    return at + length
  }

  /** Writes the word at a position of a view that has room for it. */
  writeTo(view: DataView, at: number): void {
    const { length } = this
    if (length < 4) {
      for (let index = 0; index < length; index++) view.setUint8(at + index, this.bytes[index]!)
      return
    }
    const parts = this.#parts
    for (let index = 0; index < parts.length; index++) {
      view.setInt32(at + 4 * index, parts[index]!, true)
    }
    view.setInt32(at + length - 4, this.#last, true)
  }
}

/** Returns a view of the same bytes. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

/** Copies bytes of one view to another one that has room for them. */
export function copyBytes(
  from: DataView,
  start: number,
  end: number,
  to: DataView,
  at: number,
): void {
  const length = end - start
  if (length < 4) {
    for (let index = 0; index < length; index++)
      to.setUint8(at + index, from.getUint8(start + index))
    return
  }
  const last = length - 4
  for (let index = 0; index < last; index += 4) {
    to.setInt32(at + index, from.getInt32(start + index, true), true)
  }
  to.setInt32(at + last, from.getInt32(end - 4, true), true)
}

/** Returns whether as many bytes are the same at two positions of two views. */
export function areSameBytes(
  one: DataView,
  start: number,
  length: number,
  other: DataView,
  at: number,
): boolean {
  let index = 0
  for (; index + 4 <= length; index += 4) {
    if (one.getInt32(start + index, true) !== other.getInt32(at + index, true)) return false
  }
  for (; index < length; index++) {
    if (one.getUint8(start + index) !== other.getUint8(at + index)) return false
  }
  return true
}

/** Returns a hash of 32 bits: FNV-1a over four bytes at a time, and a last step that spreads it. */
export function hashOf(view: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5
  let at = from
  for (; at + 4 <= to; at += 4) hash = mixed(hash, view.getInt32(at, true))
  for (; at < to; at++) hash = mixed(hash, view.getUint8(at))
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}

function mixed(hash: number, part: number): number {
  const product = Math.imul(hash ^ part, 0x01000193)
  return product ^ (product >>> 17)
}

/**
 * Returns the position of the first byte from `at` that does not simply belong to a string: a quote, a
 * backslash or a control character; of the last bytes, the position of any of them. Each byte is tested by
 * subtraction: it borrows from the bit above the byte if the byte is less.
 */
export function plainEnd(view: DataView, at: number): number {
  const last = view.byteLength - 4
  let position = at
  while (position <= last) {
    const part = view.getInt32(position, true)
    const quotes = part ^ 0x22222222
    const slashes = part ^ 0x5c5c5c5c
    const found =
      (((part - 0x20202020) & ~part) |
        ((quotes - 0x01010101) & ~quotes) |
        ((slashes - 0x01010101) & ~slashes)) &
      0x80808080
    if (found !== 0) return position + ((31 - Math.clz32(found & -found)) >> 3)
    position += 4
  }
  return position
}
