/** The errors of a plan's fetches, with their places in the response. */
import type { ClientPath } from './client-path.ts'
import type { DistinctRepresentations } from './distinct-representations.ts'
import type { ErrorList } from './error-list.ts'
import type { FetchStep } from './plan-steps.ts'
import { placedRecords } from './data-path.ts'
import type { PlacedRecord } from './data-path.ts'
import type { FetchedData } from './fetched-data.ts'
import type { ResponsePath } from '../graphql/response-error.ts'
import { remembered } from '../values/remembered.ts'
import { errorTable } from '../errors.ts'
import { errorPlaces } from './error-places.ts'
import { errorOfCall } from './subgraph-errors.ts'
import type { FailedCall, SubgraphError } from './subgraph-request.ts'

/** An error of a subgraph, or of the connection to it. */
export interface FetchError {
  readonly message: string
  readonly extensions: Readonly<Record<string, unknown>>
  /** In names of the fetched data. */
  readonly path: ResponsePath | undefined
  /** A null at this path, above it or below it follows from this error and is not another error. */
  readonly covers: ResponsePath
  /** The fetch, if the error may be about any of its entities: the path is that of the first one. */
  readonly fetch?: FetchStep
}

export interface FetchErrors {
  /** The data that the fetches have brought so far, to find the places in it. */
  readonly data: FetchedData
  /** The record of the root object. */
  readonly root: number
  readonly list: ErrorList<FetchError>
}

/** Adds one error for each root field of a failed fetch; for entities, one at the first of them. */
export function addFailure(
  errors: FetchErrors,
  step: FetchStep,
  failed: FailedCall,
  rootKeys?: readonly string[],
): void {
  const { message, extensions } = errorOfCall(failed)
  const here = placesOf(errors, step)[0]?.position ?? []
  if (!rootKeys) {
    return errors.list.add(() => withoutPlace(step, { message, extensions }, here))
  }
  for (const key of rootKeys) {
    errors.list.add(() => withPlace({ message, extensions }, [...here, key]))
  }
}

/** Returns whether an error is at the entities of a fetch, above or below them: some of their data may be missing. */
export function isFailureAround({ list }: FetchErrors, { path }: FetchStep): boolean {
  if (list.isEmpty()) return false
  const anyElement = (step: string | number) => (typeof step === 'number' ? '@' : step)
  return errorPlaces(list.listed().map(({ covers }) => covers.map(anyElement))).isAround(path)
}

/**
 * Adds an error for the entities that were left out of a fetch because what it requires has failed to arrive. It is at
 * the first of them that has no error at or above its place yet.
 */
export function addIncomplete(
  errors: FetchErrors,
  step: FetchStep,
  entities: readonly number[],
): void {
  if (entities.length === 0) return
  const { list } = errors
  const known = errorPlaces(list.listed().map(({ covers }) => covers))
  const isLeftOut = new Set(entities)
  const first = placesOf(errors, step).find(
    ({ record, position }) => isLeftOut.has(record) && !known.isAbove(position),
  )
  if (!first) return
  const { code, message } = errorTable.REQUIRED_DATA_MISSING
  list.add(() => withoutPlace(step, { message, extensions: { code } }, first.position))
}

/**
 * Returns the function for the path of an error that a client sees. If the error may be about any entity of a fetch, it
 * is the path of the first one that the client selects. Undefined: it is about nothing that the client selects.
 */
export function pathsForClient(
  clientPath: ClientPath,
  fetched: Pick<FetchErrors, 'data' | 'root'>,
): (error: FetchError) => ResponsePath | undefined {
  const firsts = new Map<string, { path: ResponsePath | undefined }>()

  return ({ path = [], fetch }) => {
    const own = clientPath(path)
    if (own || !fetch) return own
    return remembered(firsts, fetch.place, () => ({ path: firstOf(fetch) })).path
  }

  function firstOf(fetch: FetchStep): ResponsePath | undefined {
    for (const { position } of placesOf(fetched, fetch)) {
      const path = clientPath(position)
      if (path) return path
    }
    return undefined
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
  target: FetchErrors,
  step: FetchStep,
  errors: readonly SubgraphError[],
  representations: DistinctRepresentations,
): void {
  const { list } = target
  const places = placesOf(target, step)
  const positionsOf = positionsByRepresentation(places, representations)
  for (const error of errors) {
    const [head, index, ...rest] = error.path ?? []
    const positions = typeof index === 'number' ? positionsOf.get(index) : undefined
    if (head !== '_entities' || !positions) {
      list.add(() => withoutPlace(step, error, places[0]?.position ?? []))
      continue
    }
    const below = ownPath(step, rest)
    list.addEach(positions, (position) => withPlace(error, [...position, ...below]))
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
  return { message, extensions, path, covers: step.path, fetch: step }
}

/** Returns the path in names of the operation, not of the planner. */
function ownPath({ renamed }: FetchStep, path: ResponsePath): ResponsePath {
  return path.map((key) => (typeof key === 'string' ? (renamed.get(key) ?? key) : key))
}

function placesOf(
  { data, root }: Pick<FetchErrors, 'data' | 'root'>,
  { path, route }: FetchStep,
): PlacedRecord[] {
  return placedRecords(data, root, path, route)
}

/** An entity may be at several positions, and a representation is for all equal entities. */
function positionsByRepresentation(
  places: readonly PlacedRecord[],
  { entities, indexes }: DistinctRepresentations,
): ReadonlyMap<number, readonly ResponsePath[]> {
  const representations = new Map(entities.map((entity, index) => [entity, indexes[index]!]))
  const found = new Map<number, ResponsePath[]>()
  for (const { record, position } of places) {
    const index = representations.get(record)
    if (index === undefined) continue
    remembered(found, index, () => []).push(position)
  }
  return found
}
