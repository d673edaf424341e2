import { GraphQLError, Kind } from 'graphql'
import type { SelectionSetNode, ValidationRule } from 'graphql'

/**
 * Returns a validation rule that refuses operations with more selections than the limit, fragments
 * counted wherever they are spread: a few nested fragments can expand to billions of fields.
 */
export function selectionsLimit(limit: number): ValidationRule {
  return (context) => ({
    Document: {
      leave(document) {
        const fragments = new Map<string, number>()
        for (const definition of document.definitions) {
          if (definition.kind !== Kind.OPERATION_DEFINITION) continue
          if (countIn(definition.selectionSet) <= limit) continue
          const name = definition.name ? `operation "${definition.name.value}"` : 'operation'
          const message = `The ${name} has more than ${limit} selections, fragments counted where they are spread`
          context.reportError(new GraphQLError(message, { nodes: definition }))
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

        /** Each fragment is counted once; one that contains itself is refused by another rule. */
        function countInFragment(name: string): number {
          const known = fragments.get(name)
          if (known !== undefined) return known
          fragments.set(name, 0)
          const fragment = context.getFragment(name)
          const count = fragment ? countIn(fragment.selectionSet) : 0
          fragments.set(name, count)
          return count
        }
      },
    },
  })
}
