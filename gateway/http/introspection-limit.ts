import { GraphQLError, Kind } from 'graphql'
import type { SelectionSetNode, ValidationContext, ValidationRule } from 'graphql'

/**
 * The most introspection fields of an operation, fragments counted where they are spread. A tool asks
 * for one `__schema`, an application for a few `__type`; each is executed in one piece, which for a
 * large schema takes tens of milliseconds.
 */
const most = { __schema: 4, __type: 20 } as const

type Counts = Record<keyof typeof most, number>

/** The validation rule that refuses an operation with more introspection fields than that. */
export const introspectionLimit: ValidationRule = (context) => {
  const counts = introspectionCounts(context)
  return {
    OperationDefinition(node) {
      const found = counts(node.selectionSet)
      for (const name of ['__schema', '__type'] as const) {
        if (found[name] <= most[name]) continue
        const message = `The operation selects "${name}" more than ${most[name]} times`
        context.reportError(new GraphQLError(message, { nodes: node }))
      }
    },
  }
}

/** Returns the counts of a selection set, each fragment counted once and then looked up. */
function introspectionCounts(context: ValidationContext) {
  const fragments = new Map<string, Counts>()
  return countIn

  function countIn({ selections }: SelectionSetNode): Counts {
    const counts: Counts = { __schema: 0, __type: 0 }
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const { value } = selection.name
        if (value === '__schema' || value === '__type') {
          counts[value]++
          continue
        }
      }
      const below =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? countInFragment(selection.name.value)
          : selection.selectionSet && countIn(selection.selectionSet)
      counts.__schema += below?.__schema ?? 0
      counts.__type += below?.__type ?? 0
    }
    return counts
  }

  /** One that contains itself is refused by another rule. */
  function countInFragment(name: string): Counts {
    const known = fragments.get(name)
    if (known) return known
    fragments.set(name, { __schema: 0, __type: 0 })
    const fragment = context.getFragment(name)
    const counts = fragment ? countIn(fragment.selectionSet) : { __schema: 0, __type: 0 }
    fragments.set(name, counts)
    return counts
  }
}
