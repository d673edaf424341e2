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

/** Returns the bytes of the members with one of these names; undefined if the bytes are no JSON object. */
export function jsonMembers<Name extends string>(
  bytes: Buffer,
  names: readonly Name[],
): Partial<Record<Name, Buffer>> | undefined {
  try {
    return readMembers(bytes, names)
  } catch (cause) {
    if (cause instanceof MalformedJson) return undefined
    throw cause
  }
}

function readMembers<Name extends string>(bytes: Buffer, names: readonly Name[]) {
  const members: Partial<Record<Name, Buffer>> = {}
  let at = skipSpace(bytes, 0)
  if (bytes[at] !== openBrace) malformed()
  at = skipSpace(bytes, at + 1)
  if (bytes[at] === closeBrace) at++
  else {
    for (;;) {
      const from = afterName(bytes, at)
      const name = namedAt(bytes, at, names)
      at = valueEnd(bytes, from)
      if (name !== undefined) members[name] = bytes.subarray(from, at)
      at = skipSpace(bytes, at)
      const byte = bytes[at++]
      if (byte === closeBrace) break
      if (byte !== comma) malformed()
      at = skipSpace(bytes, at)
    }
  }
  if (skipSpace(bytes, at) !== bytes.length) malformed()
  return members
}

/** Returns the one of these names that is at a position where a name has been found. */
function namedAt<Name extends string>(
  bytes: Buffer,
  at: number,
  names: readonly Name[],
): Name | undefined {
  const name: unknown = JSON.parse(bytes.toString('utf8', at, stringEnd(bytes, at)))
  return names.find((known) => known === name)
}
