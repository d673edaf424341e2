/** `extensions.persistedQuery`, by which clients ask for a query by its hash. There is no such store. */
import { createHash } from 'node:crypto'
import { GatewayError } from '../errors.ts'

/**
 * Throws a GatewayError for a query by hash alone, upon which clients send the text, and for a hash
 * that does not fit the text beside it.
 */
export function refusePersistedQuery(query: unknown, extensions: unknown): void {
  const persisted = memberOf(extensions, 'persistedQuery')
  if (persisted === undefined || persisted === null) return
  if (typeof query !== 'string' || query === '') {
    throw new GatewayError('PERSISTED_QUERY_NOT_SUPPORTED')
  }
  const hash = createHash('sha256').update(query).digest('hex')
  if (memberOf(persisted, 'version') !== 1 || memberOf(persisted, 'sha256Hash') !== hash) {
    throw new GatewayError('PERSISTED_QUERY_MISMATCH')
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}
