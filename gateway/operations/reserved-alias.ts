import { GraphQLError } from 'graphql'
import type { ValidationRule } from 'graphql'

/**
 * The validation rule that refuses `__typename` as the alias of another field: the engine tells the type
 * of a value by it, and an alias could make it tell another.
 */
export const reservedAlias: ValidationRule = (context) => ({
  Field(node) {
    if (node.alias?.value !== '__typename' || node.name.value === '__typename') return
    const message = '`__typename` cannot be the alias of another field'
    context.reportError(new GraphQLError(message, { nodes: node }))
  },
})
