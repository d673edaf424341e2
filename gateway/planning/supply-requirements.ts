/**
 * Fetches that ask for a field without what it requires. The planner makes them when a field of the
 * subgraph that an operation starts in requires something of another subgraph, and is itself required
 * by a third one: it merges the field into the first fetch. Here the field goes where it belongs,
 * into a fetch of its own, just before the fetch that needs it.
 *
 * When the client asks for that field as well, under other conditions, one of the two has its inputs
 * and the other may not: nothing tells which. Then both stay, and the fetch of its own is for those
 * entities that are still without the field.
 */
import type { FetchNode, PlanNode, QueryPlanSelectionNode } from '@apollo/query-planner'
import {
  getNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  parse,
  print,
  stripIgnoredCharacters,
  visit,
} from 'graphql'
import type {
  FieldNode,
  GraphQLOutputType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  VariableDefinitionNode,
} from 'graphql'
import { entityFieldsOf, fieldsUnderSeveralConditions, inputNames } from './entity-fetch.ts'
import type { EntityRules } from './entity-rules.ts'
import { parseFieldSet } from '../graphql/field-set.ts'
import { typenameField } from '../graphql/introspection-fields.ts'
import type { FetchWithRules } from './separate-fetches.ts'

export interface RequirementRules {
  readonly entities: EntityRules
  readonly graphOf: (subgraph: string) => string
  /** All types of the supergraph that the planner sees. */
  readonly schema: GraphQLSchema
}

/** A field that a fetch asks for, perhaps without what it requires. */
interface Unsupplied {
  readonly subgraph: string
  readonly type: string
  readonly field: FieldNode
  /** Where its object is in the response. */
  readonly path: readonly string[]
  readonly key: SelectionSetNode
  readonly requirements: readonly string[]
  /** Whether the fetch may have what the field requires: then the field stays in it. */
  readonly isPerhapsSupplied: boolean
  /** The variables of the operation that it was taken from. */
  readonly variables: readonly VariableDefinitionNode[]
}

/** Returns the plan in which every field that a later fetch needs has what it requires. */
export function supplyRequirements(plan: PlanNode, rules: RequirementRules): PlanNode {
  const candidates: Unsupplied[] = []
  mapFetches(plan, [], (fetch, path) =>
    takeOut(fetch, path, rules, (candidate) => {
      candidates.push(candidate)
      return false
    }),
  )
  if (candidates.length === 0) return plan
  const needed = new Set<string>()
  mapFetches(plan, [], (fetch, path) => {
    candidates.filter((one) => needs(fetch, path, one)).forEach((one) => needed.add(placeOf(one)))
    return fetch
  })
  const taken = new Map<string, Unsupplied[]>()
  const without = mapFetches(plan, [], (fetch, path) =>
    takeOut(fetch, path, rules, (candidate) => {
      const place = placeOf(candidate)
      if (!needed.has(place)) return false
      taken.set(place, [...(taken.get(place) ?? []), candidate])
      return true
    }),
  )
  return mapFetches(without, [], (fetch, path) => {
    const due = [...taken.values()].flatMap(withoutRepeats).filter((one) => needs(fetch, path, one))
    due.forEach((one) => taken.delete(placeOf(one)))
    if (due.length === 0) return fetch
    return { kind: 'Sequence', nodes: [...due.map((one) => fetchOf(one, rules)), fetch] }
  })
}

/** The same field under several aliases is in one place. */
function placeOf({ path, type, field }: Unsupplied): string {
  return [...path, type, field.name.value].join(' ')
}

/** One is enough of those that stay where they are. */
function withoutRepeats(all: readonly Unsupplied[]): Unsupplied[] {
  return all.filter((one, index) => !one.isPerhapsSupplied || index === 0)
}

function mapFetches(
  node: PlanNode,
  path: readonly string[],
  map: (fetch: FetchNode, path: readonly string[]) => PlanNode,
): PlanNode {
  switch (node.kind) {
    case 'Fetch':
      return map(node, path)
    case 'Flatten':
      return { ...node, node: mapFetches(node.node, [...path, ...node.path.map(String)], map) }
    case 'Sequence':
    case 'Parallel':
      return { ...node, nodes: node.nodes.map((child) => mapFetches(child, path, map)) }
    case 'Condition':
      return {
        ...node,
        ...(node.ifClause ? { ifClause: mapFetches(node.ifClause, path, map) } : {}),
        ...(node.elseClause ? { elseClause: mapFetches(node.elseClause, path, map) } : {}),
      }
    default:
      return node
  }
}

