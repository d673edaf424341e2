/**
 * The fault: the planner leaves out a field with a condition when everything below it has conditions
 * of its own. A mutation is then not executed at all.
 */
import { Kind } from 'graphql'
import type { OperationDefinitionNode, SelectionNode, SelectionSetNode } from 'graphql'
import { isIntrospection, typenameField } from '../graphql/introspection-fields.ts'

/** Returns the operation in which every such field has a selection without a condition. */
export function keepConditionalFields(operation: OperationDefinitionNode): OperationDefinitionNode {
  return { ...operation, selectionSet: keepInSet(operation.selectionSet) }
}

function keepInSet(set: SelectionSetNode): SelectionSetNode {
  return { ...set, selections: set.selections.map(keep) }
}

function keep(selection: SelectionNode): SelectionNode {
  if (selection.kind === Kind.FRAGMENT_SPREAD || !selection.selectionSet) return selection
  if (selection.kind === Kind.FIELD && isIntrospection(selection.name.value)) return selection
  const { selections } = keepInSet(selection.selectionSet)
  const mayBeEmpty =
    selection.kind === Kind.FIELD && isConditional(selection) && selections.every(isConditional)
  const kept = mayBeEmpty ? [...selections, typenameField] : selections
  return { ...selection, selectionSet: { ...selection.selectionSet, selections: kept } }
}

function isConditional(selection: SelectionNode): boolean {
  if (selection.directives?.length) return true
  return (
    selection.kind === Kind.INLINE_FRAGMENT &&
    selection.selectionSet.selections.every(isConditional)
  )
}
