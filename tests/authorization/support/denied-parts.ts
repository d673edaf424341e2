/** Random guarded operations, whose responses must be those of denied-oracle.ts. */
import { isDeepStrictEqual } from 'node:util'
import { Kind, parse, print, validate, visit } from 'graphql'
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode, SelectionNode } from 'graphql'
import { denialsFor } from '../../../gateway/authorization/denial.ts'
import { randomNumbers, randomOperation } from '../../engine/random-operation.ts'
import { expectedResponse } from './denied-oracle.ts'
import { guardedGraph, ownEngine } from './guarded-graph.ts'
import type { Answer, GuardedGraph, Question, TestSubgraph } from './guarded-graph.ts'
import { policies, randomGraph, scopes } from './random-graph.ts'
import type { RandomNumbers } from './random-graph.ts'

export interface DeniedPartsReport {
  readonly reduced: number
  /** Responses with denied fields and field errors alike. */
  readonly withErrors: number
  readonly differences: readonly string[]
}

/** Returns what differs from the oracle; each difference names its seed. */
export async function compareDeniedParts(options: {
  readonly seed: number
  readonly graphs: number
  readonly operations: number
}): Promise<DeniedPartsReport> {
  const differences: string[] = []
  const counts = { reduced: 0, withErrors: 0 }
  for (let seed = options.seed; seed < options.seed + options.graphs; seed++) {
    const random = randomFrom(seed)
    const { subgraphs: valid, addGuards } = randomGraph(random)
    const subgraphs = withUnknownLevels(valid)
    const graph = await guardedGraph(subgraphs, { mutations: 'filter' }, addGuards, ownEngine)
    for (let nth = 0; nth < options.operations; nth++) {
      const { document, variables } = mergedOperation(graph.apiSchema, seed * 100_000 + nth * 4)
      for (const caller of [{ claims: null, granted: [] }, someone(random), someone(random)]) {
        const answer = await graph.ask(document, { ...caller, variables })
        if (answer.outcome !== 'reduced' || isEngineFailure(answer)) continue
        counts.reduced++
        if (answer.engineErrors.length > 0 && answer.errors.length > 0) counts.withErrors++
        const difference = differenceOf(graph, answer, { ...caller, variables }, subgraphs)
        if (difference === undefined) continue
        const scope = caller.claims?.scope ?? 'anonymous'
        differences.push(
          `seed ${seed}, operation ${nth}, ${scope}, ${caller.granted}: ${difference}\n` +
            `${print(document)}\n${print((answer.authorized as { document: DocumentNode }).document)}`,
        )
      }
    }
  }
  return { ...counts, differences }
}

function differenceOf(
  { authorizer, apiSchema }: GuardedGraph,
  answer: Answer,
  { claims = null, granted = [], variables = {} }: Question,
  subgraphs: Record<string, TestSubgraph>,
): string | undefined {
  const { compiled, failing } = answer.authorized
  const expected = expectedResponse(compiled, { apiSchema, subgraphs, failing, variables })
  const wanted = JSON.stringify(expected.data)
  const given = JSON.stringify(answer.data)
  if (given !== wanted) return `the data is\n${given} instead of\n${wanted}`
  const credentials = authorizer.credentials({ claims }, new Set(granted))
  const denial = denialsFor(authorizer, failing, credentials)
  const denials = expected.denials.map((one) => denial(one.path, one.nodes, one.requirement))
  const isNothingLeft = answer.data === null && claims === null
  const known = isNothingLeft ? answer.errors.map(withoutReason) : answer.errors
  const own = isNothingLeft ? denials.map(withoutReason) : denials
  if (!isDeepStrictEqual(known, own)) {
    return `the denials are\n${JSON.stringify(known)} instead of\n${JSON.stringify(own)}`
  }
  const paths = answer.engineErrors.map((error) => (error as { path: string[] }).path.join('.'))
  const surplus = paths.filter((path) => !expected.fieldErrors.has(path))
  if (surplus.length > 0) return `there are field errors at ${surplus}`
  return paths.length === 0 && expected.fieldErrors.size > 0 ? 'no field error' : undefined
}

function withoutReason({ path, locations, extensions: { requires } }: Answer['errors'][number]) {
  return { path, locations, requires }
}

/** What the planner cannot plan is no matter of what is denied. */
function isEngineFailure({ engineErrors }: Answer): boolean {
  return engineErrors.some(
    (error) =>
      (error as { extensions: { code?: unknown } }).extensions.code !== 'SUBGRAPH_RESPONSE_INVALID',
  )
}

