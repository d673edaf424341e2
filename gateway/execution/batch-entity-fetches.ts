/**
 * Entity fetch batching: sibling entity fetches from one subgraph become one request, each as an
 * `_entities` field under its own alias. A batch has all fetches that start before the current turn of
 * the event loop ends.
 */
import { Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql'
import type { FieldNode, VariableDefinitionNode } from 'graphql'
import { requestHead } from './compile-plan.ts'
import type { FetchStep } from './plan-steps.ts'
import { copyOf } from './response-data.ts'
import type { JsonObject } from './response-data.ts'
import type { SubgraphResult, SubgraphError, SubgraphRequest } from './subgraph-request.ts'

export interface EntityFetch {
  readonly step: FetchStep
  /** The JSON text of the list of representations. */
  readonly representations: string
  /** The JSON text of arguments from a context: `,"name":value` for each. */
  readonly contextual: string
}

/** Returns the JSON text of the client's variables of these names: `,"name":value` for each. */
export type WriteVariables = (names: Iterable<string>) => string

/** Sends an entity fetch, in a batch where it may be. */
export type FetchEntities = (fetch: EntityFetch) => Promise<SubgraphResult>

export type Send = (subgraph: string, request: SubgraphRequest) => Promise<SubgraphResult>

/** The texts of batched operations of one plan, by the numbers of their fetches. */
export type JoinedOperations = Map<string, string>

interface Waiting extends EntityFetch {
  readonly resolve: (result: SubgraphResult | Promise<SubgraphResult>) => void
}

/** The most batched operations that are kept for a plan; few can occur in one plan. */
const mostKept = 64

/** Returns the function that sends the entity fetches of one client request. */
export function entityFetchBatcher(
  send: Send,
  writeVariables: WriteVariables,
  kept: JoinedOperations,
  mayBatch: (subgraph: string) => boolean,
): FetchEntities {
  const waiting = new Map<string, Waiting[]>()

  return (fetch) => {
    const { subgraph } = fetch.step
    if (!mayBatch(subgraph) || fetch.step.readContext) return sendAlone(fetch)
    return new Promise((resolve) => {
      const batch = waiting.get(subgraph)
      if (batch) return void batch.push({ ...fetch, resolve })
      waiting.set(subgraph, [{ ...fetch, resolve }])
      if (waiting.size === 1) process.nextTick(sendBatches)
    })
  }

  function sendBatches(): void {
    const batches = [...waiting.values()]
    waiting.clear()
    for (const fetches of batches) {
      const groups = groupsOfEqual(fetches)
      if (groups.length === 1) resolveAll(groups[0]!, sendAlone(groups[0]![0]!))
      else sendBatch(groups)
    }
  }

  function sendAlone(fetch: EntityFetch): Promise<SubgraphResult> {
    const { step, representations, contextual } = fetch
    const variables = contextual + writeVariables(step.variables)
    const body = `${step.head}"representations":${representations}${variables}}}`
    return send(step.subgraph, { operationKind: step.operationKind, body })
  }

  function sendBatch(groups: readonly Waiting[][]): void {
    const fetches = groups.map(([first]) => first!)
    const { subgraph, operationKind } = fetches[0]!.step
    const body = headOf(fetches) + variablesOf(fetches)
    const responding = send(subgraph, { operationKind, body })
    groups.forEach((group, index) =>
      resolveAll(
        group,
        // An error in one fetch can null the data of all: each is then sent alone.
        responding.then((result) =>
          result.outcome === 'answered' && result.data === null
            ? sendAlone(group[0]!)
            : partOf(result, index),
        ),
      ),
    )
  }

  function variablesOf(fetches: readonly EntityFetch[]): string {
    const lists = fetches.map(
      ({ representations }, index) => `"${representationsName(index)}":${representations}`,
    )
    const names = new Set(fetches.flatMap(({ step }) => step.variables))
    return `${lists.join()}${writeVariables(names)}}}`
  }

  function headOf(fetches: readonly EntityFetch[]): string {
    const key = fetches.map(({ step }) => step.id).join()
    const known = kept.get(key)
    if (known !== undefined) return known
    const head = requestHead(batchedOperation(fetches.map(({ step }) => step.operation)))
    if (kept.size < mostKept) kept.set(key, head)
    return head
  }
}

/** Returns the fetches in groups, each of the same fields of the same entities. */
function groupsOfEqual(fetches: readonly Waiting[]): Waiting[][] {
  const groups = new Map<string, Waiting[]>()
  for (const fetch of fetches) {
    const key = `${fetch.step.operation}\n${fetch.representations}`
    const group = groups.get(key)
    if (group) group.push(fetch)
    else groups.set(key, [fetch])
  }
  return [...groups.values()]
}

/** Resolves each fetch of a group. Each changes the data that it gets: only the last may have the original. */
function resolveAll(group: readonly Waiting[], responding: Promise<SubgraphResult>): void {
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
    const renamed = visit(parse(text, { noLocation: true }), {
      Variable: (node) =>
        node.name.value === 'representations'
          ? { ...node, name: { ...node.name, value: representationsName(index) } }
          : undefined,
    })
    const [operation] = renamed.definitions
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

/** Returns the part of a batch's result that belongs to one fetch, as if it had been sent alone. */
function partOf(result: SubgraphResult, index: number): SubgraphResult {
  if (result.outcome === 'failed') return result
  const name = alias(index)
  const data: JsonObject | null = result.data && { _entities: result.data[name] ?? null }
  const errors = result.errors.flatMap((error): SubgraphError[] => {
    const [head, ...rest] = error.path ?? []
    if (head === name) return [{ ...error, path: ['_entities', ...rest] }]
    const belongsToNone = typeof head !== 'string' || !head.startsWith('_e')
    return belongsToNone && index === 0 ? [error] : []
  })
  return { outcome: 'answered', data, errors }
}
