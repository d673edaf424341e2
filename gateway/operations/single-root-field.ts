import { GraphQLError, Kind, OperationTypeNode } from 'graphql'
import type { ASTNode, SelectionNode, ValidationRule } from 'graphql'

const conditions = ['skip', 'include']

/**
 * The validation rule that a subscription has one root field (GraphQL, section 5.2.4.1), which is neither
 * introspection nor has a condition: the field is what the events are of. The rule of graphql-js throws out
 * of `validate` for a condition by variable.
 */
export const singleRootField: ValidationRule = (context) => ({
  OperationDefinition(operation) {
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) return
    const responseNames = new Set<string>()
    const visited = new Set<string>()
    operation.selectionSet.selections.forEach(collect)
    if (responseNames.size !== 1) {
      report('A subscription must select exactly one root field', operation)
    }

    function report(message: string, nodes: ASTNode): void {
      context.reportError(new GraphQLError(message, { nodes }))
    }

    function collect(selection: SelectionNode): void {
      if (selection.directives?.some(({ name }) => conditions.includes(name.value))) {
        report('The root field of a subscription cannot have @skip or @include', selection)
      }
      if (selection.kind === Kind.FIELD) {
        if (selection.name.value.startsWith('__')) {
          report('The root field of a subscription cannot be introspection', selection)
        }
        responseNames.add((selection.alias ?? selection.name).value)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        selection.selectionSet.selections.forEach(collect)
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        context.getFragment(selection.name.value)?.selectionSet.selections.forEach(collect)
      }
    }
  },
})
