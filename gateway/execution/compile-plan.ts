/** QueryPlan -> steps that can be executed many times: texts written, paths concatenated, functions made. */
import type { FetchNode, PlanNode, QueryPlan } from '@apollo/query-planner'
import { Kind, parse } from 'graphql'
import type { SelectionSetNode } from 'graphql'
import { contextReader, openContexts } from './context-arguments.ts'
import { routeOf } from './data-path.ts'
import type { DataPath } from './data-path.ts'
import { levelled } from './level-plan.ts'
import { representationWriter } from './representations.ts'
import type { RepresentationRules } from './representations.ts'
import type { FetchStep, Step } from './plan-steps.ts'
import { addSelection, openPath, openRequired, Place, placeAt } from './places.ts'
import type { TypeNames } from './type-names.ts'
import type { IsOfType } from '../graphql/type-conditions.ts'

/** A fetch that may not be for all entities at its place: see RepresentationRules. */
type FetchForSomeEntities = FetchNode & Pick<RepresentationRules, 'keys' | 'inputs'>

/** A plan, ready to be executed any number of times. */
export interface CompiledPlan {
  /** Undefined when nothing has to be fetched. */
  readonly root: Step | undefined
  /** The place of the root object. */
  readonly place: Place
  readonly fetches: readonly FetchStep[]
  /** Whether entities with equal representations may have the same objects below them. */
  readonly mayShareObjects: boolean
}

/** What a plan is compiled with. */
export interface PlanParts {
  readonly types: TypeNames
  readonly isOfType: IsOfType
  /** Returns whether sibling fetches from a subgraph may leave in one request. */
  readonly mayBatch: (subgraph: string) => boolean
}

/** Returns the steps of a plan. */
export function compilePlan({ node }: QueryPlan, parts: PlanParts): CompiledPlan {
  const place = new Place()
  const planned: PlannedFetch[] = []
  if (node?.kind === 'Subscription') throw new Error('the plan has no order: see stepsInOrder')
  if (node) collectFetches(node, [], planned)
  // A step knows where its fields are in records: all fetches add fields before.
  planned.forEach((one) => addFetch(place, one))
  const fetches = planned.map((one, id) => fetchStep(one, id, place, parts))
  const root = node && levelled(compile(node))
  // The same entity at two positions may be in two contexts.
  const mayShareObjects = fetches.every(({ readContext }) => !readContext)
  return { root, place, fetches, mayShareObjects }

  function compile(plan: PlanNode): Step {
    switch (plan.kind) {
      case 'Fetch':
        return fetches[planned.findIndex(({ fetch }) => fetch === plan)]!
      case 'Flatten':
        return compile(plan.node)
      case 'Sequence':
        return { kind: 'sequence', steps: plan.nodes.map(compile) }
      case 'Parallel':
        return { kind: 'parallel', steps: plan.nodes.map(compile) }
      case 'Condition':
        return {
          kind: 'condition',
          variable: plan.condition,
          then: plan.ifClause && compile(plan.ifClause),
          otherwise: plan.elseClause && compile(plan.elseClause),
        }
      case 'Defer':
        throw new Error('@defer is not supported')
    }
  }
}

interface PlannedFetch {
  readonly fetch: FetchForSomeEntities
  readonly path: DataPath
  /** What it selects of the objects at the path. */
  readonly selection: SelectionSetNode
  /** Names given by the planner -> names of the operation. */
  readonly renamed: ReadonlyMap<string, string>
}

function collectFetches(plan: PlanNode, path: DataPath, found: PlannedFetch[]): void {
  switch (plan.kind) {
    case 'Fetch': {
      const selection = selectionOf(plan)
      return void found.push({ fetch: plan, path, selection, renamed: renamedKeys(plan) })
    }
    case 'Flatten':
      return collectFetches(plan.node, [...path, ...plan.path.map(String)], found)
    case 'Sequence':
    case 'Parallel':
      return plan.nodes.forEach((child) => collectFetches(child, path, found))
    case 'Condition':
      if (plan.ifClause) collectFetches(plan.ifClause, path, found)
      if (plan.elseClause) collectFetches(plan.elseClause, path, found)
  }
}

/** Returns what the fetch selects of the root object, or of entities. */
function selectionOf({ operation, requires }: FetchNode): SelectionSetNode {
  const [definition] = parse(operation, { noLocation: true }).definitions
  if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new Error('not an operation')
  const [entities] = definition.selectionSet.selections
  if (!requires) return definition.selectionSet
  if (entities?.kind !== Kind.FIELD || !entities.selectionSet) throw new Error('no entities')
  return entities.selectionSet
}

/** Returns the names that rewrites give back to fields. */
function renamedKeys({ outputRewrites }: FetchNode): ReadonlyMap<string, string> {
  return new Map(
    (outputRewrites ?? []).flatMap((rewrite) =>
      rewrite.kind === 'KeyRenamer' ? [[rewrite.path.at(-1)!, rewrite.renameKeyTo] as const] : [],
    ),
  )
}

function addFetch(root: Place, { fetch, path, selection, renamed }: PlannedFetch): void {
  openPath(root, path)
  const place = placeAt(root, path)
  addSelection(place, selection, renamed)
  if (fetch.requires) {
    place.hasEntities = true
    openRequired(place, fetch.requires)
  }
  if (fetch.contextRewrites) openContexts(root, path, fetch.contextRewrites)
}

function fetchStep(
  { fetch, path, selection, renamed }: PlannedFetch,
  id: number,
  root: Place,
  { types, isOfType, mayBatch }: PlanParts,
): FetchStep {
  const { operation, operationName, requires, contextRewrites, keys, inputs } = fetch
  const contextNames = new Set((contextRewrites ?? []).map(({ renameKeyTo }) => renameKeyTo))
  const route = routeOf(root, path)
  const place = placeAt(root, path)
  return {
    kind: 'fetch',
    id,
    subgraph: fetch.serviceName,
    operationKind: fetch.operationKind,
    operation,
    head: requestHead(operation, operationName),
    variables: (fetch.variableUsages ?? []).filter(
      (name) => name !== 'representations' && !contextNames.has(name),
    ),
    path,
    place: path.join('.'),
    route,
    placeOfObjects: place,
    selection,
    bringsObjects: [...place.slots.values()].some(({ below }) => below),
    represent:
      requires &&
      representationWriter(requires, place, {
        types,
        isOfType,
        rewrites: fetch.inputRewrites,
        keys,
        inputs,
      }),
    requires,
    readContext: contextRewrites?.length
      ? contextReader(contextRewrites, { root, path, route, types, isOfType })
      : undefined,
    renamed,
    mayBatch: !!requires && !contextRewrites?.length && mayBatch(fetch.serviceName),
  }
}

/** Returns the JSON text of a request up to its variables. */
export function requestHead(operation: string, operationName?: string): string {
  const name =
    operationName === undefined ? '' : `,"operationName":${JSON.stringify(operationName)}`
  return `{"query":${JSON.stringify(operation)}${name},"variables":{`
}
