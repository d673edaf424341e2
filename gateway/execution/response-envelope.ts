/** The members of a subgraph's response (GraphQL, section 7.1), read from its bytes. */
import { isUtf8 } from 'node:buffer'
import {
  afterName,
  closeBrace,
  comma,
  malformed,
  MalformedJson,
  openBrace,
  skipSpace,
  stringEnd,
  valueEnd,
  textEnd,
} from '../values/json-bytes.ts'

/**
 * Reads the object that is the value of `data` and begins at the position; returns the position after it.
 * Throws MalformedJson.
 */
export type ReadData = (bytes: Uint8Array, at: number) => number

/** A response without its data. */
export interface ResponseEnvelope {
  readonly data: 'object' | 'null' | 'none'
  /** The value of `errors`, as it was sent. */
  readonly errors: unknown
}

/** Returns the envelope; undefined if the bytes are no JSON object. */
export function readEnvelope(bytes: Uint8Array, readData: ReadData): ResponseEnvelope | undefined {
  try {
    return isUtf8(bytes) ? readMembers(bytes, readData) : undefined
  } catch (cause) {
    if (cause instanceof MalformedJson) return undefined
    throw cause
  }
}

function readMembers(bytes: Uint8Array, readData: ReadData): ResponseEnvelope {
  let data: ResponseEnvelope['data'] = 'none'
  let errors: unknown
  let at = skipSpace(bytes, lengthOfMark(bytes))
  if (bytes[at] !== openBrace) malformed()
  at = skipSpace(bytes, at + 1)
  if (bytes[at] === closeBrace) at++
  else {
    for (;;) {
      const from = afterName(bytes, at)
      const name = nameAt(bytes, at)
      if (name === 'data') {
        const isObject = bytes[from] === openBrace
        data = isObject ? 'object' : bytes[from] === 0x6e ? 'null' : 'none'
        at = isObject ? readData(bytes, from) : valueEnd(bytes, from)
      } else at = valueEnd(bytes, from)
      if (name === 'errors') errors = JSON.parse(textAt(bytes, from, at))
      at = skipSpace(bytes, at)
      const byte = bytes[at++]
      if (byte === closeBrace) break
      if (byte !== comma) malformed()
      at = skipSpace(bytes, at)
    }
  }
  if (skipSpace(bytes, at) !== bytes.length) malformed()
  return { data, errors }
}

/** Some frameworks write a byte order mark, which JSON does not allow and a reader may ignore (RFC 8259 section 8.1). */
function lengthOfMark(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

const dataName = Buffer.from('"data"')

/** Returns the name at a position where one has been found. */
function nameAt(bytes: Uint8Array, at: number): unknown {
  if (textEnd(bytes, at, dataName) > 0) return 'data'
  return JSON.parse(textAt(bytes, at, stringEnd(bytes, at)))
}

function textAt(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.prototype.utf8Slice.call(bytes, from, to)
}
