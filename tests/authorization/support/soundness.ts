/**
 * The soundness of the whole: no subgraph resolves a field for a caller who may not see it, nothing of
 * it is shown, and who may see everything gets everything. What a caller may see is worked out here
 * from the demands alone, in other words than the gateway's.
 */
import { isDeepStrictEqual } from 'node:util'
import { getNamedType, isObjectType } from 'graphql'
import type { Claims } from '../../../subgraphs/kit/claims-header.ts'
import { randomNumbers, randomOperation } from '../../engine/random-operation.ts'
import { guardedGraph } from './guarded-graph.ts'
import type { Answer, GuardedGraph } from './guarded-graph.ts'
import { policies, randomGraph, scopes } from './random-graph.ts'
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

/** Returns what was found; each violation names its seed. */
export async function checkSoundness(options: SoundnessOptions): Promise<SoundnessReport> {
  const violations: string[] = []
  const counts = { operations: 0, executions: 0, reduced: 0, refused: 0 }

  for (let seed = options.seed; seed < options.seed + options.graphs; seed++) {
    const random = randomFrom(seed)
    const { subgraphs, demands, addGuards } = randomGraph(random)
    const unguarded = await guardedGraph(subgraphs)
    const graph = await guardedGraph(subgraphs, { mutations: 'filter' }, addGuards)
    const mayTouch = touchRule(graph, demands)

    for (let nth = 0; nth < options.operations; nth++) {
      const operation = randomOperation(unguarded.apiSchema, { seed: seed * 100_000 + nth })
      const { document, variables, text } = operation
      const whole = await unguarded.ask(document, { variables })
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
  whole: Answer,
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
  if (caller === everything && !isDeepStrictEqual(answer.data, whole.data)) {
    return 'a caller who may see everything did not get everything'
  }
  return unexplained(answer.data, whole.data, [], answer)
}

/** Whatever differs from the whole answer is null, and an error says why. */
function unexplained(
  given: unknown,
  whole: unknown,
  path: readonly (string | number)[],
  answer: Answer,
): string | undefined {
  if (given === null && whole !== null) {
    const explained = answer.errors.some(({ path: denied }) =>
      path.every((key, position) => denied[position] === key),
    )
    return explained ? undefined : `${path.join('.')} is null without an error`
  }
  if (typeof given !== 'object' || given === null || typeof whole !== 'object' || whole === null) {
    return given === whole ? undefined : `${path.join('.')} is ${given} instead of ${whole}`
  }
  const keys = Object.keys(given)
  // Not their order: @apollo/gateway merges fragments before it answers.
  if (keys.toSorted().join() !== Object.keys(whole).toSorted().join()) {
    return `${path.join('.')} has the keys ${keys} instead of ${Object.keys(whole)}`
  }
  for (const key of keys) {
    const step = Array.isArray(given) ? Number(key) : key
    const problem = unexplained(
      (given as Record<string, unknown>)[key],
      (whole as Record<string, unknown>)[key],
      [...path, step],
      answer,
    )
    if (problem !== undefined) return problem
  }
  return undefined
}

/** A field of an object may be touched when its own, its type's and its output type's demands are met. */
function touchRule({ apiSchema }: GuardedGraph, demands: ReadonlyMap<string, Demand[]>): MayTouch {
  return (coordinate, caller) => {
    const [typeName = '', fieldName = ''] = coordinate.split('.')
    const type = apiSchema.getType(typeName)
    const field = isObjectType(type) ? type.getFields()[fieldName] : undefined
    if (!field) throw new Error(`there is no ${coordinate}`)
    return [coordinate, typeName, getNamedType(field.type).name]
      .flatMap((place) => demands.get(place) ?? [])
      .every((demand) => isMet(demand, caller))
  }
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
