/**
 * The soundness of the whole: no subgraph resolves a field for a caller who may not see it, nothing of
 * it is shown, and who may see everything gets everything. What a caller may see is worked out here
 * from the demands alone, in other words than the gateway's.
 */
import { isDeepStrictEqual } from 'node:util'
import { getNamedType, isObjectType, Kind, visit } from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  FragmentSpreadNode,
  InlineFragmentNode,
  OperationDefinitionNode,
} from 'graphql'
import { trimmedDocument } from '../../../gateway/graphql/trimmed-document.ts'
import type { Claims } from '../../../subgraphs/kit/claims-header.ts'
import { randomNumbers, randomOperation } from '../../engine/random-operation.ts'
import { guardedGraph, ownEngine } from './guarded-graph.ts'
import type { Answer, GuardedGraph } from './guarded-graph.ts'
import { implementationsOf, interfacesOf, policies, randomGraph, scopes } from './random-graph.ts'
import type { Demand, RandomNumbers } from './random-graph.ts'

export interface SoundnessOptions {
  readonly seed: number
  readonly graphs: number
  /** For each graph. */
  readonly operations: number
}

export interface SoundnessReport {
  readonly operations: number
  readonly executions: number
  /** Executions of which something was left out. */
  readonly reduced: number
  readonly refused: number
  readonly violations: readonly string[]
}

interface TestCaller {
  readonly claims: Claims | null
  readonly granted: string[]
}

/** Returns what was found; each violation names its seed. Even seeds have the gateway's own engine. */
export async function checkSoundness(options: SoundnessOptions): Promise<SoundnessReport> {
  const violations: string[] = []
  const counts = { operations: 0, executions: 0, reduced: 0, refused: 0 }

  for (let seed = options.seed; seed < options.seed + options.graphs; seed++) {
    const random = randomFrom(seed)
    const { subgraphs, demands, addGuards } = randomGraph(random)
    const engine = seed % 2 === 0 ? ownEngine : undefined
    const unguarded = await guardedGraph(subgraphs, {}, undefined, engine)
    const graph = await guardedGraph(subgraphs, { mutations: 'filter' }, addGuards, engine)
    const mayTouch = touchRule(graph, demands)

    for (let nth = 0; nth < options.operations; nth++) {
      const operation = randomOperation(unguarded.apiSchema, { seed: seed * 100_000 + nth })
      const { document, variables, text } = operation
      const asAsked = await unguarded.ask(document, { variables })
      const asUnderstood = await unguarded.ask(corrected(document, variables), { variables })
      const whole = [asAsked, asUnderstood].some(isEngineFailure)
        ? undefined
        : { asAsked: asAsked.data, corrected: asUnderstood.data, ordered: engine === ownEngine }
      counts.operations++
      for (const caller of arrivals(random)) {
        const answer = await graph.ask(document, { ...caller, variables })
        counts.executions++
        if (answer.outcome === 'reduced') counts.reduced++
        if (!('document' in answer.authorized)) counts.refused++
        const problem = violation(answer, whole, caller, mayTouch)
        if (problem === undefined) continue
        violations.push(`seed ${seed}, operation ${nth}, ${describe(caller)}: ${problem}\n${text}`)
      }
    }
  }
  return { ...counts, violations }
}

/**
 * The response without any guards. @apollo/gateway forgets the type of an object between nested
 * fragments, makes null of an object of which everything is skipped, and loses fields beside a skipped
 * one that requires others: so it is also asked in words that it understands.
 */
interface Whole {
  readonly asAsked: unknown
  readonly corrected: unknown
  /** Whether the keys of `asAsked` are in the order of the document. */
  readonly ordered: boolean
}

function isEngineFailure({ engineErrors }: Answer): boolean {
  return engineErrors.length > 0
}

type MayTouch = (coordinate: string, caller: TestCaller) => boolean

const everything: TestCaller = {
  claims: { sub: 'all', scope: scopes.join(' ') },
  granted: [...policies],
}

