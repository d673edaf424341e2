/**
 * Reads a manifest: the operations of a client, as Apollo's generator, Relay's compiler or the client preset of
 * graphql-codegen write them. The formats are told apart by what is in them.
 */
import { createHash } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import type { Slices } from '../slices.ts'
import {
  afterName,
  closeBrace,
  closeBracket,
  comma,
  malformed,
  MalformedJson,
  openBrace,
  openBracket,
  quote,
  skipSpace,
  valueEnd,
} from '../values/json-bytes.ts'
import { nameAt } from '../values/json-members.ts'
import { isObject } from '../values/json.ts'
import type { KnownOperation } from './known-operations.ts'

/** A manifest cannot be used; the message follows its name. */
export class ManifestInvalid extends Error {
  override name = 'ManifestInvalid'
}

/** The value of `format` in Apollo's format. */
const apolloFormat = 'apollo-persisted-query-manifest'

/** The longest id, in characters. */
const longestId = 512

/**
 * Returns the operations of the manifest; throws ManifestInvalid. It is read entry by entry, so that a large one
 * does not block the event loop.
 */
export function* readManifest(bytes: Buffer): Slices<KnownOperation[]> {
  // RFC 8259, section 8.1: a byte order mark may be ignored.
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  if (!isUtf8(bytes)) throw new ManifestInvalid('is not UTF-8')
  try {
    return yield* readEntries(bytes, start)
  } catch (cause) {
    if (!(cause instanceof MalformedJson)) throw cause
    throw new ManifestInvalid('is not complete and valid JSON', { cause })
  }
}

function* readEntries(bytes: Buffer, start: number): Slices<KnownOperation[]> {
  /** The members of the manifest that are texts: all of them in the format of Relay. */
  const texts: KnownOperation[] = []
  let listed: KnownOperation[] | undefined
  let version: unknown
  let strange: string | undefined
  let at = skipSpace(bytes, start)
  if (bytes[at] !== openBrace) throw new ManifestInvalid('is not a JSON object')
  at = skipSpace(bytes, at + 1)
  while (bytes[at] !== closeBrace) {
    const name = nameAt(bytes, at) as string
    const from = afterName(bytes, at)
    let end: number
    if (name === 'operations' && bytes[from] === openBracket) {
      listed = []
      end = yield* readList(bytes, from, listed)
    } else {
      end = valueEnd(bytes, from)
      if (bytes[from] === quote) texts.push({ id: name, text: parsed(bytes, from, end) as string })
      else if (name === 'version') version = parsed(bytes, from, end)
      else strange ??= name
    }
    at = afterElement(bytes, end, closeBrace)
    yield
  }
  if (skipSpace(bytes, at + 1) !== bytes.length) malformed()
  const format = texts.find(({ id }) => id === 'format')?.text
  const operations =
    listed || format === apolloFormat
      ? ofApollo(listed, format, version)
      : ofRelay(texts, version === undefined ? strange : 'version')
  if (operations.length === 0) throw new ManifestInvalid('has no operations')
  for (const [index, operation] of operations.entries()) {
    operations[index] = checked(operation)
    yield
  }
  return operations
}

function ofApollo(
  listed: KnownOperation[] | undefined,
  format: unknown,
  version: unknown,
): KnownOperation[] {
  if (format === apolloFormat && version === 1 && listed) return listed
  throw new ManifestInvalid(
    `is in no known format: expected format ${apolloFormat}, version 1 and a list of operations`,
  )
}

function ofRelay(texts: KnownOperation[], strange: string | undefined): KnownOperation[] {
  if (strange === undefined) return texts
  throw new ManifestInvalid(
    `is in no known format: ${JSON.stringify(strange.slice(0, 100))} is not the text of an operation`,
  )
}

/** Adds the elements of `operations` in Apollo's format, `{ id, name, type, body }`; returns where they end. */
function* readList(bytes: Buffer, from: number, operations: KnownOperation[]): Slices<number> {
  let at = skipSpace(bytes, from + 1)
  while (bytes[at] !== closeBracket) {
    const end = valueEnd(bytes, at)
    const entry = parsed(bytes, at, end)
    const { id, body } = isObject(entry) ? entry : {}
    if (typeof id !== 'string' || typeof body !== 'string') {
      const number = operations.length + 1
      throw new ManifestInvalid(`has an operation without id or body, number ${number}`)
    }
    operations.push({ id, text: body })
    at = afterElement(bytes, end, closeBracket)
    yield
  }
  return at + 1
}

/** Returns where the next element begins, or where what closes the elements is. */
function afterElement(bytes: Buffer, end: number, closing: number): number {
  const at = skipSpace(bytes, end)
  if (bytes[at] === closing) return at
  if (bytes[at] !== comma) malformed()
  const next = skipSpace(bytes, at + 1)
  return bytes[next] === closing ? malformed() : next
}

function parsed(bytes: Buffer, from: number, end: number): unknown {
  return JSON.parse(Buffer.prototype.utf8Slice.call(bytes, from, end))
}

/** GraphQL over HTTP, Appendix A: `sha256:` promises the hash of the text. */
function checked({ id, text }: KnownOperation): KnownOperation {
  const named = JSON.stringify(id.slice(0, 100))
  if (id === '' || id.length > longestId)
    throw new ManifestInvalid(`has an id without 1 to ${longestId} characters: ${named}`)
  if (text.trim() === '') throw new ManifestInvalid(`has no text for the id ${named}`)
  if (!id.startsWith('sha256:')) return { id, text }
  const hash = createHash('sha256').update(text).digest('hex')
  if (id === `sha256:${hash}`) return { id: hash, text }
  throw new ManifestInvalid(`has the id ${named}, which is not the SHA-256 of its text`)
}
