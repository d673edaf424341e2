/**
 * The fault: selections of a mutation that have one response name are one field, whatever conditions
 * they have; the planner takes them for several fields, and the mutation is executed several times.
 */
import { Kind, OperationTypeNode, print } from 'graphql'
import type {
  DirectiveNode,
  FieldNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'

interface RootField {
  readonly field: FieldNode
  /** Its own and those of the fragments around it, outermost first. */
  readonly directives: readonly DirectiveNode[]
}

/** Returns the operation in which each root field of a mutation is selected once. */
export function mergeRootFields(operation: OperationDefinitionNode): OperationDefinitionNode {
  if (operation.operation !== OperationTypeNode.MUTATION) return operation
  return { ...operation, selectionSet: merged(operation.selectionSet) }
}

function merged(set: SelectionSetNode): SelectionSetNode {
  const byKey = new Map<string, RootField[]>()
  for (const root of rootFields(set, [])) {
    const key = (root.field.alias ?? root.field.name).value
    byKey.set(key, [...(byKey.get(key) ?? []), root])
  }
  const conditionsDiffer = (fields: readonly RootField[]) =>
    new Set(fields.map(({ directives }) => directives.map(print).join())).size > 1
  if (![...byKey.values()].some(conditionsDiffer)) return set
  return {
    ...set,
    selections: [...byKey.values()].flatMap((fields) =>
      fields.some(({ directives }) => directives.length === 0)
        ? [unconditional(fields)]
        : fields.map(({ field, directives }) => ({ ...field, directives })),
    ),
  }
}

function rootFields(set: SelectionSetNode, above: readonly DirectiveNode[]): RootField[] {
  return set.selections.flatMap((selection): RootField[] => {
    const directives = [...above, ...(selection.directives ?? [])]
    if (selection.kind === Kind.FIELD) return [{ field: selection, directives }]
    return selection.kind === Kind.INLINE_FRAGMENT
      ? rootFields(selection.selectionSet, directives)
      : []
  })
}

/** Returns the field without a condition: the conditions move to what is selected inside. */
function unconditional(fields: readonly RootField[]): FieldNode {
  const { directives: _, selectionSet, ...field } = fields[0]!.field
  if (!selectionSet) return field
  const selections = fields.flatMap((one): readonly SelectionNode[] => {
    const inner = one.field.selectionSet!
    if (one.directives.length === 0) return inner.selections
    return [{ kind: Kind.INLINE_FRAGMENT, directives: one.directives, selectionSet: inner }]
  })
  return { ...field, selectionSet: { ...selectionSet, selections } }
}
