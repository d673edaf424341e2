import { Kind } from 'graphql'
import type { DocumentNode, OperationDefinitionNode, SelectionSetNode } from 'graphql'
import { fragmentsOf } from '../graphql/fragments.ts'
import { remembered } from '../values/remembered.ts'

/** Composition gives the root types of a supergraph these names. */
const rootTypes = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' } as const

/** How often an operation selects each root field, by coordinates such as `Mutation.login`. */
export type RootFieldCounts = ReadonlyMap<string, number>

/**
 * Returns the counts of an operation that is valid. Each alias counts, with fragments expanded; conditions are
 * taken to be true.
 */
export function rootFieldCounts(
  document: DocumentNode,
  operation: OperationDefinitionNode,
): RootFieldCounts {
  const root = rootTypes[operation.operation]
  const fragments = fragmentsOf(document)
  const byFragment = new Map<string, RootFieldCounts>()
  return countIn(operation.selectionSet, new Map())

  function countIn({ selections }: SelectionSetNode, counts: Map<string, number>): RootFieldCounts {
    const add = (count: number, field: string) =>
      void counts.set(field, (counts.get(field) ?? 0) + count)
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) add(1, `${root}.${selection.name.value}`)
      else if (selection.kind === Kind.INLINE_FRAGMENT) countIn(selection.selectionSet, counts)
      else remembered(byFragment, selection.name.value, countInFragment).forEach(add)
    }
    return counts
  }

  /** A fragment is spread many times, but counted once. */
  function countInFragment(name: string): RootFieldCounts {
    return countIn(fragments.get(name)!.selectionSet, new Map())
  }
}
