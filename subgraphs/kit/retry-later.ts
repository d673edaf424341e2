/** The errors that ask a caller to retry: `extensions.retryAfter` says after how many seconds. */
import { GraphQLError } from 'graphql'

/** Returns the error for a caller with too many requests. */
export function tooManyRequests(retryAfter: number): GraphQLError {
  return new GraphQLError(`Too many requests: retry after ${seconds(retryAfter)}`, {
    extensions: { code: 'TOO_MANY_REQUESTS', retryAfter },
  })
}

/** Returns the error of an overloaded service; it does not depend on the request. */
export function overloaded(retryAfter: number): GraphQLError {
  return new GraphQLError(`The service is overloaded: retry after ${seconds(retryAfter)}`, {
    extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter },
  })
}

/** Returns the error for callers while something that a subgraph needs is unavailable. */
export function unavailableError(retryAfter: number) {
  return {
    message: `The service is unavailable: retry after ${seconds(retryAfter)}`,
    extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter },
  }
}

function seconds(count: number): string {
  return count === 1 ? '1 second' : `${count} seconds`
}
