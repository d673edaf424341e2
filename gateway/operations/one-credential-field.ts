import { GraphQLError, Kind } from 'graphql'
import type {
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  ValidationRule,
} from 'graphql'
import { GatewayError } from '../errors.ts'
import { measuredFragments } from './measured-fragments.ts'

/**
 * Returns a validation rule that refuses an operation with more than one credential field, aliases
 * and fragments counted. Otherwise one request would try a hundred passwords.
 *
 * @param fields as coordinates: `Mutation.login`
 */
export function oneCredentialField(fields: readonly string[]): ValidationRule {
  const credentials = new Set(fields)

  return (context) => ({
    OperationDefinition(operation: OperationDefinitionNode) {
      const root = context.getSchema().getRootType(operation.operation)?.name
      const countInFragment = measuredFragments((name) => context.getFragment(name), countIn)
      if (countIn(operation.selectionSet) <= 1) return
      const refused = new GatewayError('CREDENTIALS_REPEATED')
      context.reportError(
        new GraphQLError(refused.message, { nodes: operation, originalError: refused }),
      )

      function countIn({ selections }: SelectionSetNode): number {
        return selections.reduce((count, selection) => count + countOf(selection), 0)
      }

      function countOf(selection: SelectionNode): number {
        if (selection.kind === Kind.FIELD) {
          return credentials.has(`${root}.${selection.name.value}`) ? 1 : 0
        }
        if (selection.kind === Kind.INLINE_FRAGMENT) return countIn(selection.selectionSet)
        return countInFragment(selection.name.value)
      }
    },
  })
}
