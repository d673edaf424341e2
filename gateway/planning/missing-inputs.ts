/**
 * The fault: the planner makes fetches that select a field without what it requires. When a field of the
 * subgraph that an operation starts in requires something of another subgraph, and is itself required
 * by a third one, the planner merges the field into the first fetch. Here the field moves to where it
 * belongs: into a fetch of its own, just before the fetch that needs it.
 *
 * When the client selects that field as well, under other conditions, one of the two has its inputs and
 * the other may not: nothing says which. Then both stay, and the fetch of its own is for those entities
 * that are still without the field.
 */
import type { FetchNode, PlanNode, QueryPlanSelectionNode } from '@apollo/query-planner'
import {
  getNamedType,
  isListType,
  isNonNullType,
  Kind,
  print,
  stripIgnoredCharacters,
} from 'graphql'
import type {
  FieldNode,
  GraphQLOutputType,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  VariableDefinitionNode,
} from 'graphql'
import { compositeTypeNamed, fieldOf } from '../graphql/composite-types.ts'
import { trimmedDocument } from '../graphql/trimmed-document.ts'
import { parseFieldSet } from '../graphql/field-set.ts'
import { typenameField } from '../graphql/introspection-fields.ts'
import {
  entityFieldsOf,
  fieldsUnderSeveralConditions,
  inputNames,
  parseOperation,
} from './entity-fetch.ts'
import type { FetchForSomeEntities } from './entity-fetch.ts'
import type { PassRules } from './passes.ts'
import { replaceFetches } from './plan-nodes.ts'

type RequirementRules = Pick<PassRules, 'entities' | 'graphOf' | 'schema'>

/** A field that a fetch selects, perhaps without what it requires. */
interface FieldWithoutInputs {
  readonly fetch: FetchNode
  /** The operation of the fetch, which contains the field's node. */
  readonly operation: OperationDefinitionNode
  readonly type: string
  readonly field: FieldNode
  /** The fields around it. */
  readonly above: readonly FieldNode[]
  /** Where its object is in the response. */
  readonly path: readonly string[]
  readonly key: SelectionSetNode
  /** Whether the fetch may have what the field requires: then the field stays in it. */
  readonly mayHaveInputs: boolean
}

/** A fetch, read to find such fields. */
interface FetchReading {
  readonly fetch: FetchNode
  readonly operation: OperationDefinitionNode
  readonly graph: string
  /** The names of what the fetch's representations hold. */
  readonly inputs: ReadonlySet<string>
  readonly underSeveralConditions: ReadonlySet<string>
  readonly rules: RequirementRules
}

/** A selection set of a fetch. */
interface Place {
  readonly type: string
  readonly path: readonly string[]
  readonly above: readonly FieldNode[]
  /** Whether the set is of the entity itself, to which the inputs belong. */
  readonly isEntity: boolean
}

/** Returns the plan in which every field that a later fetch needs has what it requires. */
export function fetchMissingInputs(plan: PlanNode, rules: RequirementRules): PlanNode {
  const candidates: FieldWithoutInputs[] = []
  replaceFetches(plan, (fetch, path) => {
    candidates.push(...fieldsWithoutInputs(fetch, path, rules))
    return fetch
  })
  if (candidates.length === 0) return plan
  const moved = fieldsToMove(plan, candidates)
  const remaining = replaceFetches(plan, (fetch) =>
    withoutFields(
      fetch,
      moved.filter((one) => one.fetch === fetch && !one.mayHaveInputs),
    ),
  )
  const places = new Map(moved.map((one) => [placeOf(one), [] as FieldWithoutInputs[]]))
  for (const one of moved) places.get(placeOf(one))!.push(one)
  return replaceFetches(remaining, (fetch, path) => {
    const due = [...places.values()].flatMap(distinct).filter((one) => needs(fetch, path, one))
    due.forEach((one) => places.delete(placeOf(one)))
    if (due.length === 0) return fetch
    return { kind: 'Sequence', nodes: [...due.map((one) => fetchOf(one, rules)), fetch] }
  })
}

