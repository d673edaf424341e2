/** What a client may learn of a subgraph's errors. */
import { errorTable } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import { abridged, mostErrors } from './error-list.ts'
import type { ResponsePath } from './response-data.ts'
import type { FailedCall, SubgraphError } from './subgraph-request.ts'

/** `redact`: the table's message for the codes below, SUBGRAPH_ERROR for all else. */
export type SubgraphErrorPolicy = 'redact' | 'expose'

/** Codes that a subgraph may use towards the client: they say something about the request. */
const codesForClients: readonly ErrorName[] = [
  'BAD_USER_INPUT',
  'FORBIDDEN',
  'INVALID_CREDENTIALS',
  'REFRESH_CONFLICT',
  'SECOND_FACTOR_REQUIRED',
  'SERVICE_UNAVAILABLE',
  'SESSION_ENDED',
  'TOO_MANY_REQUESTS',
  'UNAUTHENTICATED',
]

/** Returns the errors of a subgraph's response as the client may see them. */
export function readSubgraphErrors(
  errors: unknown,
  policy: SubgraphErrorPolicy,
): readonly SubgraphError[] {
  if (!Array.isArray(errors)) return []
  const listed = errors.slice(0, mostErrors).map((error: unknown): SubgraphError => {
    const { message, path, extensions } = asRecord(error)
    const known = soundPath(path)
    const place = known.length > 0 ? { path: known } : {}
    if (policy === 'expose') {
      const text = typeof message === 'string' ? message : errorTable.SUBGRAPH_ERROR.message
      return { message: text, ...place, extensions: exposed(asRecord(extensions)) }
    }
    return { ...redacted(asRecord(extensions).code), ...place }
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

/** Whatever the policy: `http` would set the gateway's own status and headers, the others are internals. */
const neverExposed = ['http', 'stacktrace', 'exception']

function exposed(extensions: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(extensions).filter(([name]) => !neverExposed.includes(name))
  const code = typeof extensions.code === 'string' ? extensions.code : 'SUBGRAPH_ERROR'
  return { ...Object.fromEntries(entries), code }
}

function redacted(code: unknown): SubgraphError {
  const name = codesForClients.find((candidate) => candidate === code) ?? 'SUBGRAPH_ERROR'
  return { message: errorTable[name].message, extensions: { code: errorTable[name].code } }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
