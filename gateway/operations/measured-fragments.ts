import type { SelectionSetNode } from 'graphql'

/** Finds a fragment by its name. */
export type FindFragment = (
  name: string,
) => { readonly selectionSet: SelectionSetNode } | null | undefined

/**
 * Returns a function that measures the fragment of that name, each fragment once.
 *
 * @param inItself what a fragment counts for while it is being measured: one that contains itself is
 *   refused by another rule
 */
export function measuredFragments(
  find: FindFragment,
  measure: (set: SelectionSetNode, above: number) => number,
  inItself = 0,
): (name: string, above?: number) => number {
  const known = new Map<string, number>()
  return (name, above = 0) => {
    const before = known.get(name)
    if (before !== undefined) return before
    known.set(name, inItself)
    const fragment = find(name)
    const measured = fragment ? measure(fragment.selectionSet, above) : 0
    known.set(name, measured)
    return measured
  }
}
