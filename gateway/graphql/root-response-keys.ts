import { getOperationAST, Kind } from 'graphql'
import type { DocumentNode, SelectionSetNode } from 'graphql'
import { conditionsOf, conditionValue, conditionVariables, isIncluded } from './conditions.ts'
import { fragmentsOf } from './fragments.ts'

/**
 * Returns the response keys of the root fields that the only operation of a document selects, also by fragments; not of
 * those that `@skip` and `@include` leave out.
 */
export function rootResponseKeys(
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): string[] {
  const operation = getOperationAST(document)
  if (!operation) return []
  const fragments = fragmentsOf(document)
  const defaults = conditionVariables(operation, fragments)
  const valueOf = (name: string) => conditionValue(name, variables, defaults)
  return [...new Set(keysOf(operation.selectionSet))]

  function keysOf(set: SelectionSetNode | undefined): string[] {
    return (set?.selections ?? []).flatMap((selection) => {
      if (!isIncluded(conditionsOf(selection), valueOf, 'false')) return []
      if (selection.kind === Kind.FIELD) return [(selection.alias ?? selection.name).value]
      const isSpread = selection.kind === Kind.FRAGMENT_SPREAD
      return keysOf((isSpread ? fragments.get(selection.name.value) : selection)?.selectionSet)
    })
  }
}