/** An enum has a value that clients do not know: where it comes, the gateway finds a field error. */
function withUnknownLevels(subgraphs: Record<string, TestSubgraph>): Record<string, TestSubgraph> {
  return Object.fromEntries(
    Object.entries(subgraphs).map(([name, { typeDefs, resolvers = {} }]) => [
      name,
      {
        typeDefs: typeDefs
          .replace('"@key"', '"@key", "@inaccessible"')
          .replace('LOW HIGH', 'LOW HIGH MIDDLE @inaccessible')
          // More nulls that reach what is around them.
          .replace(/: Level(?!!)/g, ': Level!'),
        resolvers: Object.fromEntries(
          Object.entries(resolvers).map(([type, fields]) => [
            type,
            Object.fromEntries(
              Object.entries(fields).map(([field, resolve]) => [field, rarelyUnknown(resolve)]),
            ),
          ]),
        ),
      },
    ]),
  )
}

function rarelyUnknown(resolve: unknown): unknown {
  return (source: { id?: string } | undefined) => {
    const value = (resolve as (source: unknown) => unknown)(source)
    const isRare = /[135]$/.test(source?.id ?? '')
    return isRare ? replaced(value) : value
  }
}

function replaced(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(replaced)
  return value === 'LOW' || value === 'HIGH' ? 'MIDDLE' : value
}

/** Several operations in one: they name the same fields at several places. */
function mergedOperation(apiSchema: GraphQLSchema, seed: number) {
  const random = randomFrom(seed)
  for (let attempt = 0; ; attempt++) {
    const parts = [0, 1, 2, 3]
      .slice(0, 1 + random.below(4))
      .map((part) => randomOperation(apiSchema, { seed: seed + part + attempt * 13, size: 40 }))
    const documents = parts.map(({ document }, part) => withOwnFragments(document, part))
    const operations = documents.flatMap(({ definitions }) =>
      definitions.flatMap((one) => (one.kind === Kind.OPERATION_DEFINITION ? [one] : [])),
    )
    const variables = Object.assign({}, ...parts.map(({ variables }) => variables)) as object
    const text = print(respread(merged(operations, documents), random))
    const document = parse(text)
    if (validate(apiSchema, document).length === 0) {
      return { document, variables: variables as Record<string, unknown> }
    }
    if (attempt > 50) return { document: parts[0]!.document, variables: parts[0]!.variables }
  }
}

function withOwnFragments(document: DocumentNode, part: number): DocumentNode {
  const rename = <Node extends { name: { value: string } }>(node: Node): Node => ({
    ...node,
    name: { ...node.name, value: `${node.name.value}_${part}` },
  })
  return visit(document, {
    FragmentDefinition: { enter: rename },
    FragmentSpread: { enter: rename },
  }) as DocumentNode
}

function merged(
  operations: readonly OperationDefinitionNode[],
  documents: readonly DocumentNode[],
): DocumentNode {
  const [first] = operations
  const definitions = operations.flatMap(({ variableDefinitions = [] }) => variableDefinitions)
  const variables = new Map(definitions.map((one) => [one.variable.name.value, one]))
  const selections = operations.flatMap(({ selectionSet }): readonly SelectionNode[] => {
    return selectionSet.selections
  })
  const operation = {
    ...first!,
    variableDefinitions: [...variables.values()],
    selectionSet: { ...first!.selectionSet, selections },
  }
  const fragments = documents.flatMap((document) =>
    document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION),
  )
  return { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] }
}

/** Spreads a fragment where another one was spread, or at a further place. */
function respread(document: DocumentNode, random: RandomNumbers): DocumentNode {
  const names = document.definitions.flatMap((one) =>
    one.kind === Kind.FRAGMENT_DEFINITION ? [one.name] : [],
  )
  if (names.length === 0) return document
  return visit(document, {
    SelectionSet(set) {
      if (!random.chance(0.15)) return undefined
      const spread = { kind: Kind.FRAGMENT_SPREAD, name: random.pick(names) } as const
      return { ...set, selections: [...set.selections, spread] }
    },
  }) as DocumentNode
}

function someone(random: RandomNumbers) {
  const some = (names: readonly string[]) => names.filter(() => random.chance(0.6))
  return { claims: { sub: 'some', scope: some(scopes).join(' ') }, granted: some(policies) }
}

function randomFrom(seed: number): RandomNumbers {
  const random = randomNumbers(seed)
  return {
    below: (limit) => Math.floor(random() * limit),
    chance: (probability) => random() < probability,
    pick: (values) => values[Math.floor(random() * values.length)]!,
  }
}
