import { GraphQLError } from 'graphql'
import type { ValidationRule } from 'graphql'

/**
 * The validation rule that refuses `__typename` as the alias of another field: the executor reads the
 * type of a value from it, and an alias could replace it.
 */
export const reservedAlias: ValidationRule = (context) => ({
  Field(node) {
    if (node.alias?.value !== '__typename' || node.name.value === '__typename') return
    const message = '`__typename` cannot be the alias of another field'
    context.reportError(new GraphQLError(message, { nodes: node }))
  },
})
