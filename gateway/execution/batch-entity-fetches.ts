/**
 * Entity fetch batching: sibling fetches of entities from one subgraph become one request, in which each
 * is an `_entities` field with its own alias. Fetches that start before the current operation of
 * the event loop ends leave together.
 */
import { Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql'
import type { FieldNode, VariableDefinitionNode } from 'graphql'
import { requestHead } from './compile-plan.ts'
import type { FetchStep } from './plan-steps.ts'
import type { FetchedData } from './fetched-data.ts'
import { readAgain } from './read-again.ts'
import type { ReadData } from './response-envelope.ts'
import type { NamedFetch, ResponseForm } from './response-form.ts'
import { ResponseReader } from './response-reader.ts'
import type { ReadObject } from './response-reader.ts'
import type { FetchedEntities } from './settle-entity-fetch.ts'
import type { TypeNames } from './type-names.ts'
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
  /** Gets what is fetched. */
  readonly data: FetchedData
  readonly types: TypeNames
  /** How responses are read. */
  readonly form: ResponseForm
}

interface WaitingFetch extends EntityFetch {
  readonly resolve: (response: FetchedEntities | Promise<FetchedEntities>) => void
}

/** The most batched operations kept for a plan; the plan's shape leaves room for few. */
const mostBatchedOperations = 64

/** Returns the response to a fetch of entities, which may leave in one request with others. */
export function fetchInBatch(
  batching: EntityFetchBatching,
  fetch: EntityFetch,
): Promise<FetchedEntities> {
  const { waiting } = batching
  const { step, representations, contextArguments } = fetch
  const { subgraph } = step
  if (!step.mayBatch) return sendGroup(batching, [fetch]).then(([only]) => only!)
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
    const groups = groupsOfEqual(fetches)
    const sent = groups.length > 1 ? sendBatch(batching, groups) : undefined
    groups.forEach((group, index) => {
      const responding = sent?.then((all) => all[index]!) ?? sendGroup(batching, group)
      group.forEach(({ resolve }, one) => resolve(responding.then((all) => all[one]!)))
    })
  }
}

/** Fetches that select the same of the same entities, of different places. */
type Group = readonly EntityFetch[]

/** Sends one request for a group; returns the response for each of its fetches. */
async function sendGroup(batching: EntityFetchBatching, group: Group): Promise<FetchedEntities[]> {
  const { send, variables } = batching
  const { step, representations, contextArguments } = group[0]!
  const others = contextArguments + variablesText(variables, step.variables)
  const body = `${step.head}"representations":${representations}${others}}}`
  const lists = new EntityLists(batching, [[entitiesName, step]])
  const { operationKind } = step
  const response = await send(step.subgraph, { operationKind, body, readData: lists.read })
  return responsesOf(batching, { response, lists, group, name: entitiesName })
}

/** Sends one request for several groups; returns the responses by group and fetch. */
async function sendBatch(
  batching: EntityFetchBatching,
  groups: readonly Group[],
): Promise<FetchedEntities[][]> {
  const fetches = groups.map(([first]) => first!)
  const { subgraph, operationKind } = fetches[0]!.step
  const body = batchHead(batching, fetches) + batchVariables(batching, fetches)
  const named = fetches.map(({ step }, index) => [alias(index), step] as const)
  const lists = new EntityLists(batching, named)
  const response = await batching.send(subgraph, { operationKind, body, readData: lists.read })
  // An error in one fetch can make all data null: each group is then sent alone.
  if (response.outcome === 'answered' && !response.hasData) {
    return Promise.all(groups.map((group) => sendGroup(batching, group)))
  }
  return groups.map((group, index) =>
    responsesOf(batching, {
      response: partOf(response, index),
      lists,
      group,
      name: alias(index),
    }),
  )
}

/** What came for a group: the list under a name, of which the objects of its first fetch have been read. */
interface ResponseForGroup {
  readonly response: SubgraphResult
  readonly lists: EntityLists
  readonly group: Group
  readonly name: string
}

function responsesOf(
  batching: EntityFetchBatching,
  { response, lists, group, name }: ResponseForGroup,
): FetchedEntities[] {
  if (response.outcome === 'failed') return group.map(() => response)
  const { bytes, hasData, errors } = response
  return group.map(({ step }, index) => {
    const own = index === 0 ? lists : new EntityLists(batching, [[name, step]])
    const failed = index === 0 ? undefined : readAgain(bytes, own.read)
    return (
      failed ?? {
        outcome: 'answered',
        entities: hasData ? own.slotOf(name) : undefined,
        errors,
      }
    )
  })
}

/** Reads the lists of entities in the data of a response. */
class EntityLists {
  readonly read: ReadData
  readonly #data: FetchedData
  readonly #object: ReadObject
  #record = 0

  constructor({ data, types, form }: EntityFetchBatching, named: readonly NamedFetch[]) {
    this.#data = data
    this.#object = form.entitiesOf(named)
    this.read = (bytes, at) => {
      const reader = new ResponseReader(data, bytes, types)
      reader.at = at
      this.#record = reader.readObject(this.#object)
      return reader.at
    }
  }

  /** Returns the slot of a list. */
  slotOf(name: string): number {
    return this.#data.slotAt(this.#record, this.#object.place.slot(name).index)
  }
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
function groupsOfEqual(fetches: readonly WaitingFetch[]): WaitingFetch[][] {
  const groups = new Map<string, WaitingFetch[]>()
  for (const fetch of fetches) {
    const key = `${fetch.step.operation}\n${fetch.representations}`
    remembered(groups, key, () => []).push(fetch)
  }
  return [...groups.values()]
}

const entitiesName = '_entities'
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

/** Returns the part of a batch's response that is for one of its groups, as if it had been sent alone. */
function partOf(response: SubgraphResult, index: number): SubgraphResult {
  if (response.outcome === 'failed') return response
  const own = alias(index)
  const errors = response.errors.flatMap((error): SubgraphError[] => {
    const [head, ...rest] = error.path ?? []
    if (head === own) return [{ ...error, path: [entitiesName, ...rest] }]
    const isOfNoFetch = typeof head !== 'string' || !head.startsWith('_e')
    return isOfNoFetch && index === 0 ? [error] : []
  })
  return { ...response, errors }
}
