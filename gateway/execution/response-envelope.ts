/** The members of a subgraph's response (GraphQL, section 7.1), read from its bytes. */
import { isUtf8 } from 'node:buffer'
import { MalformedJson, openBrace, textEnd, valueEnd } from '../values/json-bytes.ts'
import { nameAt, readMembers } from '../values/json-members.ts'

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
  /** The value of `extensions`, if it was to be read and is not too large. */
  readonly extensions: unknown
}

/** The most bytes of extensions that are read. */
const largestExtensions = 16 * 1024

/** Returns the envelope; undefined if the bytes are no JSON object. */
export function readEnvelope(
  bytes: Uint8Array,
  readData: ReadData,
  readsExtensions = false,
): ResponseEnvelope | undefined {
  try {
    return isUtf8(bytes) ? envelopeOf(bytes, readData, readsExtensions) : undefined
  } catch (cause) {
    if (cause instanceof MalformedJson) return undefined
    throw cause
  }
}

function envelopeOf(
  bytes: Uint8Array,
  readData: ReadData,
  readsExtensions: boolean,
): ResponseEnvelope {
  let data: ResponseEnvelope['data'] = 'none'
  let errors: unknown
  let extensions: unknown
  readMembers(bytes, lengthOfMark(bytes), (at, from) => {
    const name = textEnd(bytes, at, dataName) > 0 ? 'data' : nameAt(bytes, at)
    if (name === 'data') {
      const isObject = bytes[from] === openBrace
      data = isObject ? 'object' : bytes[from] === 0x6e ? 'null' : 'none'
      return isObject ? readData(bytes, from) : valueEnd(bytes, from)
    }
    const end = valueEnd(bytes, from)
    if (name === 'errors') {
      errors = JSON.parse(Buffer.prototype.utf8Slice.call(bytes, from, end))
    } else if (readsExtensions && name === 'extensions' && end - from <= largestExtensions) {
      extensions = JSON.parse(Buffer.prototype.utf8Slice.call(bytes, from, end))
    }
    return end
  })
  return { data, errors, extensions }
}

/** Some frameworks write a byte order mark, which JSON does not allow and a reader may ignore (RFC 8259 section 8.1). */
function lengthOfMark(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

const dataName = Buffer.from('"data"')