function takeOut(
  fetch: FetchNode,
  path: readonly string[],
  { entities, graphOf, schema }: RequirementRules,
  isTaken: (candidate: Unsupplied) => boolean,
): FetchNode {
  const graph = graphOf(fetch.serviceName)
  if (!entities.hasRequirements(graph)) return fetch
  const [operation] = parse(fetch.operation, { noLocation: true }).definitions
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return fetch
  const inputs = new Set(inputNames(fetch.requires ?? []))
  const doubtful = fetch.requires ? fieldsUnderSeveralConditions(entityFieldsOf(fetch)) : new Set()
  let isChanged = false
  const selectionSet = fetch.requires
    ? {
        ...operation.selectionSet,
        selections: operation.selectionSet.selections.map(entitiesField),
      }
    : withoutFields(
        operation.selectionSet,
        schema.getRootType(operation.operation)!.name,
        path,
        false,
      )
  if (!isChanged) return fetch
  const rest = withUsedVariables({ ...operation, selectionSet })
  return { ...fetch, operation: stripIgnoredCharacters(print(rest)) }

  /** `_entities` itself is no step of a path; what its own fields require are inputs. */
  function entitiesField(field: SelectionNode): SelectionNode {
    if (field.kind !== Kind.FIELD || !field.selectionSet) return field
    return { ...field, selectionSet: withoutFields(field.selectionSet, '', path, true) }
  }

  function withoutFields(
    set: SelectionSetNode,
    type: string,
    here: readonly string[],
    isEntity: boolean,
  ): SelectionSetNode {
    const added: SelectionNode[] = []
    const selections = set.selections.flatMap((selection): SelectionNode[] => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return [selection]
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const inner = selection.typeCondition?.name.value ?? type
        const selectionSet = withoutFields(selection.selectionSet, inner, here, isEntity)
        return [{ ...selection, selectionSet }]
      }
      const requirements = entities.requirementsOf(graph, type, selection.name.value)
      const key = entities.keySetsOf(graph, type)[0]
      const isSupplied = requirements.every(
        (name) => selects(set, name) || (isEntity && inputs.has(name)),
      )
      const isPerhapsSupplied =
        isSupplied && isEntity && !selection.alias && doubtful.has(selection.name.value)
      if ((isSupplied && !isPerhapsSupplied) || requirements.length === 0 || key === undefined) {
        return [inside(selection, type, here)]
      }
      const candidate: Unsupplied = {
        subgraph: fetch.serviceName,
        type,
        field: selection,
        path: here,
        key: parseFieldSet(key),
        requirements,
        isPerhapsSupplied,
        variables: (operation as OperationDefinitionNode).variableDefinitions ?? [],
      }
      if (!isTaken(candidate) || isPerhapsSupplied) return [inside(selection, type, here)]
      isChanged = true
      added.push(typenameField)
      added.push(...candidate.key.selections)
      return []
    })
    return { ...set, selections: [...selections, ...added] }
  }

  function inside(field: FieldNode, type: string, here: readonly string[]): FieldNode {
    if (!field.selectionSet) return field
    const parent = schema.getType(type)
    if (!isObjectType(parent) && !isInterfaceType(parent)) return field
    const definition = parent.getFields()[field.name.value]
    if (!definition) return field
    const below = [...here, (field.alias ?? field.name).value, ...listSteps(definition.type)]
    const inner = getNamedType(definition.type).name
    return { ...field, selectionSet: withoutFields(field.selectionSet, inner, below, false) }
  }
}

function listSteps(type: GraphQLOutputType): string[] {
  if (isNonNullType(type)) return listSteps(type.ofType)
  return isListType(type) ? ['@', ...listSteps(type.ofType)] : []
}

function selects(set: SelectionSetNode, name: string): boolean {
  return set.selections.some((one) => one.kind === Kind.FIELD && one.name.value === name)
}

function needs({ requires }: FetchNode, path: readonly string[], one: Unsupplied): boolean {
  if (one.path.join(' ') !== path.join(' ')) return false
  return inputNames(requires ?? []).includes(one.field.name.value)
}

/** The fetch of the field alone, with the key and what the field requires. */
function fetchOf(taken: Unsupplied, { entities, graphOf }: RequirementRules): FetchWithRules {
  const { subgraph, type, key, isPerhapsSupplied } = taken
  // Whoever needs the field needs it whatever the conditions of the client say.
  const field = isPerhapsSupplied ? { ...taken.field, directives: [] } : taken.field
  const set = entities.requirementSetOf(graphOf(subgraph), type, field.name.value)
  const typename: QueryPlanSelectionNode = { kind: 'Field', name: '__typename' }
  const selections = [typename, ...inputsOf(key), ...inputsOf(parseFieldSet(set))]
  const [operation] = parse(
    `query($representations:[_Any!]!){_entities(representations:$representations){...on ${type}{${print(field)}}}}`,
    { noLocation: true },
  ).definitions as readonly OperationDefinitionNode[]
  const definitions = [...operation!.variableDefinitions!, ...taken.variables]
  const whole = withUsedVariables({ ...operation!, variableDefinitions: unique(definitions) })
  return {
    kind: 'Fetch',
    serviceName: subgraph,
    variableUsages: whole
      .variableDefinitions!.map(({ variable }) => variable.name.value)
      .filter((name) => name !== 'representations'),
    requires: [{ kind: 'InlineFragment', typeCondition: type, selections }],
    operation: stripIgnoredCharacters(print(whole)),
    operationKind: operation!.operation,
    operationName: undefined,
    ...(isPerhapsSupplied && !field.selectionSet ? { unless: field.name.value } : {}),
  }
}

function unique(definitions: readonly VariableDefinitionNode[]): VariableDefinitionNode[] {
  return [...new Map(definitions.map((one) => [one.variable.name.value, one])).values()]
}

function withUsedVariables(operation: OperationDefinitionNode): OperationDefinitionNode {
  const used = new Set<string>()
  visit(operation.selectionSet, { Variable: ({ name }) => void used.add(name.value) })
  const variableDefinitions = (operation.variableDefinitions ?? []).filter(({ variable }) =>
    used.has(variable.name.value),
  )
  return { ...operation, variableDefinitions }
}

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
