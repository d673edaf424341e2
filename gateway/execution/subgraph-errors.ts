/** What a client may learn of a subgraph's errors. */
import { errorTable } from '../errors.ts'
import type { ErrorName } from '../errors.ts'

export interface SubgraphError {
  readonly message: string
  readonly path?: readonly (string | number)[]
  readonly extensions: Readonly<Record<string, unknown>>
}

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
export function readSubgraphErrors(errors: unknown, policy: SubgraphErrorPolicy): SubgraphError[] {
  if (!Array.isArray(errors)) return []
  return errors.map((error: unknown) => {
    const { message, path, extensions } = asRecord(error)
    const known = Array.isArray(path) ? { path } : {}
    if (policy === 'expose') {
      return { message: String(message), ...known, extensions: exposed(asRecord(extensions)) }
    }
    return { ...redacted(asRecord(extensions).code), ...known }
  })
}

/** Whatever the policy: `http` would set the gateway's own status and headers, the others are internals. */
const neverExposed = ['http', 'stacktrace', 'exception']

function exposed(extensions: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(extensions).filter(([name]) => !neverExposed.includes(name))
  return Object.fromEntries(entries)
}

function redacted(code: unknown): SubgraphError {
  const name = codesForClients.find((candidate) => candidate === code) ?? 'SUBGRAPH_ERROR'
  return { message: errorTable[name].message, extensions: { code: errorTable[name].code } }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
