/** The errors of a plan's fetches, with their places in the response. */
import type { DistinctRepresentations } from './distinct-representations.ts'
import type { ErrorList } from './error-list.ts'
import type { FetchStep } from './plan-steps.ts'
import { objectsAt, positionsAt } from './response-data.ts'
import type { JsonObject } from './response-data.ts'
import type { ResponsePath } from '../graphql/response-error.ts'
import { errorOfCall } from './subgraph-errors.ts'
import type { FailedCall, SubgraphError } from './subgraph-request.ts'
import { remembered } from '../values/remembered.ts'

/** An error of a subgraph, or of the connection to it. */
export interface FetchError {
  readonly message: string
  readonly extensions: Readonly<Record<string, unknown>>
  /** In names of the fetched data. */
  readonly path: ResponsePath | undefined
  /** A null at this path, above it or below it follows from this error and is not another error. */
  readonly covers: ResponsePath
}

export interface FetchErrors {
  /** The data that the fetches have brought so far, to find the places in it. */
  readonly data: JsonObject
  readonly list: ErrorList<FetchError>
}

/** Adds one error for each root field of a failed fetch; for entities, one at the first of them. */
export function addFailure(
  { data, list }: FetchErrors,
  step: FetchStep,
  failed: FailedCall,
  rootKeys?: readonly string[],
): void {
  const { message, extensions } = errorOfCall(failed)
  const here = positionsAt(data, step.path)[0] ?? []
  const paths = rootKeys ? rootKeys.map((key) => [...here, key]) : [here]
  for (const path of paths) {
    list.add(() => ({ message, extensions, path, covers: rootKeys ? path : step.path }))
  }
}

/** Adds an error of a fetch of root fields. */
export function addRootError({ list }: FetchErrors, step: FetchStep, error: SubgraphError): void {
  const { path } = error
  list.add(() => {
    if (path === undefined) return withoutPlace(step, error, undefined)
    return withPlace(error, [...step.path, ...ownPath(step, path)])
  })
}

/** Adds the errors of a fetch of entities. One at a representation is one at each of its entities. */
export function addEntityErrors(
  { data, list }: FetchErrors,
  step: FetchStep,
  errors: readonly SubgraphError[],
  { entities, owners }: DistinctRepresentations,
): void {
  const positions = positionsAt(data, step.path)
  const positionsOf = positionsByObject(objectsAt(data, step.path), positions)
  for (const error of errors) {
    const [head, index, ...rest] = error.path ?? []
    const concerned = typeof index === 'number' ? owners[index] : undefined
    if (head !== '_entities' || !concerned) {
      list.add(() => withoutPlace(step, error, positions[0] ?? []))
      continue
    }
    const below = ownPath(step, rest)
    for (const entity of new Set(concerned.map((owner) => entities[owner]!))) {
      list.addEach(positionsOf.get(entity) ?? [], (position) =>
        withPlace(error, [...position, ...below]),
      )
    }
  }
}

function withPlace({ message, extensions }: SubgraphError, path: ResponsePath): FetchError {
  return { message, extensions, path, covers: path }
}

/** The error may be about anything that the fetch brings. */
function withoutPlace(
  step: FetchStep,
  { message, extensions }: SubgraphError,
  path: ResponsePath | undefined,
): FetchError {
  return { message, extensions, path, covers: step.path }
}

/** Returns the path in names of the operation, not of the planner. */
function ownPath({ renamed }: FetchStep, path: ResponsePath): ResponsePath {
  return path.map((key) => (typeof key === 'string' ? (renamed.get(key) ?? key) : key))
}

/** A deduplicated object is at several positions. */
function positionsByObject(
  objects: readonly JsonObject[],
  positions: readonly ResponsePath[],
): ReadonlyMap<JsonObject, readonly ResponsePath[]> {
  const found = new Map<JsonObject, ResponsePath[]>()
  objects.forEach((object, index) => {
    remembered(found, object, () => []).push(positions[index]!)
  })
  return found
}