/** Returns the fields that some fetch needs; what is below a field that moves, moves with it. */
function fieldsToMove(
  plan: PlanNode,
  candidates: readonly FieldWithoutInputs[],
): readonly FieldWithoutInputs[] {
  const needed = new Set<string>()
  replaceFetches(plan, (fetch, path) => {
    candidates.filter((one) => needs(fetch, path, one)).forEach((one) => needed.add(placeOf(one)))
    return fetch
  })
  const leaving = new Set<FieldNode>()
  return candidates.filter((one) => {
    if (!needed.has(placeOf(one)) || one.above.some((field) => leaving.has(field))) return false
    if (!one.mayHaveInputs) leaving.add(one.field)
    return true
  })
}

/** The same field under several aliases is in one place. */
function placeOf({ path, type, field }: FieldWithoutInputs): string {
  return [...path, type, field.name.value].join(' ')
}

/** One is enough of those that stay where they are. */
function distinct(all: readonly FieldWithoutInputs[]): readonly FieldWithoutInputs[] {
  return all.filter((one, index) => !one.mayHaveInputs || index === 0)
}

function needs({ requires }: FetchNode, path: readonly string[], one: FieldWithoutInputs): boolean {
  if (one.path.join(' ') !== path.join(' ')) return false
  return inputNames(requires ?? []).includes(one.field.name.value)
}

/** Returns the fields of a fetch that may be without what they require, outermost first. */
function fieldsWithoutInputs(
  fetch: FetchNode,
  path: readonly string[],
  rules: RequirementRules,
): readonly FieldWithoutInputs[] {
  const graph = rules.graphOf(fetch.serviceName)
  if (!rules.entities.hasRequirements(graph)) return []
  const operation = parseOperation(fetch.operation)
  const reading = {
    fetch,
    operation,
    graph,
    inputs: new Set(inputNames(fetch.requires ?? [])),
    underSeveralConditions: fetch.requires
      ? fieldsUnderSeveralConditions(entityFieldsOf(fetch))
      : new Set<string>(),
    rules,
  }
  if (!fetch.requires) {
    const type = rules.schema.getRootType(operation.operation)!.name
    return findIn(operation.selectionSet, { type, path, above: [], isEntity: false }, reading)
  }
  // `_entities` itself is no step of a path; what its own fields require are inputs.
  return operation.selectionSet.selections.flatMap((entities) =>
    entities.kind === Kind.FIELD && entities.selectionSet
      ? findIn(entities.selectionSet, { type: '', path, above: [], isEntity: true }, reading)
      : [],
  )
}

function findIn(
  set: SelectionSetNode,
  place: Place,
  reading: FetchReading,
): readonly FieldWithoutInputs[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return []
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const type = selection.typeCondition?.name.value ?? place.type
      return findIn(selection.selectionSet, { ...place, type }, reading)
    }
    const own = withoutInputs(selection, set, place, reading)
    const below = placeBelow(selection, place, reading)
    return [
      ...(own ? [own] : []),
      ...(below ? findIn(selection.selectionSet!, below, reading) : []),
    ]
  })
}

/** Returns what is known of a field that may be without its inputs; undefined when it has them. */
function withoutInputs(
  field: FieldNode,
  set: SelectionSetNode,
  { type, path, above, isEntity }: Place,
  { fetch, operation, graph, inputs, underSeveralConditions, rules }: FetchReading,
): FieldWithoutInputs | undefined {
  const { value: name } = field.name
  const requirements = rules.entities.requirementsOf(graph, type, name)
  const key = rules.entities.keySetsOf(graph, type)[0]
  if (requirements.length === 0 || key === undefined) return undefined
  const hasInputs = requirements.every(
    (required) => selects(set, required) || (isEntity && inputs.has(required)),
  )
  const mayHaveInputs = hasInputs && isEntity && !field.alias && underSeveralConditions.has(name)
  if (hasInputs && !mayHaveInputs) return undefined
  return {
    fetch,
    operation,
    type,
    field,
    above,
    path,
    key: parseFieldSet(key),
    mayHaveInputs,
  }
}

function placeBelow(
  field: FieldNode,
  { type, path, above }: Place,
  { rules: { schema } }: FetchReading,
): Place | undefined {
  if (!field.selectionSet) return undefined
  const parent = compositeTypeNamed(schema, type)
  const definition = parent && fieldOf(parent, field.name.value)
  if (!definition) return undefined
  return {
    type: getNamedType(definition.type).name,
    path: [...path, (field.alias ?? field.name).value, ...listSteps(definition.type)],
    above: [...above, field],
    isEntity: false,
  }
}

