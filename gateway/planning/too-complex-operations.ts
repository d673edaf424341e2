import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { GatewayError } from '../errors.ts'

/** How long an operation is known as too complex, in milliseconds. */
const lifetime = 60_000
const mostOperations = 10_000

/** The operations that were too complex to plan: planning one again would take as long again. */
export interface TooComplexOperations {
  /** Returns whether the operation was too complex a short time ago. */
  has(key: string): boolean
  /** Remembers the operation and returns true, if this is why it was not planned. */
  remember(key: string, cause: unknown): boolean
}

/** Returns the memory of such operations, empty. */
export function tooComplexOperations(): TooComplexOperations {
  const known = new LRUCache<string, true>({ max: mostOperations, ttl: lifetime })
  return {
    has: (key) => known.size > 0 && known.has(digest(key)),
    remember(key, cause) {
      if (!(cause instanceof GatewayError) || cause.reason !== 'OPERATION_TOO_COMPLEX') {
        return false
      }
      known.set(digest(key), true)
      return true
    },
  }
}

/** The texts themselves may be large. */
function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64')
}
