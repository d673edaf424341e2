/** The part of an operation that a caller may have executed. */
import { Kind } from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { isIntrospection, typenameField } from '../graphql/introspection-fields.ts'
import type {
  GuardedField,
  GuardedFragment,
  GuardedOperation,
  GuardedSelection,
  GuardedSelections,
} from './guarded-operation.ts'
import type { Requirement } from './guarded-schema.ts'
import { trimmedDocument } from '../graphql/trimmed-document.ts'

/**
 * Returns the operation as it may be planned: the chosen one without its denied parts, without `__schema`
 * and `__type`, which graphql-js executes, and without what only they used.
 */
export function filterOperation(
  compiled: GuardedOperation,
  denies: (requirement: Requirement) => boolean,
): DocumentNode {
  /** The selection sets from which something, however deep, is left out, or that get `__typename`. */
  const reduced = new Set<GuardedSelections>()
  const filtered = new Map<GuardedSelections, SelectionSetNode>()
  const deniedElsewhere = keysWithinDenied(compiled.selections, denies)

  const selectionSet = filterSet(compiled.selections)
  const isEmpty = selectionSet.selections.length === 0
  const operation = { ...compiled.operation, selectionSet: isEmpty ? onlyTypename : selectionSet }
  return trimmedDocument(operation, filteredFragments())

  function filterSet(set: GuardedSelections): SelectionSetNode {
    const known = filtered.get(set)
    if (known) return known
    const selections = set.selections.flatMap((selection) => filterSelection(selection, set) ?? [])
    const result = reduced.has(set) ? { ...set.node, selections } : set.node
    filtered.set(set, result)
    return result
  }

  function filterSelection(
    selection: GuardedSelection,
    within: GuardedSelections,
  ): SelectionNode | undefined {
    const kept = isLeftOut(selection) ? undefined : filterBelow(selection)
    const below = selection.selections
    if (kept === undefined || (below && reduced.has(below))) reduced.add(within)
    return kept
  }

  function isLeftOut(selection: GuardedSelection): boolean {
    if (denies(selection.requirement)) return true
    return selection.kind === 'field' && isIntrospection(selection.name)
  }

  function filterBelow(selection: GuardedSelection): SelectionNode | undefined {
    return selection.kind === 'field' ? filterField(selection) : filterFragment(selection)
  }

  /**
   * The runtime type of an abstract value decides which of its denied fields the response names, those
   * that a denied place selects of the same value too; and @apollo/gateway forgets it between nested
   * fragments, unless it is asked for.
   */
  function filterField(field: GuardedField): FieldNode {
    if (!field.selections) return field.node
    const { selections, ...set } = filterSet(field.selections)
    if (field.abstract && deniedElsewhere.has(field.responseKey)) reduced.add(field.selections)
    if (!reduced.has(field.selections)) return field.node
    const typeMatters = field.abstract || selections.some(({ kind }) => kind !== Kind.FIELD)
    const isNeeded = selections.length === 0 || (typeMatters && !selectsTypename(selections))
    return {
      ...field.node,
      selectionSet: { ...set, selections: isNeeded ? [typenameField, ...selections] : selections },
    }
  }

  function filterFragment({ node, selections }: GuardedFragment): SelectionNode | undefined {
    const selectionSet = filterSet(selections)
    if (selectionSet.selections.length === 0) return undefined
    if (node.kind === Kind.FRAGMENT_SPREAD || !reduced.has(selections)) return node
    return { ...node, selectionSet }
  }

  function filteredFragments(): Map<string, FragmentDefinitionNode> {
    const sets = new Map([...filtered].map(([set, result]) => [set.node, result] as const))
    return new Map(
      [...compiled.fragments].map(([name, definition]) => {
        const selectionSet = sets.get(definition.selectionSet) ?? definition.selectionSet
        return [name, { ...definition, selectionSet }] as const
      }),
    )
  }
}

const onlyTypename: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [typenameField] }

/** Returns the response names of what is denied and of all that is selected in it. */
function keysWithinDenied(
  root: GuardedSelections,
  denies: (requirement: Requirement) => boolean,
): ReadonlySet<string> {
  const keys = new Set<string>()
  const visited = { denied: new Set<GuardedSelections>(), allowed: new Set<GuardedSelections>() }
  visitSet(root, false)
  return keys

  function visitSet(set: GuardedSelections, isWithinDenied: boolean): void {
    const seen = isWithinDenied ? visited.denied : visited.allowed
    if (seen.has(set)) return
    seen.add(set)
    for (const selection of set.selections) {
      const isDenied = isWithinDenied || denies(selection.requirement)
      if (isDenied && selection.kind === 'field') keys.add(selection.responseKey)
      if (selection.selections) visitSet(selection.selections, isDenied)
    }
  }
}

function selectsTypename(selections: readonly SelectionNode[]): boolean {
  return selections.some(
    (node) =>
      node.kind === Kind.FIELD &&
      node.name.value === '__typename' &&
      !node.alias &&
      !node.directives?.length,
  )
}
