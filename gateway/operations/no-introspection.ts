import { GraphQLError } from 'graphql'
import type { ValidationRule } from 'graphql'
import { isIntrospection } from '../graphql/introspection-fields.ts'

/** The validation rule of a graph whose schema is not public: it refuses `__schema` and `__type`. */
export const noIntrospection: ValidationRule = (context) => ({
  Field(node) {
    if (!isIntrospection(node.name.value)) return
    const message = `Introspection is turned off: "${node.name.value}" cannot be selected`
    context.reportError(new GraphQLError(message, { nodes: node }))
  },
})
