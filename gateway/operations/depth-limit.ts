import { GraphQLError, Kind } from 'graphql'
import type { SelectionNode, SelectionSetNode, ValidationContext, ValidationRule } from 'graphql'
import { measuredFragments } from './measured-fragments.ts'

/**
 * Returns a validation rule that refuses operations nested deeper than the limit, fragments counted
 * where they are spread. Planning and execution recurse; their stack is not the client's to fill.
 */
export function depthLimit(limit: number): ValidationRule {
  return (context) => ({
    Document: {
      leave(document) {
        const depthOf = nesting(context, limit, 0)
        // Fragments that spread one another are not deep, but all that follows recurses through them.
        const levelsOf = nesting(context, 2 * limit, 1)
        for (const definition of document.definitions) {
          if (definition.kind !== Kind.OPERATION_DEFINITION) continue
          const { selectionSet } = definition
          if (depthOf(selectionSet) <= limit && levelsOf(selectionSet) <= 2 * limit) continue
          const message = `The operation is nested deeper than ${limit} levels`
          // Beyond the limit, nothing is counted.
          const extensions = { limit: 'depth', max: limit }
          context.reportError(new GraphQLError(message, { nodes: definition, extensions }))
        }
      },
    },
  })
}

/**
 * Returns the depth of a selection set, each fragment measured once.
 *
 * @param ofSpread how many levels a fragment counts for where it is spread
 */
function nesting(context: ValidationContext, limit: number, ofSpread: number) {
  const find = (name: string) => context.getFragment(name)
  // A fragment that contains itself has no end.
  const fragmentDepth = measuredFragments(find, depthOf, Infinity)
  return depthOf

  function depthOf(selectionSet: SelectionSetNode, above = 0): number {
    if (above > limit) return Infinity
    let deepest = 0
    for (const selection of selectionSet.selections) {
      deepest = Math.max(deepest, depthBelow(selection, above))
    }
    return deepest
  }

  function depthBelow(selection: SelectionNode, above: number): number {
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      return ofSpread + fragmentDepth(selection.name.value, above + ofSpread)
    }
    return selection.selectionSet ? 1 + depthOf(selection.selectionSet, above + 1) : 1
  }
}
