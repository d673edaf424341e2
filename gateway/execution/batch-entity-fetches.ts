/**
 * Sibling fetches of entities from one subgraph become one request: each is an `_entities` field
 * under an alias of its own. What is put on the board before the current turn of the event loop ends
 * leaves together.
 */
import { Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql'
import type { FieldNode, VariableDefinitionNode } from 'graphql'
import { requestHead } from './compile-plan.ts'
import type { FetchStep } from './plan-steps.ts'
import { copyOf } from './response-data.ts'
import type { JsonObject } from './response-data.ts'
import type { SubgraphAnswer, SubgraphError, SubgraphRequest } from './subgraph-request.ts'

export interface EntityFetch {
  readonly step: FetchStep
  /** The JSON text of the list of representations. */
  readonly representations: string
  /** The JSON text of arguments from a context: `,"name":value` for each. */
  readonly contextual: string
}

/** Returns the JSON text of the client's variables of these names: `,"name":value` for each. */
export type WriteVariables = (names: Iterable<string>) => string

export interface FetchBoard {
  fetch(fetch: EntityFetch): Promise<SubgraphAnswer>
}

export type Send = (subgraph: string, request: SubgraphRequest) => Promise<SubgraphAnswer>

/** Texts of joined operations, by the numbers of the fetches; they belong to one plan. */
export type JoinedOperations = Map<string, string>

interface Waiting extends EntityFetch {
  readonly resolve: (answer: SubgraphAnswer | Promise<SubgraphAnswer>) => void
}

/** The most joined operations kept for a plan; the plan's shape leaves room for few. */
const mostJoined = 64

/** Returns the board of one request. */
export function fetchBoard(
  send: Send,
  writeVariables: WriteVariables,
  joined: JoinedOperations,
  mayJoin: (subgraph: string) => boolean,
): FetchBoard {
  const waiting = new Map<string, Waiting[]>()

  return {
    fetch(fetch) {
      const { subgraph } = fetch.step
      if (!mayJoin(subgraph) || fetch.step.readContext) return sendAlone(fetch)
      return new Promise((resolve) => {
        const others = waiting.get(subgraph)
        if (others) others.push({ ...fetch, resolve })
        else {
          waiting.set(subgraph, [{ ...fetch, resolve }])
          if (waiting.size === 1) process.nextTick(leave)
        }
      })
    },
  }

  function leave(): void {
    const leaving = [...waiting.values()]
    waiting.clear()
    for (const fetches of leaving) {
      const distinct = distinctFetches(fetches)
      if (distinct.length === 1) answerAll(distinct[0]!, sendAlone(distinct[0]![0]!))
      else sendJoined(distinct)
    }
  }

  function sendAlone(fetch: EntityFetch): Promise<SubgraphAnswer> {
    const { step, representations, contextual } = fetch
    const variables = contextual + writeVariables(step.variables)
    const body = `${step.head}"representations":${representations}${variables}}}`
    return send(step.subgraph, { operationKind: step.operationKind, body })
  }

  function sendJoined(groups: readonly Waiting[][]): void {
    const fetches = groups.map(([first]) => first!)
    const { subgraph, operationKind } = fetches[0]!.step
    const body = joinedHead(fetches) + joinedVariables(fetches)
    const answering = send(subgraph, { operationKind, body })
    groups.forEach((group, index) =>
      answerAll(
        group,
        // An error in one of them can take down all: each is then asked for alone.
        answering.then((answer) =>
          answer.outcome === 'answered' && answer.data === null
            ? sendAlone(group[0]!)
            : partOf(answer, index),
        ),
      ),
    )
  }

  function joinedVariables(fetches: readonly EntityFetch[]): string {
    const lists = fetches.map(
      ({ representations }, index) => `"${representationsName(index)}":${representations}`,
    )
    const names = new Set(fetches.flatMap(({ step }) => step.variables))
    return `${lists.join()}${writeVariables(names)}}}`
  }

  function joinedHead(fetches: readonly EntityFetch[]): string {
    const key = fetches.map(({ step }) => step.id).join()
    const known = joined.get(key)
    if (known !== undefined) return known
    const head = requestHead(joinedOperation(fetches.map(({ step }) => step.operation)))
    if (joined.size < mostJoined) joined.set(key, head)
    return head
  }
}

/** Fetches that ask the same of the same entities are one. */
function distinctFetches(fetches: readonly Waiting[]): Waiting[][] {
  const groups = new Map<string, Waiting[]>()
  for (const fetch of fetches) {
    const key = `${fetch.step.operation}\n${fetch.representations}`
    const group = groups.get(key)
    if (group) group.push(fetch)
    else groups.set(key, [fetch])
  }
  return [...groups.values()]
}

/** Each fetch changes the data that it gets: only the last may have the original. */
function answerAll(group: readonly Waiting[], answering: Promise<SubgraphAnswer>): void {
  group.forEach(({ resolve }, index) => {
    const isLast = index === group.length - 1
    resolve(isLast ? answering : answering.then(copyOf))
  })
}

const alias = (index: number) => `_e${index}`
const representationsName = (index: number) => `_representations${index}`

/** Returns the text of the operation that asks for the entities of all given operations. */
export function joinedOperation(operations: readonly string[]): string {
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

/** Returns what the joined answer says to one of the fetches, as if it had been asked alone. */
function partOf(answer: SubgraphAnswer, index: number): SubgraphAnswer {
  if (answer.outcome === 'failed') return answer
  const own = alias(index)
  const data: JsonObject | null = answer.data && { _entities: answer.data[own] ?? null }
  const errors = answer.errors.flatMap((error): SubgraphError[] => {
    const [head, ...rest] = error.path ?? []
    if (head === own) return [{ ...error, path: ['_entities', ...rest] }]
    const isOfNone = typeof head !== 'string' || !head.startsWith('_e')
    return isOfNone && index === 0 ? [error] : []
  })
  return { outcome: 'answered', data, errors }
}
