/** Walks a compiled plan: fetches, merges, and keeps the errors with their place in the response. */
import { Kind, parse } from 'graphql'
import type { CompiledPlan } from './compile-plan.ts'
import type { FetchStep, Step } from './plan-steps.ts'
import { entityPlaces } from './entity-places.ts'
import { errorList } from './error-list.ts'
import { entityFetchBatcher } from './batch-entity-fetches.ts'
import type { JoinedOperations, Send } from './batch-entity-fetches.ts'
import { boundedJson, NestedTooDeep, nestedTooDeep } from './nesting.ts'
import { copyOf, isObject, objectsAt, positionsAt } from './response-data.ts'
import type { JsonObject, MergeObject, ResponsePath } from './response-data.ts'
import type { SharedObjects } from './deduplicate-entities.ts'
import { errorOfCall } from './subgraph-errors.ts'
import type {
  FailedCall,
  FetchSubgraph,
  SubgraphResult,
  SubgraphError,
} from './subgraph-request.ts'

export interface PlanExecution<Context> {
  readonly plan: CompiledPlan
  readonly joined: JoinedOperations
  readonly mergeObject: MergeObject
  readonly variables: Readonly<Record<string, unknown>>
  /** The values of Boolean variables, defaults included. */
  readonly isTrue: (variable: string) => boolean
  readonly fetchSubgraph: FetchSubgraph<Context>
  readonly mayJoin: (subgraph: string) => boolean
  readonly context: Context
}

export interface FetchedData {
  readonly data: JsonObject
  readonly errors: readonly FetchError[]
  readonly shared: SharedObjects
}

/** An error of a subgraph, or of the way to it. */
export interface FetchError {
  readonly message: string
  readonly extensions: Readonly<Record<string, unknown>>
  /** In names of the fetched data. */
  readonly path: ResponsePath | undefined
  /** The place below which nulls are explained by this error. */
  readonly explains: ResponsePath
}

