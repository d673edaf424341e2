import { GraphQLError, Kind } from 'graphql'
import type { SelectionSetNode, ValidationContext, ValidationRule } from 'graphql'
import { measuredFragments } from './measured-fragments.ts'

/**
 * Returns a validation rule that refuses operations nested deeper than the limit, fragments counted
 * where they are spread. Planning and execution recurse; their stack is not the client's to fill.
 */
export function depthLimit(limit: number): ValidationRule {
  return (context) => ({
    Document: {
      leave(document) {
        const depthOf = nesting(context, limit)
        for (const definition of document.definitions) {
          if (definition.kind !== Kind.OPERATION_DEFINITION) continue
          if (depthOf(definition.selectionSet) <= limit) continue
          const message = `The operation is nested deeper than ${limit} levels`
          // Beyond the limit, nothing is counted.
          const extensions = { limit: 'depth', max: limit }
          context.reportError(new GraphQLError(message, { nodes: definition, extensions }))
        }
      },
    },
  })
}

/** Returns the depth of a selection set, each fragment measured once. */
function nesting(context: ValidationContext, limit: number) {
  const find = (name: string) => context.getFragment(name)
  // A fragment that contains itself has no end.
  const fragmentDepth = measuredFragments(find, depthOf, Infinity)
  return depthOf

  function depthOf(selectionSet: SelectionSetNode, above = 0): number {
    if (above > limit) return Infinity
    const depths = selectionSet.selections.map((selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return fragmentDepth(selection.name.value, above)
      return selection.selectionSet ? 1 + depthOf(selection.selectionSet, above + 1) : 1
    })
    return Math.max(0, ...depths)
  }
}
