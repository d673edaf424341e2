import type { GraphQLError } from 'graphql'
import { tooManyRequests as retryLater } from '../../kit/retry-later.ts'

/** For what tells nothing about an account: there the answer to a throttled try is no other. */
export function tooManyRequests(): GraphQLError {
  return retryLater(60)
}
