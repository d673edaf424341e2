/** What a client may learn of a subgraph's errors. */
import { errorTable, passedExtensions } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import { abridged, mostErrors } from './error-list.ts'
import type { ResponsePath } from './response-data.ts'
import type { FailedCall, SubgraphError } from './subgraph-request.ts'
import { withoutStacks } from './without-stacks.ts'

/**
 * `redact`: the error table's message for its own codes, SUBGRAPH_ERROR for all else; `pass`: the same,
 * but errors with one of these codes pass with their own message, and these extensions beside every
 * code that passes; `expose`: message, code and extensions of every error, but for what could be a stack.
 */
export type SubgraphErrorPolicy =
  | 'redact'
  | 'expose'
  | { readonly pass: { readonly codes: readonly string[]; readonly extensions: readonly string[] } }

type Extensions = Readonly<Record<string, unknown>>

/** Codes of the error table that a subgraph may use: they say something about the request. */
const codesForClients: ReadonlySet<unknown> = new Set<ErrorName>([
  'BAD_USER_INPUT',
  'FORBIDDEN',
  'SERVICE_UNAVAILABLE',
  'TOO_MANY_REQUESTS',
  'UNAUTHENTICATED',
])

const nothingPasses = { codes: [], extensions: [] }

/** Returns the errors of a subgraph's response as the client may see them. */
export function readSubgraphErrors(
  errors: unknown,
  policy: SubgraphErrorPolicy,
): readonly SubgraphError[] {
  if (!Array.isArray(errors)) return []
  const listed = errors.slice(0, mostErrors).map((error: unknown): SubgraphError => {
    const { message, path, extensions } = asRecord(error)
    const known = soundPath(path)
    return {
      ...visible(message, asRecord(extensions), policy),
      ...(known.length > 0 ? { path: known } : {}),
    }
  })
  return abridged(listed, errors.length - listed.length)
}

/** Returns what a client learns of a call that failed as a whole. */
export function errorOfCall({ reason, detail }: FailedCall): SubgraphError {
  const { message, code } = errorTable[reason]
  return {
    message: detail === undefined ? message : `${message}: ${detail}`,
    extensions: { code },
  }
}

/** Returns the extensions with a note of themselves: what is added to them on their way stays inside. */
export function marked(extensions: Extensions): Record<string | symbol, unknown> {
  return { ...extensions, [passedExtensions]: extensions }
}

function visible(message: unknown, extensions: Extensions, policy: SubgraphErrorPolicy) {
  const { code } = extensions
  if (policy === 'expose') return ownWords(message, code, Object.entries(extensions))
  const { pass = nothingPasses } = policy === 'redact' ? {} : policy
  const also = Object.entries(extensions).filter(([name]) => pass.extensions.includes(name))
  if (typeof code === 'string' && pass.codes.includes(code)) return ownWords(message, code, also)
  if (!codesForClients.has(code)) return tableWords('SUBGRAPH_ERROR', [])
  return tableWords(code as ErrorName, also)
}

function ownWords(message: unknown, code: unknown, extensions: readonly [string, unknown][]) {
  return {
    message: typeof message === 'string' ? message : errorTable.SUBGRAPH_ERROR.message,
    extensions: {
      ...withoutStacks(extensions),
      code: typeof code === 'string' ? code : 'SUBGRAPH_ERROR',
    },
  }
}

function tableWords(name: ErrorName, extensions: readonly [string, unknown][]) {
  const { message, code } = errorTable[name]
  return { message, extensions: { ...withoutStacks(extensions), code } }
}

/** The longest path of an error that is read. */
const longestPath = 500

/** Returns a path up to its first part that is neither a name nor an index (section 7.1.2). */
function soundPath(path: unknown): ResponsePath {
  if (!Array.isArray(path)) return []
  const parts: readonly unknown[] = path.length > longestPath ? path.slice(0, longestPath) : path
  const odd = parts.findIndex((part) => !isName(part) && !isIndex(part))
  return (odd < 0 ? parts : parts.slice(0, odd)) as ResponsePath
}

function isName(part: unknown): boolean {
  return typeof part === 'string' && /^[_A-Za-z][_0-9A-Za-z]*$/.test(part)
}

function isIndex(part: unknown): boolean {
  return Number.isSafeInteger(part) && (part as number) >= 0
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
