import { GraphQLError, Kind, OperationTypeNode } from 'graphql'
import type { SelectionNode, ValidationRule } from 'graphql'

/**
 * The validation rule that a subscription has one root field (GraphQL, section 5.2.4.1). That of
 * graphql-js throws out of `validate` when a root field has a condition by variable; here, a field
 * counts whatever its conditions are.
 */
export const singleRootField: ValidationRule = (context) => ({
  OperationDefinition(operation) {
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) return
    const responseNames = new Set<string>()
    const visited = new Set<string>()
    operation.selectionSet.selections.forEach(collect)
    if (responseNames.size === 1) return
    const message = 'A subscription must select exactly one root field'
    context.reportError(new GraphQLError(message, { nodes: operation }))

    function collect(selection: SelectionNode): void {
      if (selection.kind === Kind.FIELD) {
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
