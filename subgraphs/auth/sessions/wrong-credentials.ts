import { GraphQLError } from 'graphql'

/** Returns the same error for every problem, so that it does not reveal which accounts exist. */
export function wrongCredentials(): GraphQLError {
  return new GraphQLError('Wrong username or password', {
    extensions: { code: 'INVALID_CREDENTIALS' },
  })
}

/** Returns the error for a right password of an account that requires a code. */
export function codeRequired(): GraphQLError {
  return new GraphQLError('The code of your authenticator app is required', {
    extensions: { code: 'SECOND_FACTOR_REQUIRED' },
  })
}

/** Returns whether an error is one of these, and not a fault of ours. */
export function isRefusal(cause: unknown): boolean {
  if (!(cause instanceof GraphQLError)) return false
  return ['INVALID_CREDENTIALS', 'SECOND_FACTOR_REQUIRED'].includes(String(cause.extensions.code))
}
