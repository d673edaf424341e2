/** Executes a compiled plan: fetches, and merges the responses. */
import { parse } from 'graphql'
import { rootResponseKeys } from '../graphql/root-response-keys.ts'
import { fetchInBatch } from './batch-entity-fetches.ts'
import type { EntityFetchBatching, Send } from './batch-entity-fetches.ts'
import type { CompiledOperation, VariableValues } from './compile-operation.ts'
import type { SharedObjects } from './deduplicate-entities.ts'
import { distinctRepresentations } from './distinct-representations.ts'
import { entityPlaces } from './entity-places.ts'
import { errorList } from './error-list.ts'
import { addFailure, addRootError } from './fetch-errors.ts'
import type { FetchError } from './fetch-errors.ts'
import { boundedJson, NestedTooDeep, nestedTooDeep } from './nesting.ts'
import type { FetchStep, Step } from './plan-steps.ts'
import { copyOf, objectsAt } from './response-data.ts'
import type { JsonObject } from './response-data.ts'
import { settleEntityFetch } from './settle-entity-fetch.ts'
import type { FetchedSoFar } from './settle-entity-fetch.ts'
import type { FetchSubgraph } from './subgraph-request.ts'
import { variablesText } from './variables-text.ts'
import { remembered } from '../values/remembered.ts'

export interface PlanExecution<Context> {
  readonly operation: CompiledOperation
  readonly variables: VariableValues
  readonly fetchSubgraph: FetchSubgraph<Context>
  readonly context: Context
}

export interface FetchedData {
  readonly data: JsonObject
  readonly errors: readonly FetchError[]
  readonly shared: SharedObjects
}

/** One execution: what its steps need, and what they have fetched so far. */
interface Execution extends FetchedSoFar {
  readonly data: JsonObject
  readonly isTrue: (variable: string) => boolean
  readonly batching: EntityFetchBatching
}

/** Returns everything that the plan's fetches brought. It does not reject for a subgraph's fault. */
export async function executePlan<Context>(request: PlanExecution<Context>): Promise<FetchedData> {
  const { operation, variables } = request
  const { plan, batchedOperations, schema } = operation
  const data: JsonObject = {}
  const list = errorList<FetchError>()
  const places = entityPlaces(data, plan.mayShareObjects)
  const execution: Execution = {
    data,
    errors: { data, list },
    places,
    mergeObject: schema.mergeObject,
    mayShareObjects: plan.mayShareObjects,
    isTrue: (variable) => operation.condition(variable, variables) === true,
    batching: { send: sender(request), variables, batchedOperations, waiting: new Map() },
  }
  if (plan.root) await run(execution, plan.root)
  return { data, errors: list.listed(), shared: places.shared }
}

/** Returns the function that sends the requests of one execution, and marks those after a mutation. */
function sender<Context>({ fetchSubgraph, context }: PlanExecution<Context>): Send {
  let hasMutated = false
  return (subgraph, request) => {
    if (request.operationKind === 'mutation') hasMutated = true
    const sent = hasMutated ? { ...request, isAfterMutation: true as const } : request
    return fetchSubgraph(subgraph, sent, context)
  }
}

function run(execution: Execution, step: Step): Promise<void> {
  switch (step.kind) {
    case 'fetch':
      return step.represent ? runEntityFetch(execution, step) : fetchRootFields(execution, step)
    case 'sequence':
      return runInOrder(execution, step.steps)
    case 'parallel':
      return Promise.all(step.steps.map((one) => run(execution, one))).then(nothingMore)
    case 'condition': {
      const branch = execution.isTrue(step.variable) ? step.then : step.otherwise
      return branch ? run(execution, branch) : Promise.resolve()
    }
  }
}

async function runInOrder(execution: Execution, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await run(execution, step)
}

function nothingMore(): void {}

async function fetchRootFields(execution: Execution, step: FetchStep): Promise<void> {
  const { data, errors, places, mergeObject, batching } = execution
  const targets = objectsAt(data, step.path)
  if (targets.length === 0) return
  const { operationKind } = step
  const body = `${step.head}${variablesText(batching.variables, step.variables).slice(1)}}}`
  const response = await batching.send(step.subgraph, { operationKind, body })
  if (response.outcome === 'failed') {
    const keys = rootResponseKeys(parse(step.operation, { noLocation: true }))
    return addFailure(errors, step, response, keys)
  }
  for (const error of response.errors) addRootError(errors, step, error)
  if (!response.data) return
  step.rewriteResponse?.(response.data)
  places.changeBelow(step)
  targets.forEach((target, index) =>
    mergeObject(target, index === 0 ? response.data! : copyOf(response.data!)),
  )
}

function runEntityFetch(execution: Execution, step: FetchStep): Promise<void> {
  const fetching = step.readContext
    ? fetchInContexts(execution, step)
    : fetchEntities(execution, step, execution.places.entitiesFor(step))
  return fetching.catch((cause: unknown) => {
    if (!(cause instanceof NestedTooDeep)) throw cause
    addFailure(execution.errors, step, {
      outcome: 'failed',
      reason: 'SUBGRAPH_RESPONSE_INVALID',
      detail: nestedTooDeep,
    })
  })
}

/** Entities in different contexts have different arguments: there is a fetch for each context. */
async function fetchInContexts(execution: Execution, step: FetchStep): Promise<void> {
  const groups = new Map<string, JsonObject[]>()
  for (const { entity, variables } of step.readContext!(execution.data)) {
    remembered(groups, boundedJson(variables), () => []).push(entity)
  }
  await Promise.all(
    [...groups].map(([text, entities]) =>
      fetchEntities(execution, step, entities, text === '{}' ? '' : `,${text.slice(1, -1)}`),
    ),
  )
}

/** @param contextArguments the JSON text of arguments from a context: `,"name":value` for each */
async function fetchEntities(
  execution: Execution,
  step: FetchStep,
  entities: readonly JsonObject[],
  contextArguments = '',
): Promise<void> {
  const distinct = distinctRepresentations(step.represent!, entities)
  if (distinct.texts.length === 0) return
  const representations = `[${distinct.texts.join()}]`
  const fetch = { step, representations, contextArguments }
  settleEntityFetch(execution, step, await fetchInBatch(execution.batching, fetch), distinct)
}
