/** Fetches of entities: the fields that they select, and the inputs that they need. */
import type { FetchNode, QueryPlanSelectionNode } from '@apollo/query-planner'
import { Kind, parse, print, stripIgnoredCharacters } from 'graphql'
import type { OperationDefinitionNode, SelectionNode, SelectionSetNode } from 'graphql'
import { trimmedDocument } from '../graphql/trimmed-document.ts'

/** A field of an entity in a fetch: `... on type { field }`. */
export interface EntityField {
  readonly type: string
  readonly field: string
  /** The directives of the field and of the fragments around it, as text. */
  readonly conditions: string
}

/** A fetch that is not for all entities at its place. */
export type FetchForSomeEntities = FetchNode & {
  /** Its representations have to hold one of these keys complete. */
  readonly keys?: readonly (readonly string[])[]
  /** The names of what its fields require, where an entity could also be represented without that. */
  readonly inputs?: readonly string[]
}

/** Returns the fields that a fetch selects of entities, each once; `__typename` does not count. */
export function entityFieldsOf(fetch: FetchNode): EntityField[] {
  const fields = new Map<string, EntityField>()
  selectFields(parseOperation(fetch.operation), (field) => {
    fields.set(Object.values(field).join(' '), field)
    return true
  })
  return [...fields.values()]
}

/** Returns the names of the fields that are selected under more than one set of conditions. */
export function fieldsUnderSeveralConditions(fields: readonly EntityField[]): Set<string> {
  const conditions = new Map(fields.map((one) => [one.field, one.conditions]))
  return new Set(
    fields.flatMap((one) => (conditions.get(one.field) === one.conditions ? [] : [one.field])),
  )
}

/** Returns whether an input is kept; `path`: with the inputs that it is inside, `size.width`. */
export type KeepInput = (name: string, path: string) => boolean

/** Returns the fetch for those fields only, with those inputs only; undefined when no field is left. */
export function partOfFetch(
  fetch: FetchNode,
  keepField: (field: EntityField) => boolean,
  keepInput: KeepInput,
): FetchNode | undefined {
  const operation = selectFields(parseOperation(fetch.operation), keepField)
  if (!operation) return undefined
  return {
    ...fetch,
    operation: stripIgnoredCharacters(print(trimmedDocument(operation))),
    requires: keepInputs(fetch.requires ?? [], keepInput),
  }
}

/** Returns the names of all inputs, at any depth. */
export function inputNames(selections: readonly QueryPlanSelectionNode[]): string[] {
  return selections.flatMap((selection) => {
    const inside = inputNames(selection.selections ?? [])
    return selection.kind === 'Field' ? [selection.name, ...inside] : inside
  })
}

/** Returns the operation of a fetch, parsed. */
function parseOperation(text: string): OperationDefinitionNode {
  const [operation] = parse(text, { noLocation: true }).definitions
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('not an operation')
  return operation
}

/** Fragments are written out by then: see `plannerConfig`. */
function selectFields(
  operation: OperationDefinitionNode,
  keep: (field: EntityField) => boolean,
): OperationDefinitionNode | undefined {
  const [entities] = operation.selectionSet.selections
  if (entities?.kind !== Kind.FIELD || !entities.selectionSet) return undefined
  const selectionSet = filter(entities.selectionSet, '', '')
  if (!selectionSet) return undefined
  const selections = [{ ...entities, selectionSet }]
  return { ...operation, selectionSet: { kind: Kind.SELECTION_SET, selections } }

  function filter(
    set: SelectionSetNode,
    type: string,
    above: string,
  ): SelectionSetNode | undefined {
    const selections = set.selections.flatMap((selection): SelectionNode[] => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return [selection]
      const conditions = above + (selection.directives ?? []).map(print).join('')
      if (selection.kind === Kind.FIELD) {
        const { value: field } = selection.name
        return field === '__typename' || keep({ type, field, conditions }) ? [selection] : []
      }
      const innerType = selection.typeCondition?.name.value ?? type
      const inner = filter(selection.selectionSet, innerType, conditions)
      return inner ? [{ ...selection, selectionSet: inner }] : []
    })
    const isUseful = selections.some(
      (selection) => selection.kind !== Kind.FIELD || selection.name.value !== '__typename',
    )
    return isUseful ? { ...set, selections } : undefined
  }
}

function keepInputs(
  selections: readonly QueryPlanSelectionNode[],
  keep: KeepInput,
  above = '',
): QueryPlanSelectionNode[] {
  return selections.flatMap((selection): QueryPlanSelectionNode[] => {
    const isField = selection.kind === 'Field'
    const path = isField ? above + selection.name : above
    if (isField && !keep(selection.name, path)) return []
    if (!selection.selections) return [selection]
    const inner = keepInputs(selection.selections, keep, isField ? `${path}.` : above)
    return inner.length > 0 ? [{ ...selection, selections: inner }] : []
  })
}
