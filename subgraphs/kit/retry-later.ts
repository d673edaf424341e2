/** The errors that ask a caller to come back: `extensions.retryAfter` says after how many seconds. */
import { GraphQLError } from 'graphql'

/** Returns the error of a caller that asks too often. */
export function tooManyRequests(retryAfter: number): GraphQLError {
  return new GraphQLError(`Too many requests: retry after ${seconds(retryAfter)}`, {
    extensions: { code: 'TOO_MANY_REQUESTS', retryAfter },
  })
}

/** Returns the error of a service that has too much to do; it says nothing of what was asked. */
export function overloaded(retryAfter: number): GraphQLError {
  return new GraphQLError(`The service is overloaded: retry after ${seconds(retryAfter)}`, {
    extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter },
  })
}

/** Returns what a caller reads while something that a subgraph needs is away. */
export function unavailableError(retryAfter: number) {
  return {
    message: `The service is unavailable: retry after ${seconds(retryAfter)}`,
    extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter },
  }
}

function seconds(count: number): string {
  return count === 1 ? '1 second' : `${count} seconds`
}
