import { GraphQLError } from 'graphql'

/** One answer to whatever is wrong: it tells nobody which accounts exist. */
export function wrongCredentials(): GraphQLError {
  return new GraphQLError('Wrong username or password', {
    extensions: { code: 'INVALID_CREDENTIALS' },
  })
}

/** The password was right, and the account asks for more. */
export function codeRequired(): GraphQLError {
  return new GraphQLError('Give the code of your authenticator app, too', {
    extensions: { code: 'SECOND_FACTOR_REQUIRED' },
  })
}

/** Whether an error is one of these, and not a fault of ours. */
export function isRefusal(cause: unknown): boolean {
  if (!(cause instanceof GraphQLError)) return false
  return ['INVALID_CREDENTIALS', 'SECOND_FACTOR_REQUIRED'].includes(String(cause.extensions.code))
}
