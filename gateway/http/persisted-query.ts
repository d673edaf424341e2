/** `extensions.persistedQuery`, with which clients request a query by its hash; it is not supported. */
import { createHash } from 'node:crypto'
import { GatewayError } from '../errors.ts'

/**
 * Throws a GatewayError for a query by hash alone, upon which clients send the text, and for a hash
 * that does not fit the text beside it.
 */
export function refusePersistedQuery(query: unknown, persistedQuery: unknown): void {
  if (typeof query !== 'string' || query === '') {
    throw new GatewayError('PERSISTED_QUERY_NOT_SUPPORTED')
  }
  const hash = createHash('sha256').update(query).digest('hex')
  const { version, sha256Hash } = persistedQuery as Record<string, unknown>
  if (version !== 1 || sha256Hash !== hash) throw new GatewayError('PERSISTED_QUERY_MISMATCH')
}