/** Returns all that the plan's fetches brought. It does not reject for a subgraph's fault. */
export async function executePlan<Context>(
  execution: PlanExecution<Context>,
): Promise<FetchedData> {
  const { plan, variables, context, mergeObject } = execution
  const data: JsonObject = {}
  const errors = errorList<FetchError>()
  const places = entityPlaces(data, plan.shareObjects)
  let hasMutated = false
  const send: Send = (subgraph, request) => {
    if (request.operationKind === 'mutation') hasMutated = true
    const sent = hasMutated ? { ...request, isAfterMutation: true as const } : request
    return execution.fetchSubgraph(subgraph, sent, context)
  }
  const fetchBatched = entityFetchBatcher(send, writeVariables, execution.joined, execution.mayJoin)

  if (plan.root) await run(plan.root)
  return { data, errors: errors.listed(), shared: places.shared }

  function run(step: Step): Promise<void> {
    switch (step.kind) {
      case 'fetch':
        return runFetch(step)
      case 'sequence':
        return runInOrder(step.steps)
      case 'parallel':
        return Promise.all(step.steps.map(run)).then(nothingMore)
      case 'condition': {
        const branch = execution.isTrue(step.variable) ? step.then : step.otherwise
        return branch ? run(branch) : Promise.resolve()
      }
    }
  }

  async function runInOrder(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await run(step)
  }

  function runFetch(step: FetchStep): Promise<void> {
    if (!step.represent) return fetchRootFields(step)
    const fetching = step.readContext
      ? fetchInContexts(step)
      : fetchEntities(step, places.entitiesFor(step))
    return fetching.catch((cause: unknown) => {
      if (!(cause instanceof NestedTooDeep)) throw cause
      fail(step, { outcome: 'failed', reason: 'SUBGRAPH_RESPONSE_INVALID', detail: nestedTooDeep })
    })
  }

  async function fetchRootFields(step: FetchStep): Promise<void> {
    const targets = objectsAt(data, step.path)
    if (targets.length === 0) return
    const { operationKind } = step
    const body = `${step.head}${writeVariables(step.variables).slice(1)}}}`
    const answer = await send(step.subgraph, { operationKind, body })
    if (answer.outcome === 'failed') return fail(step, answer, rootKeys(step))
    for (const error of answer.errors) report(step, error, step.path, error.path)
    if (!answer.data) return
    step.rewriteAnswer?.(answer.data)
    places.changeBelow(step)
    targets.forEach((target, index) =>
      mergeObject(target, index === 0 ? answer.data! : copyOf(answer.data!)),
    )
  }

  async function fetchEntities(
    step: FetchStep,
    entities: readonly JsonObject[],
    contextual = '',
  ): Promise<void> {
    const { texts, owners } = representationsOf(step, entities)
    if (texts.length === 0) return
    const answer = await fetchBatched({ step, representations: `[${texts.join()}]`, contextual })
    settle(step, answer, texts.length, entities, owners)
  }

  /** Entities in other contexts get their arguments by other values: each has a fetch of its own. */
  async function fetchInContexts(step: FetchStep): Promise<void> {
    const groups = new Map<string, JsonObject[]>()
    for (const { entity, variables: contextual } of step.readContext!(data)) {
      const text = boundedJson(contextual)
      const group = groups.get(text)
      if (group) group.push(entity)
      else groups.set(text, [entity])
    }
    await Promise.all(
      [...groups].map(([text, entities]) =>
        fetchEntities(step, entities, text === '{}' ? '' : `,${text.slice(1, -1)}`),
      ),
    )
  }

  function settle(
    step: FetchStep,
    answer: SubgraphResult,
    count: number,
    entities: readonly JsonObject[],
    owners: readonly (readonly number[])[],
  ): void {
    if (answer.outcome === 'failed') return fail(step, answer)
    if (answer.errors.length > 0) reportEntityErrors(step, answer.errors, entities, owners)
    if (!answer.data) return
    const received = answer.data['_entities']
    if (!Array.isArray(received) || received.length !== count) {
      if (answer.errors.length === 0) fail(step, noEntities)
      return
    }
    let hasObjects = false
    let isMisshapen = false
    for (let index = 0; index < count; index++) {
      const entity: unknown = received[index]
      if (!isObject(entity)) {
        // Null is an entity that the subgraph does not have.
        isMisshapen ||= entity !== null
        continue
      }
      const names = addTo(step, entity, owners[index]!, entities)
      hasObjects ||= names.some((name) => typeof entity[name] === 'object')
    }
    if (hasObjects) places.changeBelow(step)
    if (isMisshapen && answer.errors.length === 0) fail(step, noEntities)
  }

  /** Adds what was received for a representation to each entity that it stands for; returns its names. */
  function addTo(
    step: FetchStep,
    received: JsonObject,
    owners: readonly number[],
    entities: readonly JsonObject[],
  ): readonly string[] {
    if (step.rewriteAnswer) {
      received['__typename'] ??= entities[owners[0]!]!['__typename']
      step.rewriteAnswer(received)
    }
    const names = Object.keys(received)
    // Backwards, as the first owner may get the original: copies are made before it changes.
    for (let index = owners.length - 1; index >= 0; index--) {
      const isShared = index === 0 || plan.shareObjects
      mergeObject(entities[owners[index]!]!, isShared ? received : copyOf(received), names)
    }
    return names
  }

  /** An error at a representation is an error at each entity that it stands for. */
  function reportEntityErrors(
    step: FetchStep,
    received: readonly SubgraphError[],
    entities: readonly JsonObject[],
    owners: readonly (readonly number[])[],
  ): void {
    const positions = positionsAt(data, step.path)
    const ofEntity = positionsByObject(objectsAt(data, step.path), positions)
    for (const error of received) {
      const [head, index, ...rest] = error.path ?? []
      const concerned = typeof index === 'number' ? owners[index] : undefined
      if (head !== '_entities' || !concerned) {
        report(step, error, positions[0], undefined)
        continue
      }
      const { message, extensions } = error
      const below = rest.map((key) => ownName(step, key))
      for (const entity of new Set(concerned.map((owner) => entities[owner]!))) {
        errors.addEach(ofEntity.get(entity) ?? [], (position) => {
          const path = [...position, ...below]
          return { message, extensions, path, explains: path }
        })
      }
    }
  }

  /** @param here where the objects are that the fetch adds to, or the first of them */
  function report(
    step: FetchStep,
    { message, extensions }: SubgraphError,
    here: ResponsePath = [],
    path: ResponsePath | undefined,
  ): void {
    errors.add(() => {
      if (path === undefined) {
        return { message, extensions, path: step.represent && here, explains: step.path }
      }
      const place = [...here, ...path.map((key) => ownName(step, key))]
      return { message, extensions, path: place, explains: place }
    })
  }

  /** One error for each root field of the failed fetch; for entities, at the first of them. */
  function fail(step: FetchStep, failed: FailedCall, keys?: readonly string[]): void {
    const { message, extensions } = errorOfCall(failed)
    const here = positionsAt(data, step.path)[0] ?? []
    const paths = keys ? keys.map((key) => [...here, key]) : [here]
    for (const path of paths) {
      errors.add(() => {
        return { message, extensions, path, explains: keys ? path : step.path }
      })
    }
  }

  function writeVariables(names: Iterable<string>): string {
    let text = ''
    for (const name of names) {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined
      if (value !== undefined) text += `,${JSON.stringify(name)}:${JSON.stringify(value)}`
    }
    return text
  }
}

