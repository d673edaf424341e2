/**
 * Entity fetch batching: sibling fetches of entities from one subgraph become one request, in which each
 * is an `_entities` field with its own alias. Fetches that start before the current operation of
 * the event loop ends leave together.
 */
import { Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql'
import type { FieldNode, VariableDefinitionNode } from 'graphql'
import { requestHead } from './compile-plan.ts'
import type { FetchStep } from './plan-steps.ts'
import { copyOf } from './response-data.ts'
import type { JsonObject } from './response-data.ts'
import type { SubgraphResult, SubgraphError, SubgraphRequest } from './subgraph-request.ts'
import { variablesText } from './variables-text.ts'
import { remembered } from '../values/remembered.ts'

export interface EntityFetch {
  readonly step: FetchStep
  /** The JSON text of the list of representations. */
  readonly representations: string
  /** The JSON text of arguments from a context: `,"name":value` for each. */
  readonly contextArguments: string
}

/** Sends a request to a subgraph, for one client request. */
export type Send = (subgraph: string, request: SubgraphRequest) => Promise<SubgraphResult>

/** Heads of batch requests, by the numbers of the fetches in the batch; they belong to one plan. */
export type BatchedOperations = Map<string, string>

/** The batching of one client request. */
export interface EntityFetchBatching {
  readonly send: Send
  /** The client's variables. */
  readonly variables: Readonly<Record<string, unknown>>
  readonly batchedOperations: BatchedOperations
  /** By subgraph: the fetches that leave with the next batch. */
  readonly waiting: Map<string, WaitingFetch[]>
}

interface WaitingFetch extends EntityFetch {
  readonly resolve: (response: SubgraphResult | Promise<SubgraphResult>) => void
}

/** The most batched operations kept for a plan; the plan's shape leaves room for few. */
const mostBatchedOperations = 64

/** Returns the response to a fetch of entities, which may leave in one request with others. */
export function fetchInBatch(
  batching: EntityFetchBatching,
  fetch: EntityFetch,
): Promise<SubgraphResult> {
  const { waiting } = batching
  const { step, representations, contextArguments } = fetch
  const { subgraph } = step
  if (!step.mayBatch) return sendAlone(batching, fetch)
  return new Promise((resolve) => {
    const waitingFetch = { step, representations, contextArguments, resolve }
    const others = waiting.get(subgraph)
    if (others) others.push(waitingFetch)
    else {
      waiting.set(subgraph, [waitingFetch])
      if (waiting.size === 1) process.nextTick(sendWaiting, batching)
    }
  })
}

function sendWaiting(batching: EntityFetchBatching): void {
  const batches = [...batching.waiting.values()]
  batching.waiting.clear()
  for (const fetches of batches) {
    const distinct = distinctFetches(fetches)
    if (distinct.length > 1) sendBatch(batching, distinct)
    else settleAll(distinct[0]!, sendAlone(batching, distinct[0]![0]!))
  }
}

function sendAlone(
  { send, variables }: EntityFetchBatching,
  { step, representations, contextArguments }: EntityFetch,
): Promise<SubgraphResult> {
  const others = contextArguments + variablesText(variables, step.variables)
  const body = `${step.head}"representations":${representations}${others}}}`
  return send(step.subgraph, { operationKind: step.operationKind, body })
}

function sendBatch(batching: EntityFetchBatching, groups: readonly WaitingFetch[][]): void {
  const fetches = groups.map(([first]) => first!)
  const { subgraph, operationKind } = fetches[0]!.step
  const body = batchHead(batching, fetches) + batchVariables(batching, fetches)
  const responding = batching.send(subgraph, { operationKind, body })
  groups.forEach((group, index) =>
    settleAll(
      group,
      // An error in one fetch can make all data null: each is then sent alone.
      responding.then((response) =>
        response.outcome === 'answered' && response.data === null
          ? sendAlone(batching, group[0]!)
          : partOf(response, index),
      ),
    ),
  )
}

function batchVariables(
  { variables }: EntityFetchBatching,
  fetches: readonly EntityFetch[],
): string {
  const lists = fetches.map(
    ({ representations }, index) => `"${representationsName(index)}":${representations}`,
  )
  const names = new Set(fetches.flatMap(({ step }) => step.variables))
  return `${lists.join()}${variablesText(variables, names)}}}`
}

function batchHead(
  { batchedOperations }: EntityFetchBatching,
  fetches: readonly EntityFetch[],
): string {
  const key = fetches.map(({ step }) => step.id).join()
  const known = batchedOperations.get(key)
  if (known !== undefined) return known
  const head = requestHead(batchedOperation(fetches.map(({ step }) => step.operation)))
  if (batchedOperations.size < mostBatchedOperations) batchedOperations.set(key, head)
  return head
}

/** Groups the fetches that select the same of the same entities: each group is sent once. */
function distinctFetches(fetches: readonly WaitingFetch[]): WaitingFetch[][] {
  const groups = new Map<string, WaitingFetch[]>()
  for (const fetch of fetches) {
    const key = `${fetch.step.operation}\n${fetch.representations}`
    remembered(groups, key, () => []).push(fetch)
  }
  return [...groups.values()]
}

/** Each fetch changes the data that it gets: only the last may have the original. */
function settleAll(group: readonly WaitingFetch[], responding: Promise<SubgraphResult>): void {
  group.forEach(({ resolve }, index) => {
    const isLast = index === group.length - 1
    resolve(isLast ? responding : responding.then(copyOf))
  })
}

const alias = (index: number) => `_e${index}`
const representationsName = (index: number) => `_representations${index}`

/** Returns the text of the operation that fetches the entities of all given operations. */
export function batchedOperation(operations: readonly string[]): string {
  const variables = new Map<string, VariableDefinitionNode>()
  const selections: FieldNode[] = []
  operations.forEach((text, index) => {
    const own = visit(parse(text, { noLocation: true }), {
      Variable: (node) =>
        node.name.value === 'representations'
          ? { ...node, name: { ...node.name, value: representationsName(index) } }
          : undefined,
    })
    const [operation] = own.definitions
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('not an operation')
    for (const definition of operation.variableDefinitions ?? []) {
      variables.set(definition.variable.name.value, definition)
    }
    const [entities] = operation.selectionSet.selections as readonly FieldNode[]
    selections.push({ ...entities!, alias: { kind: Kind.NAME, value: alias(index) } })
  })
  return stripIgnoredCharacters(
    print({
      kind: Kind.OPERATION_DEFINITION,
      operation: 'query' as never,
      variableDefinitions: [...variables.values()],
      selectionSet: { kind: Kind.SELECTION_SET, selections },
    }),
  )
}

/** Returns the part of a batch's response that is for one of its fetches, as if it had been sent alone. */
function partOf(response: SubgraphResult, index: number): SubgraphResult {
  if (response.outcome === 'failed') return response
  const own = alias(index)
  const data: JsonObject | null = response.data && { _entities: response.data[own] ?? null }
  const errors = response.errors.flatMap((error): SubgraphError[] => {
    const [head, ...rest] = error.path ?? []
    if (head === own) return [{ ...error, path: ['_entities', ...rest] }]
    const isOfNoFetch = typeof head !== 'string' || !head.startsWith('_e')
    return isOfNoFetch && index === 0 ? [error] : []
  })
  return { outcome: 'answered', data, errors }
}
