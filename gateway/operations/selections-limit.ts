import { GraphQLError, Kind } from 'graphql'
import type { SelectionSetNode, ValidationRule } from 'graphql'
import { measuredFragments } from './measured-fragments.ts'

/**
 * Returns a validation rule that refuses operations with more selections than the limit, fragments
 * counted wherever they are spread: a few nested fragments can expand to billions of fields.
 */
export function selectionsLimit(limit: number): ValidationRule {
  return (context) => ({
    Document: {
      leave(document) {
        const countInFragment = measuredFragments((name) => context.getFragment(name), countIn)
        for (const definition of document.definitions) {
          if (definition.kind !== Kind.OPERATION_DEFINITION) continue
          const value = countIn(definition.selectionSet)
          if (value <= limit) continue
          const name = definition.name ? `operation "${definition.name.value}"` : 'operation'
          const message = `The ${name} has more than ${limit} selections, fragments counted where they are spread`
          const counted = Math.min(value, Number.MAX_SAFE_INTEGER)
          const extensions = { limit: 'selections', value: counted, max: limit }
          context.reportError(new GraphQLError(message, { nodes: definition, extensions }))
        }

        function countIn({ selections }: SelectionSetNode): number {
          let count = selections.length
          for (const selection of selections) {
            if (selection.kind === Kind.FRAGMENT_SPREAD)
              count += countInFragment(selection.name.value)
            else if (selection.selectionSet) count += countIn(selection.selectionSet)
          }
          return count
        }
      },
    },
  })
}
