/**
 * The validation rule that allows one credential field per document: a hundred aliased `login` fields
 * would be a hundred guesses for the price of one request.
 */
import { GraphQLError } from 'graphql'
import type { FieldNode, ValidationRule } from 'graphql'

/** The fields of Mutation that take or check a credential. */
export const credentialFields: readonly string[] = [
  'login',
  'refresh',
  'signUp',
  'changePassword',
  'requestPasswordReset',
  'resetPassword',
  'confirmTotp',
  'removeTotp',
  'startPasskeyLogin',
  'finishPasskeyLogin',
]

export const oneCredentialField: ValidationRule = (context) => {
  const found: FieldNode[] = []
  return {
    // Also under an alias, in a fragment or in another operation.
    Field(node) {
      if (context.getParentType() !== context.getSchema().getMutationType()) return
      if (credentialFields.includes(node.name.value)) found.push(node)
    },
    Document: {
      leave() {
        if (found.length < 2) return
        context.reportError(
          new GraphQLError('Only one credential field is allowed per operation', {
            nodes: found,
            extensions: { code: 'CREDENTIALS_REPEATED' },
          }),
        )
      },
    },
  }
}
