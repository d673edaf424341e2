/** Executes a compiled plan: fetches, and merges the responses. */
import { parse } from 'graphql'
import { GatewayError } from '../errors.ts'
import { rootResponseKeys } from '../graphql/root-response-keys.ts'
import { fetchInBatch } from './batch-entity-fetches.ts'
import type { EntityFetchBatching, Send } from './batch-entity-fetches.ts'
import type { CompiledOperation, VariableValues } from './compile-operation.ts'
import { recordsOn } from './data-path.ts'
import { distinctRepresentations } from './distinct-representations.ts'
import { entityPlaces } from './entity-places.ts'
import type { EntitiesOfFetch } from './entity-places.ts'
import { errorList } from './error-list.ts'
import { addFailure, addIncomplete, addRootError, isFailureAround } from './fetch-errors.ts'
import type { FetchError } from './fetch-errors.ts'
import type { FetchedData } from './fetched-data.ts'
import { copyRecord, mergeRecord } from './merge-records.ts'
import { NestedTooDeep, nestedTooDeep } from './nesting.ts'
import type { FetchStep, Step } from './plan-steps.ts'
import type { ResponseForm } from './response-form.ts'
import { ResponseReader } from './response-reader.ts'
import { settleEntityFetch } from './settle-entity-fetch.ts'
import type { FetchedSoFar } from './settle-entity-fetch.ts'
import type { FailedCall, FetchSubgraph } from './subgraph-request.ts'
import { variablesText } from './variables-text.ts'
import { remembered } from '../values/remembered.ts'

export interface PlanExecution<Context> {
  readonly operation: CompiledOperation
  /** How responses are read. */
  readonly form: ResponseForm
  readonly variables: VariableValues
  readonly fetchSubgraph: FetchSubgraph<Context>
  readonly context: Context
}

/** What is fetched for one request. */
export interface FetchedRoot {
  readonly data: FetchedData
  /** The record of the root object. */
  readonly root: number
}

/** One execution: what its steps need, and what they have fetched so far. */
interface Execution extends FetchedSoFar, FetchedRoot {
  readonly operation: CompiledOperation
  readonly isTrue: (variable: string) => boolean
  readonly batching: EntityFetchBatching
}

/**
 * Fetches everything that the plan needs into the record of the root object; returns the errors. It does
 * not reject for a subgraph's fault.
 */
export async function executePlan<Context>(
  request: PlanExecution<Context>,
  { data, root }: FetchedRoot,
): Promise<readonly FetchError[]> {
  const { operation, form, variables } = request
  const { plan, batchedOperations, schema } = operation
  const list = errorList<FetchError>()
  const execution: Execution = {
    data,
    root,
    operation,
    errors: { data, root, list },
    places: entityPlaces(data, root, plan.mayShareObjects),
    isAbstract: schema.isAbstract,
    mayShareObjects: plan.mayShareObjects,
    isTrue: (variable) => operation.condition(variable, variables) === true,
    batching: {
      send: sender(request),
      variables,
      batchedOperations,
      waiting: new Map(),
      data,
      types: schema.types,
      form,
    },
  }
  if (plan.root) await run(execution, plan.root)
  return list.listed()
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
      return reportingFaults(
        execution,
        step,
        step.represent ? runEntityFetch(execution, step) : fetchRootFields(execution, step),
      )
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

/** Returns what is posted to the subgraph for a fetch of root fields. */
export function bodyOfRootFetch(step: FetchStep, variables: VariableValues): string {
  return `${step.head}${variablesText(variables, step.variables).slice(1)}}}`
}

async function fetchRootFields(execution: Execution, step: FetchStep): Promise<void> {
  const { data, root, operation, errors, places, batching } = execution
  const targets = recordsOn(data, root, step.route)
  if (targets.length === 0) return
  const { operationKind, placeOfObjects } = step
  const body = bodyOfRootFetch(step, batching.variables)
  let record = 0
  const readData = (bytes: Uint8Array, at: number) => {
    const reader = new ResponseReader(data, bytes, operation.schema.types)
    reader.at = at
    record = reader.readObject(batching.form.rootOf(step))
    return reader.at
  }
  const response = await batching.send(step.subgraph, { operationKind, body, readData })
  if (response.outcome === 'failed') {
    return addFailure(errors, step, response, rootKeysOf(step, batching.variables))
  }
  for (const error of response.errors) addRootError(errors, step, error)
  if (!response.hasData) return
  places.changeBelow(step)
  targets.forEach((target, index) => {
    const isShared = index === 0 || execution.mayShareObjects
    const source = isShared ? record : copyRecord(data, placeOfObjects, record)
    mergeRecord(data, placeOfObjects, target, source, execution.isAbstract)
  })
}

function failureOf(cause: unknown): FailedCall | undefined {
  const reason = 'SUBGRAPH_RESPONSE_INVALID'
  if (cause instanceof NestedTooDeep) return { outcome: 'failed', reason, detail: nestedTooDeep }
  const isFault = cause instanceof GatewayError && cause.reason === reason
  return isFault ? { outcome: 'failed', reason } : undefined
}

/** Returns the response keys of a fetch of root fields; undefined for one of entities. */
function rootKeysOf(
  { operation, represent }: FetchStep,
  variables: VariableValues,
): readonly string[] | undefined {
  return represent ? undefined : rootResponseKeys(parse(operation, { noLocation: true }), variables)
}

function runEntityFetch(execution: Execution, step: FetchStep): Promise<void> {
  return step.readContext
    ? fetchInContexts(execution, step)
    : fetchEntities(execution, step, execution.places.entitiesFor(step))
}

/**
 * Adds an error if an entity has something that is nested too deep to be sent, or if there is no room for
 * what a fetch has brought.
 */
function reportingFaults(
  execution: Execution,
  step: FetchStep,
  fetching: Promise<void>,
): Promise<void> {
  return fetching.catch((cause: unknown) => {
    const failed = failureOf(cause)
    if (!failed) throw cause
    addFailure(execution.errors, step, failed, rootKeysOf(step, execution.batching.variables))
  })
}

/**
 * Entities in different contexts have different arguments: there is a fetch for each context. The others
 * go on if one cannot be sent.
 */
async function fetchInContexts(execution: Execution, step: FetchStep): Promise<void> {
  const { data, root, errors } = execution
  const groups = new Map<string, number[]>()
  const incomplete: number[] = []
  for (const { entity, variables, isComplete } of step.readContext!(data, root)) {
    if (isComplete || errors.list.isEmpty()) remembered(groups, variables, () => []).push(entity)
    else incomplete.push(entity)
  }
  addIncomplete(errors, step, incomplete)
  await Promise.all(
    [...groups].map(([variables, records]) =>
      reportingFaults(execution, step, fetchEntities(execution, step, { records }, variables)),
    ),
  )
}

/** @param contextArguments the JSON text of arguments from a context: `,"name":value` for each */
async function fetchEntities(
  execution: Execution,
  step: FetchStep,
  entities: EntitiesOfFetch,
  contextArguments = '',
): Promise<void> {
  if (entities.records.length === 0) return
  const hasFailed = isFailureAround(execution.errors, step)
  const distinct = distinctRepresentations(execution.data, step, entities, hasFailed)
  addIncomplete(execution.errors, step, distinct.incomplete)
  if (entities.slots) execution.places.shared(step, distinct.entities)
  if (distinct.count === 0) return
  const fetch = { step, representations: distinct.text, contextArguments }
  settleEntityFetch(execution, step, await fetchInBatch(execution.batching, fetch), distinct)
}
