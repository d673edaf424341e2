import { GraphQLError } from 'graphql'

/** For what tells nothing about an account: there the answer to a throttled try is no other. */
export function tooManyRequests(): GraphQLError {
  return new GraphQLError('Too many requests: try again in a minute', {
    extensions: {
      code: 'TOO_MANY_REQUESTS',
      http: { status: 429, headers: new Map([['retry-after', '60']]) },
    },
  })
}