function nothingMore(): void {}

const noEntities: FailedCall = { outcome: 'failed', reason: 'SUBGRAPH_RESPONSE_INVALID' }

/** An object that is shared stands at several positions. */
function positionsByObject(
  objects: readonly JsonObject[],
  positions: readonly ResponsePath[],
): ReadonlyMap<JsonObject, readonly ResponsePath[]> {
  const found = new Map<JsonObject, ResponsePath[]>()
  objects.forEach((object, index) => {
    const known = found.get(object)
    if (known) known.push(positions[index]!)
    else found.set(object, [positions[index]!])
  })
  return found
}

/** Equal representations are sent once; `owners` tells which entities each stands for. */
function representationsOf(step: FetchStep, entities: readonly JsonObject[]) {
  const represent = step.represent!
  const numbers = new Map<string, number>()
  const texts: string[] = []
  const owners: number[][] = []
  // Most entities are found by the value of one field: texts are written for the first of each only.
  const byFirstField = new Map<readonly string[], Map<unknown, number>>()

  for (let index = 0; index < entities.length; index++) {
    const entity = entities[index]!
    const fields = represent.fieldsOf(entity)
    const known = fields && numberOf(entity, fields)
    if (known !== undefined) {
      if (entities[owners[known]![0]!] !== entity) owners[known]!.push(index)
      continue
    }
    const text = represent.write(entity)
    if (text === undefined) continue
    const number = numbers.get(text)
    if (number !== undefined) {
      owners[number]!.push(index)
      continue
    }
    numbers.set(text, texts.length)
    if (fields) byFirstField.get(fields)!.set(entity[fields[0]!], texts.length)
    texts.push(text)
    owners.push([index])
  }
  return { texts, owners }

  function numberOf(entity: JsonObject, fields: readonly string[]): number | undefined {
    const ofType = byFirstField.get(fields)
    if (!ofType) {
      byFirstField.set(fields, new Map())
      return undefined
    }
    const number = ofType.get(entity[fields[0]!])
    if (number === undefined) return undefined
    const other = entities[owners[number]![0]!]!
    for (let index = 1; index < fields.length; index++) {
      if (entity[fields[index]!] !== other[fields[index]!]) return undefined
    }
    return number
  }
}

function rootKeys({ operation }: FetchStep): string[] {
  const [definition] = parse(operation, { noLocation: true }).definitions
  if (definition?.kind !== Kind.OPERATION_DEFINITION) return []
  return definition.selectionSet.selections.flatMap((selection) =>
    selection.kind === Kind.FIELD ? [(selection.alias ?? selection.name).value] : [],
  )
}

function ownName(step: FetchStep, key: string | number): string | number {
  return typeof key === 'string' ? (step.renamed.get(key) ?? key) : key
}