/** Callers in a random order, some of them again, so that each comes before and after each other. */
function arrivals(random: RandomNumbers): TestCaller[] {
  const some = (names: readonly string[]) => names.filter(() => random.chance(0.5))
  const anybody: TestCaller[] = [
    { claims: null, granted: [] },
    { claims: { sub: 'none' }, granted: some(policies) },
    { claims: { sub: 'some', scope: some(scopes) }, granted: some(policies) },
    everything,
  ]
  return [random.pick(anybody), random.pick(anybody), random.pick(anybody), everything]
}

function violation(
  answer: Answer,
  whole: Whole | undefined,
  caller: TestCaller,
  mayTouch: MayTouch,
): string | undefined {
  for (const field of answer.resolved) {
    const coordinate = field.slice(field.indexOf(':') + 1)
    // The planner needs the keys to go from one subgraph to another.
    if (coordinate.endsWith('.id')) continue
    if (!mayTouch(coordinate, caller)) return `${field} was resolved`
  }
  const shown = JSON.stringify(answer.data).match(/"[A-D]\.\w+/g) ?? []
  const exposed = shown.find((value) => !mayTouch(value.slice(1), caller))
  if (exposed) return `${exposed.slice(1)} was shown`
  // An operation that cannot be planned shows nothing about the response.
  if (whole === undefined || isEngineFailure(answer)) return undefined
  if (caller === everything && !isDeepStrictEqual(answer.data, whole.asAsked)) {
    return 'a caller who may see everything did not get everything'
  }
  return unexplained(answer.data, whole, [], answer)
}

/** Everything that differs from the complete response is null, and an error says why. */
function unexplained(
  given: unknown,
  { asAsked, corrected, ordered }: Whole,
  path: readonly (string | number)[],
  answer: Answer,
): string | undefined {
  if (given === null && asAsked !== null && corrected !== null) {
    const explained = answer.errors.some(({ path: denied }) =>
      path.every((key, position) => denied[position] === key),
    )
    return explained ? undefined : `${path.join('.')} is null without an error`
  }
  if (!isObject(given)) {
    const known = given === corrected || given === asAsked
    return known ? undefined : `${path.join('.')} is ${given} instead of ${corrected}`
  }
  if (!isObject(corrected)) return `${path.join('.')} is there without anything beneath`
  const keys = Object.keys(given)
  const missing = isObject(asAsked) ? Object.keys(asAsked).filter((key) => !(key in given)) : []
  const surplus = keys.filter((key) => !(key in corrected))
  if (missing.length > 0 || surplus.length > 0) {
    return `${path.join('.')} lacks the keys ${missing} and has the keys ${surplus} too many`
  }
  if (ordered && isObject(asAsked) && keys.join() !== Object.keys(asAsked).join()) {
    return `${path.join('.')} has the keys ${keys} in another order than ${Object.keys(asAsked)}`
  }
  for (const key of keys) {
    const whole = {
      ordered,
      asAsked: isObject(asAsked) ? asAsked[key] : undefined,
      corrected: corrected[key],
    }
    const step = Array.isArray(given) ? Number(key) : key
    const problem = unexplained(given[key], whole, [...path, step], answer)
    if (problem !== undefined) return problem
  }
  return undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The same operation without @skip and @include, and with `__typename` in each selection set. */
function corrected(document: DocumentNode, variables: Record<string, unknown>): DocumentNode {
  const defaults = new Map<string, unknown>()
  visit(document, {
    VariableDefinition({ variable, defaultValue }) {
      const value = defaultValue?.kind === Kind.BOOLEAN ? defaultValue.value : undefined
      defaults.set(variable.name.value, value)
    },
  })
  const isLeftOut = ({ directives = [] }: FieldNode | InlineFragmentNode | FragmentSpreadNode) =>
    directives.some(({ name, arguments: given }) => {
      const value = given?.[0]?.value
      const known =
        value?.kind === Kind.VARIABLE
          ? (variables[value.name.value] ?? defaults.get(value.name.value))
          : value?.kind === Kind.BOOLEAN && value.value
      return known === (name.value === 'skip')
    })
  const typename = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } } as const

  const shortened = visit(document, {
    Field: (node) => (isLeftOut(node) ? null : { ...node, directives: [] }),
    InlineFragment: (node) => (isLeftOut(node) ? null : { ...node, directives: [] }),
    FragmentSpread: (node) => (isLeftOut(node) ? null : { ...node, directives: [] }),
  })
  const filled = visit(shortened, {
    SelectionSet: {
      leave: (node, _key, parent) => {
        const isRoot = (parent as { kind?: string } | undefined)?.kind === Kind.OPERATION_DEFINITION
        const selections = isRoot ? node.selections : [typename, ...node.selections]
        return { ...node, selections: selections.length > 0 ? selections : [typename] }
      },
    },
  })
  const [operation, ...rest] = filled.definitions as [OperationDefinitionNode]
  const fragments = (rest as FragmentDefinitionNode[]).map(
    (node) => [node.name.value, node] as const,
  )
  return trimmedDocument(operation, new Map(fragments))
}

