/** The grammar of JSON (RFC 8259) over bytes: where a value ends, and whether it is well-formed. */

import { Word } from './word.ts'

/** The text of a response is not JSON. */
export class MalformedJson extends Error {
  override name = 'MalformedJson'
}

/** Bytes with a meaning in JSON. */
export const quote = 0x22
export const comma = 0x2c
export const colon = 0x3a
export const openBracket = 0x5b
export const closeBracket = 0x5d
export const openBrace = 0x7b
export const closeBrace = 0x7d
const backslash = 0x5c
const minus = 0x2d
const plus = 0x2b
const point = 0x2e
const zero = 0x30
const nine = 0x39

/** Throws MalformedJson. */
export function malformed(): never {
  throw new MalformedJson('not JSON')
}

/** Returns the position of the first byte from `at` that is no white space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let position = at
  let byte = bytes[position]
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
    byte = bytes[++position]
  }
  return position
}

/**
 * Returns the position after a string whose opening quote is at `at`.
 *
 * @param plain up to here the string is known to be plain
 */
export function stringEnd(bytes: Uint8Array, at: number, plain = at + 1): number {
  const end = bytes.length
  let position = plain
  while (position < end) {
    const byte = bytes[position]!
    if (byte === quote) return position + 1
    if (byte === backslash) position = escapeEnd(bytes, position)
    else if (byte < 0x20) malformed()
    else position++
  }
  return malformed()
}

function escapeEnd(bytes: Uint8Array, at: number): number {
  switch (bytes[at + 1]) {
    case quote:
    case backslash:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2
    case 0x75: // u
      for (let index = 2; index < 6; index++) if (!isHex(bytes[at + index]!)) malformed()
      return at + 6
    default:
      return malformed()
  }
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66)
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine
}

/** Returns the position after a number that begins at `at`. */
export function numberEnd(bytes: Uint8Array, at: number): number {
  let position = integerEnd(bytes, at)
  if (bytes[position] === point) position = digitsEnd(bytes, position + 1)
  if ((bytes[position]! | 0x20) === 0x65) {
    const sign = bytes[position + 1]
    position = digitsEnd(bytes, position + (sign === plus || sign === minus ? 2 : 1))
  }
  return position
}

/** Returns the position after the integer part of a number that begins at `at`. */
export function integerEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at] === minus ? at + 1 : at
  return bytes[first] === zero ? first + 1 : digitsEnd(bytes, first)
}

function digitsEnd(bytes: Uint8Array, at: number): number {
  let position = at
  let byte = bytes[position]!
  while (byte >= zero && byte <= nine) byte = bytes[++position]!
  return position === at ? malformed() : position
}

/** Returns whether a number has a fraction or an exponent after its integer part. */
export function isFractional(byte: number | undefined): boolean {
  return byte === point || byte === 0x65 || byte === 0x45
}

/** Returns whether a byte begins a number. */
export function beginsNumber(byte: number | undefined): boolean {
  return byte === minus || (byte! >= zero && byte! <= nine)
}

/** Returns the position after a text such as `null` at `at`; -1 if there is another. */
export function textEnd(bytes: Uint8Array, at: number, text: Uint8Array): number {
  for (let index = 0; index < text.length; index++) {
    if (bytes[at + index] !== text[index]) return -1
  }
  return at + text.length
}

export const nullWord = new Word('null')
export const trueWord = new Word('true')
export const falseWord = new Word('false')

/** How many lists and objects are inside each other in a value. */
export interface ValueExtent {
  depth: number
}

/** Where the closing bytes of a value are kept while it is read: one value is read at a time. */
const usualNesting = new Uint8Array(512)

function twiceAsLong(bytes: Uint8Array): Uint8Array {
  const longer = new Uint8Array(2 * bytes.length)
  longer.set(bytes)
  return longer
}

/**
 * Returns the position after any value that begins at `at`. It has no recursion: a response may be nested
 * as deep as it is long.
 *
 * @param extent gets how deep the value is nested
 */
export function valueEnd(bytes: Uint8Array, at: number, extent?: ValueExtent): number {
  const first = bytes[at]
  if (first !== openBrace && first !== openBracket) return scalarEnd(bytes, at)
  // The closing bytes that are expected, the innermost last.
  let closing: Uint8Array = usualNesting
  let depth = 0
  let position = at
  let deepest = 0
  for (;;) {
    const byte = bytes[position]
    if (byte === openBrace || byte === openBracket) {
      const close = byte === openBrace ? closeBrace : closeBracket
      position = skipSpace(bytes, position + 1)
      if (bytes[position] !== close) {
        if (depth === closing.length) closing = twiceAsLong(closing)
        closing[depth++] = close
        if (depth > deepest) deepest = depth
        if (byte === openBrace) position = afterName(bytes, position)
        continue
      }
      if (depth + 1 > deepest) deepest = depth + 1
      position++
    } else position = scalarEnd(bytes, position)
    // After a value: the next member or element, or the end of what is around it.
    for (;;) {
      if (depth === 0) {
        if (extent) extent.depth = deepest
        return position
      }
      const around = closing[depth - 1]
      position = skipSpace(bytes, position)
      const next = bytes[position]
      if (next === comma) {
        position = skipSpace(bytes, position + 1)
        if (around === closeBrace) position = afterName(bytes, position)
        break
      }
      if (next !== around) malformed()
      depth--
      position++
    }
  }
}

/** Returns how many lists and objects are inside each other in a JSON text. */
export function depthOf(text: string): number {
  const extent: ValueExtent = { depth: 0 }
  valueEnd(Buffer.from(text), 0, extent)
  return extent.depth
}

/** Returns the position of the value of a member whose name begins at `at`. */
export function afterName(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== quote) malformed()
  const position = skipSpace(bytes, stringEnd(bytes, at))
  if (bytes[position] !== colon) malformed()
  return skipSpace(bytes, position + 1)
}

function scalarEnd(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === quote) return stringEnd(bytes, at)
  if (beginsNumber(byte)) return numberEnd(bytes, at)
  const end =
    byte === 0x74
      ? textEnd(bytes, at, trueWord.bytes)
      : byte === 0x66
        ? textEnd(bytes, at, falseWord.bytes)
        : textEnd(bytes, at, nullWord.bytes)
  return end < 0 ? malformed() : end
}
