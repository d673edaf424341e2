import { GraphQLError } from 'graphql'

/** One answer to whatever is wrong: it tells nobody which accounts exist. */
export function wrongCredentials(): GraphQLError {
  return new GraphQLError('Wrong username or password', {
    extensions: { code: 'INVALID_CREDENTIALS' },
  })
}
