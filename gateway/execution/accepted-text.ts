/**
 * Values that may go into a response as the text that a subgraph sent: they are what the type of their
 * field demands (result coercion: GraphQL, sections 3.5 and 6.4.3).
 */
import { isEnumType, isSpecifiedScalarType } from 'graphql'
import type { GraphQLEnumType, GraphQLLeafType } from 'graphql'
import {
  beginsNumber,
  closeBrace,
  closeBracket,
  comma,
  falseWord,
  integerEnd,
  isFractional,
  malformed,
  nullWord,
  numberEnd,
  openBrace,
  openBracket,
  quote,
  skipSpace,
  stringEnd,
  trueWord,
  valueEnd,
} from '../values/json-bytes.ts'
import type { ValueExtent } from '../values/json-bytes.ts'
import { deepestNesting } from './nesting.ts'
import { plainEnd, Word } from '../values/word.ts'

/** Bytes, and the position up to which they have been read. */
export interface Scan {
  readonly bytes: Uint8Array
  /** A view of the bytes. */
  readonly view: DataView
  at: number
}

/**
 * Moves the position past the value there and returns true, if the value may stay text. Otherwise it
 * returns false, and the position is anywhere in the value. Throws MalformedJson.
 */
export type Accepts = (scan: Scan) => boolean

/** Returns what accepts the values of a leaf type other than null. */
export function acceptsLeaf(type: GraphQLLeafType): Accepts {
  if (isEnumType(type)) return acceptsWords(type.getValues().map(({ name }) => name))
  if (!isSpecifiedScalarType(type)) return acceptsAny
  switch (type.name) {
    case 'Int':
      return acceptsInt
    case 'Float':
      return acceptsFloat
    case 'Boolean':
      return acceptsBoolean
    default:
      return acceptsString
  }
}

/** Returns whether a value of a leaf type is valid although it is not accepted as it is written. */
export function isRewritable(type: GraphQLLeafType, text: string): boolean {
  if (isEnumType(type)) return isEscapedName(type, text)
  if (!isSpecifiedScalarType(type) || !beginsNumber(text.charCodeAt(0))) return false
  const number = Number(text)
  // A larger number of an ID may be written with an exponent: it is not known what was meant.
  if (type.name === 'ID') return Number.isSafeInteger(number)
  return type.name === 'Int' && number === (number | 0)
}

function isEscapedName(type: GraphQLEnumType, text: string): boolean {
  return text.startsWith('"') && type.getValue(JSON.parse(text) as string) !== undefined
}

const longestSafeInt = 9

/** 32 bits (section 3.5.1). */
const acceptsInt: Accepts = (scan) => {
  const { bytes, at } = scan
  if (!beginsNumber(bytes[at])) return false
  const end = integerEnd(bytes, at)
  if (isFractional(bytes[end])) return false
  scan.at = end
  return end - at <= longestSafeInt ? !isMinusZero(bytes, at, end) : isInt32(bytes, at, end)
}

function isMinusZero(bytes: Uint8Array, at: number, end: number): boolean {
  return end - at === 2 && bytes[at] === 0x2d && bytes[at + 1] === 0x30
}

function isInt32(bytes: Uint8Array, at: number, end: number): boolean {
  const number = numberAt(bytes, at, end)
  return number === (number | 0)
}

const longestPlainFloat = 300

const acceptsFloat: Accepts = (scan) => {
  const { bytes, at } = scan
  if (!beginsNumber(bytes[at])) return false
  const end = (scan.at = numberEnd(bytes, at))
  if (end - at < longestPlainFloat && !hasExponent(bytes, at, end)) return true
  return Number.isFinite(numberAt(bytes, at, end))
}

function hasExponent(bytes: Uint8Array, at: number, end: number): boolean {
  for (let index = at; index < end; index++) if ((bytes[index]! | 0x20) === 0x65) return true
  return false
}

function numberAt(bytes: Uint8Array, at: number, end: number): number {
  return Number(Buffer.prototype.latin1Slice.call(bytes, at, end))
}

const acceptsBoolean: Accepts = (scan) => {
  const { bytes, view, at } = scan
  const end = (bytes[at] === 0x74 ? trueWord : falseWord).endIn(view, at)
  scan.at = end
  return end > 0
}

const acceptsString: Accepts = (scan) => {
  const { bytes, at } = scan
  if (bytes[at] !== quote) return false
  const end = plainEnd(scan.view, at + 1)
  scan.at = bytes[end] === quote ? end + 1 : stringEnd(bytes, at, end)
  return true
}

/** Accepts any value but null and what is nested too deep to be read. */
export const acceptsAny: Accepts = (scan) => {
  const { bytes, at } = scan
  if (nullWord.endIn(scan.view, at) > 0) return false
  const extent: ValueExtent = { depth: 0 }
  scan.at = valueEnd(bytes, at, extent)
  return extent.depth <= deepestNesting
}

/** Returns what accepts only these strings, which need no escapes. */
export function acceptsWords(words: readonly string[]): Accepts {
  const texts = words.map((word) => new Word(JSON.stringify(word)))
  return (scan) => {
    for (let index = 0; index < texts.length; index++) {
      const end = texts[index]!.endIn(scan.view, scan.at)
      if (end < 0) continue
      scan.at = end
      return true
    }
    return false
  }
}

/** Returns what accepts null as well. */
export function acceptsNull(accepts: Accepts): Accepts {
  return (scan) => {
    const { at } = scan
    if (scan.bytes[at] !== 0x6e) return accepts(scan)
    scan.at = nullWord.endIn(scan.view, at)
    return scan.at > 0
  }
}

/** Returns what accepts lists of these. */
export function acceptsList(accepts: Accepts): Accepts {
  return (scan) => {
    const { bytes } = scan
    if (bytes[scan.at] !== openBracket) return false
    scan.at++
    if (bytes[scan.at]! <= 0x20) scan.at = skipSpace(bytes, scan.at)
    if (bytes[scan.at] === closeBracket) {
      scan.at++
      return true
    }
    for (;;) {
      if (!accepts(scan)) return false
      let { at } = scan
      let byte = bytes[at]
      if (byte! <= 0x20) byte = bytes[(at = skipSpace(bytes, at))]
      scan.at = at + 1
      if (byte === closeBracket) return true
      if (byte !== comma) malformed()
      if (bytes[scan.at]! <= 0x20) scan.at = skipSpace(bytes, scan.at)
    }
  }
}

/** A field of an object that may stay text. */
export interface TextField {
  /** The response key in quotes, and the colon. */
  readonly name: Word
  readonly accepts: Accepts
}

/** Returns what accepts objects that have exactly these fields, in this order. */
export function acceptsObject(fields: readonly TextField[]): Accepts {
  return (scan) => {
    const { bytes, view } = scan
    if (bytes[scan.at] !== openBrace) return false
    for (let index = 0; index < fields.length; index++) {
      const { name, accepts } = fields[index]!
      let at = scan.at + 1
      if (bytes[at]! <= 0x20) at = skipSpace(bytes, at)
      at = name.endIn(view, at)
      if (at < 0) return false
      scan.at = bytes[at]! <= 0x20 ? skipSpace(bytes, at) : at
      if (!accepts(scan)) return false
      if (bytes[scan.at]! <= 0x20) scan.at = skipSpace(bytes, scan.at)
      if (bytes[scan.at] !== (index === fields.length - 1 ? closeBrace : comma)) return false
    }
    scan.at++
    return true
  }
}
