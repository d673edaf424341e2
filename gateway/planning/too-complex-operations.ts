import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { GatewayError } from '../errors.ts'

/** How long an operation is known as too complex, in milliseconds. */
const lifetime = 60_000
const mostOperations = 10_000

/**
 * Returns the memory, empty, of the operations that were too complex to plan: planning one again would
 * take as long again.
 */
export function tooComplexOperations() {
  const known = new LRUCache<string, true>({ max: mostOperations, ttl: lifetime })
  return {
    /** Returns whether the operation was too complex a short time ago. */
    has: (key: string) => known.size > 0 && known.has(digest(key)),
    /** Remembers the operation and returns true, if this is why it was not planned. */
    remember(key: string, cause: unknown): boolean {
      const isWhy = cause instanceof GatewayError && cause.reason === 'OPERATION_TOO_COMPLEX'
      if (isWhy) known.set(digest(key), true)
      return isWhy
    },
  }
}

/** The texts themselves may be large. */
function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64')
}
