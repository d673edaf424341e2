/** The members of a JSON object, as bytes that are not parsed further. */
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
} from './json-bytes.ts'

/** Gets where the name and the value of a member begin; returns the position after the value. */
export type ReadMember = (name: number, value: number) => number

/**
 * Reads the object that the bytes are, from a position on, with white space around it. Throws MalformedJson.
 */
export function readMembers(bytes: Uint8Array, from: number, readMember: ReadMember): void {
  let at = skipSpace(bytes, from)
  if (bytes[at] !== openBrace) malformed()
  at = skipSpace(bytes, at + 1)
  if (bytes[at] === closeBrace) at++
  else {
    for (;;) {
      at = skipSpace(bytes, readMember(at, afterName(bytes, at)))
      const byte = bytes[at++]
      if (byte === closeBrace) break
      if (byte !== comma) malformed()
      at = skipSpace(bytes, at)
    }
  }
  if (skipSpace(bytes, at) !== bytes.length) malformed()
}

/** Returns the name at a position where one has been found. */
export function nameAt(bytes: Uint8Array, at: number): unknown {
  return JSON.parse(Buffer.prototype.utf8Slice.call(bytes, at, stringEnd(bytes, at)))
}

/** Returns the bytes of the members with one of these names; undefined if the bytes are no JSON object. */
export function jsonMembers<Name extends string>(
  bytes: Buffer,
  names: readonly Name[],
): Partial<Record<Name, Buffer>> | undefined {
  const members: Partial<Record<Name, Buffer>> = {}
  try {
    readMembers(bytes, 0, (at, from) => {
      const name = nameAt(bytes, at)
      const wanted = names.find((known) => known === name)
      const end = valueEnd(bytes, from)
      if (wanted !== undefined) members[wanted] = bytes.subarray(from, end)
      return end
    })
    return members
  } catch (cause) {
    if (cause instanceof MalformedJson) return undefined
    throw cause
  }
}
