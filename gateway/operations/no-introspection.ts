import { GraphQLError } from 'graphql'
import type { ValidationRule } from 'graphql'

/** The validation rule of a graph whose schema is not public: it refuses `__schema` and `__type`. */
export const noIntrospection: ValidationRule = (context) => ({
  Field(node) {
    if (node.name.value !== '__schema' && node.name.value !== '__type') return
    const message = `Introspection is turned off: "${node.name.value}" cannot be selected`
    context.reportError(new GraphQLError(message, { nodes: node }))
  },
})
