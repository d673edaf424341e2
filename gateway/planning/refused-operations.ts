import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { GatewayError } from '../errors.ts'

/** How long an operation that was too complex is refused at once, in milliseconds. */
const lifetime = 60_000
const mostOperations = 10_000

/** The operations that were too complex to plan: to try each of them again would take as long again. */
export interface RefusedOperations {
  has(key: string): boolean
  /** Remembers the operation and returns true, if this is why it was not planned. */
  remember(key: string, cause: unknown): boolean
}

/** Returns the memory of refused operations, empty. */
export function refusedOperations(): RefusedOperations {
  const refused = new LRUCache<string, true>({ max: mostOperations, ttl: lifetime })
  return {
    has: (key) => refused.size > 0 && refused.has(digest(key)),
    remember(key, cause) {
      if (!(cause instanceof GatewayError) || cause.reason !== 'OPERATION_TOO_COMPLEX') {
        return false
      }
      refused.set(digest(key), true)
      return true
    },
  }
}

/** The texts themselves may be large. */
function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64')
}