/**
 * A field of an object may be touched when its own, its type's and its output type's demands are met,
 * and what interfaces demand in any of these places, unless their implementations say the same.
 */
function touchRule({ apiSchema }: GuardedGraph, demands: ReadonlyMap<string, Demand[]>): MayTouch {
  return (coordinate, caller) => {
    const [typeName = '', fieldName = ''] = coordinate.split('.')
    const type = apiSchema.getType(typeName)
    const field = isObjectType(type) ? type.getFields()[fieldName] : undefined
    if (!field) throw new Error(`there is no ${coordinate}`)
    const interfaces = interfacesOf.get(typeName) ?? []
    const output = getNamedType(field.type).name
    const own = [coordinate, typeName, output].flatMap((place) => demands.get(place) ?? [])
    const inherited = [
      ...interfaces.map((name) => `${name}.${fieldName}`),
      ...interfaces,
      ...(interfacesOf.get(output) ?? []),
    ].flatMap((place) => meantFor(place, demands))
    return [...own, ...inherited].every((demand) => isMet(demand, caller))
  }
}

/** The demands of an interface that are others than those of all its implementations together. */
function meantFor(place: string, demands: ReadonlyMap<string, Demand[]>): Demand[] {
  const own = demands.get(place) ?? []
  const theirs = implementationsOf(place).flatMap((each) => demands.get(each) ?? [])
  return own.filter(({ kind }) => {
    const one = own.filter((demand) => demand.kind === kind)
    const other = theirs.filter((demand) => demand.kind === kind)
    return (
      other.length === 0 ||
      !anybody.every((caller) => meetsAll(one, caller) === meetsAll(other, caller))
    )
  })
}

/** Everybody who differs in what demands look at. */
const anybody: readonly TestCaller[] = [
  { claims: null, granted: [] },
  ...subsets(scopes).map((scope) => ({ claims: { sub: 'any', scope }, granted: [] })),
  ...subsets(policies).map((granted) => ({ claims: null, granted })),
]

function subsets(names: readonly string[]): string[][] {
  return names.reduce<string[][]>(
    (all, name) => [...all, ...all.map((some) => [...some, name])],
    [[]],
  )
}

function meetsAll(demands: readonly Demand[], caller: TestCaller): boolean {
  return demands.every((demand) => isMet(demand, caller))
}

function isMet({ kind, anyOf }: Demand, { claims, granted }: TestCaller): boolean {
  if (kind !== 'policies' && claims === null) return false
  const scope = claims?.scope ?? []
  const had = kind === 'policies' ? granted : typeof scope === 'string' ? scope.split(' ') : scope
  return anyOf.some((all) => all.every((name) => (had as readonly string[]).includes(name)))
}

function describe({ claims, granted }: TestCaller): string {
  return claims === null ? 'anonymous' : `scope ${claims.scope}, policies ${granted}`
}

function randomFrom(seed: number): RandomNumbers {
  const random = randomNumbers(seed)
  return {
    below: (limit) => Math.floor(random() * limit),
    chance: (probability) => random() < probability,
    pick: (values) => values[Math.floor(random() * values.length)]!,
  }
}