function listSteps(type: GraphQLOutputType): string[] {
  if (isNonNullType(type)) return listSteps(type.ofType)
  return isListType(type) ? ['@', ...listSteps(type.ofType)] : []
}

function selects(set: SelectionSetNode, name: string): boolean {
  return set.selections.some((one) => one.kind === Kind.FIELD && one.name.value === name)
}

/** Returns the fetch without the fields, and with the keys that lead to them. */
function withoutFields(fetch: FetchNode, fields: readonly FieldWithoutInputs[]): FetchNode {
  const [first] = fields
  if (!first) return fetch
  const keys = new Map<SelectionNode, SelectionSetNode>(
    fields.map(({ field, key }) => [field, key]),
  )
  const selectionSet = keysInsteadOfFields(first.operation.selectionSet, keys)
  const rest = trimmedDocument({ ...first.operation, selectionSet })
  return { ...fetch, operation: stripIgnoredCharacters(print(rest)) }
}

function keysInsteadOfFields(
  set: SelectionSetNode,
  keys: ReadonlyMap<SelectionNode, SelectionSetNode>,
): SelectionSetNode {
  const selections = set.selections.flatMap((one): readonly SelectionNode[] => {
    if (keys.has(one)) return []
    if (one.kind === Kind.FRAGMENT_SPREAD || !one.selectionSet) return [one]
    return [{ ...one, selectionSet: keysInsteadOfFields(one.selectionSet, keys) }]
  })
  const added = set.selections.flatMap((one): readonly SelectionNode[] => {
    const key = keys.get(one)
    return key ? [typenameField, ...key.selections] : []
  })
  return { ...set, selections: [...selections, ...added] }
}

/** Returns the fetch of the field alone, with the key and what the field requires. */
function fetchOf(
  { fetch, operation, type, key, mayHaveInputs, ...one }: FieldWithoutInputs,
  { entities, graphOf }: RequirementRules,
): FetchForSomeEntities {
  // The fetch that needs the field needs it whatever the conditions of the client say.
  const field = mayHaveInputs ? { ...one.field, directives: [] } : one.field
  const { serviceName } = fetch
  const required = entities.requirementSetOf(graphOf(serviceName), type, field.name.value)
  const inputs = [...inputsOf(key), ...inputsOf(parseFieldSet(required))]
  const selections: QueryPlanSelectionNode[] = [{ kind: 'Field', name: '__typename' }, ...inputs]
  const alone = parseOperation(
    `query($representations:[_Any!]!){_entities(representations:$representations){...on ${type}{${print(field)}}}}`,
  )
  const variables = [...alone.variableDefinitions!, ...(operation.variableDefinitions ?? [])]
  const document = trimmedDocument({ ...alone, variableDefinitions: unique(variables) })
  const [complete] = document.definitions
  return {
    kind: 'Fetch',
    serviceName,
    variableUsages: complete
      .variableDefinitions!.map(({ variable }) => variable.name.value)
      .filter((name) => name !== 'representations'),
    requires: [{ kind: 'InlineFragment', typeCondition: type, selections }],
    operation: stripIgnoredCharacters(print(complete)),
    operationKind: alone.operation,
    operationName: undefined,
    ...(mayHaveInputs && !field.selectionSet ? { unless: field.name.value } : {}),
  }
}

function unique(definitions: readonly VariableDefinitionNode[]): VariableDefinitionNode[] {
  return [...new Map(definitions.map((one) => [one.variable.name.value, one])).values()]
}

/** Returns the selections as what a representation holds. */
function inputsOf({ selections }: SelectionSetNode): QueryPlanSelectionNode[] {
  return selections.flatMap((one): QueryPlanSelectionNode[] => {
    if (one.kind === Kind.FRAGMENT_SPREAD) return []
    const inner = one.selectionSet && inputsOf(one.selectionSet)
    if (one.kind === Kind.FIELD) {
      return [{ kind: 'Field', name: one.name.value, ...(inner ? { selections: inner } : {}) }]
    }
    const condition = one.typeCondition?.name.value
    return [
      {
        kind: 'InlineFragment',
        ...(condition ? { typeCondition: condition } : {}),
        selections: inner ?? [],
      },
    ]
  })
}
