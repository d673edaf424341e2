import type { DistinctRepresentations } from './distinct-representations.ts'
import type { EntityPlaces } from './entity-places.ts'
import { addEntityErrors, addFailure } from './fetch-errors.ts'
import type { FetchErrors } from './fetch-errors.ts'
import { isList, isNull, isRecord } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import { copyRecord, mergeRecord } from './merge-records.ts'
import type { IsAbstract } from './merge-records.ts'
import type { FetchStep } from './plan-steps.ts'
import type { FailedCall, SubgraphError } from './subgraph-request.ts'

/** What the response to a fetch of entities is added to. */
export interface FetchedSoFar {
  readonly data: FetchedData
  readonly errors: FetchErrors
  readonly places: EntityPlaces
  readonly isAbstract: IsAbstract
  /** Whether entities with equal representations may have the same objects below them. */
  readonly mayShareObjects: boolean
}

/** The response to a fetch of entities. */
export type FetchedEntities =
  | {
      readonly outcome: 'answered'
      /** The slot of the list of entities; undefined if there is no data. */
      readonly entities: number | undefined
      readonly errors: readonly SubgraphError[]
    }
  | FailedCall

const noEntities: FailedCall = { outcome: 'failed', reason: 'SUBGRAPH_RESPONSE_INVALID' }

/** Merges the response to an entity fetch into the entities, and adds its errors. */
export function settleEntityFetch(
  target: FetchedSoFar,
  step: FetchStep,
  response: FetchedEntities,
  representations: DistinctRepresentations,
): void {
  const { data, errors, places } = target
  if (response.outcome === 'failed') return addFailure(errors, step, response)
  const hasErrors = response.errors.length > 0
  if (hasErrors) addEntityErrors(errors, step, response.errors, representations)
  if (response.entities === undefined) return
  const { tape } = data
  const list = tape[response.entities + 1]!
  if (tape[response.entities] !== isList || tape[list] !== representations.count) {
    if (!hasErrors) addFailure(errors, step, noEntities)
    return
  }
  if (step.bringsObjects) places.changeBelow(step)
  addToEntities(target, step, list, representations)
  if (!hasErrors && hasInvalid(data, list)) addFailure(errors, step, noEntities)
}

/** Null is an entity that the subgraph does not have. */
function hasInvalid({ tape }: FetchedData, list: number): boolean {
  for (let index = 0; index < tape[list]!; index++) {
    const first = tape[list + 1 + 2 * index]
    if (first !== isRecord && first !== isNull) return true
  }
  return false
}

function addToEntities(
  { data, isAbstract, mayShareObjects }: FetchedSoFar,
  { placeOfObjects }: FetchStep,
  list: number,
  { entities, indexes, count }: DistinctRepresentations,
): void {
  const isUsed = mayShareObjects ? undefined : new Uint8Array(count)
  for (let index = 0; index < entities.length; index++) {
    const representation = indexes[index]!
    const slot = list + 1 + 2 * representation
    if (representation < 0 || data.tape[slot] !== isRecord) continue
    const received = data.tape[slot + 1]!
    const source = isUsed?.[representation] ? copyRecord(data, placeOfObjects, received) : received
    mergeRecord(data, placeOfObjects, entities[index]!, source, isAbstract)
    if (isUsed) isUsed[representation] = 1
  }
}
