import type { DistinctRepresentations } from './distinct-representations.ts'
import type { EntityPlaces } from './entity-places.ts'
import { addEntityErrors, addFailure } from './fetch-errors.ts'
import type { FetchErrors } from './fetch-errors.ts'
import type { FetchStep } from './plan-steps.ts'
import { isObject } from '../values/json.ts'
import { copyOf } from './response-data.ts'
import type { JsonObject, MergeObject } from './response-data.ts'
import type { FailedCall, SubgraphResult } from './subgraph-request.ts'

/** What the response to a fetch of entities is added to. */
export interface FetchedSoFar {
  readonly errors: FetchErrors
  readonly places: EntityPlaces
  readonly mergeObject: MergeObject
  /** Whether entities with equal representations may have the same objects below them. */
  readonly mayShareObjects: boolean
}

const noEntities: FailedCall = { outcome: 'failed', reason: 'SUBGRAPH_RESPONSE_INVALID' }

/** Merges the response to an entity fetch into the entities, and adds its errors. */
export function settleEntityFetch(
  target: FetchedSoFar,
  step: FetchStep,
  response: SubgraphResult,
  representations: DistinctRepresentations,
): void {
  const { errors, places } = target
  if (response.outcome === 'failed') return addFailure(errors, step, response)
  const hasErrors = response.errors.length > 0
  if (hasErrors) addEntityErrors(errors, step, response.errors, representations)
  if (!response.data) return
  const received = response.data['_entities']
  const count = representations.texts.length
  if (!Array.isArray(received) || received.length !== count) {
    if (!hasErrors) addFailure(errors, step, noEntities)
    return
  }
  let hasObjects = false
  let isInvalid = false
  for (let index = 0; index < count; index++) {
    const entity: unknown = received[index]
    if (!isObject(entity)) {
      // Null is an entity that the subgraph does not have.
      isInvalid ||= entity !== null
      continue
    }
    const names = addToOwners(target, step, entity, representations, index)
    hasObjects ||= names.some((name) => typeof entity[name] === 'object')
  }
  if (hasObjects) places.changeBelow(step)
  if (isInvalid && !hasErrors) addFailure(errors, step, noEntities)
}

/** Merges the data of a representation into each of its entities; returns the names of its fields. */
function addToOwners(
  { mergeObject, mayShareObjects }: FetchedSoFar,
  step: FetchStep,
  received: JsonObject,
  { entities, owners }: DistinctRepresentations,
  representation: number,
): readonly string[] {
  const own = owners[representation]!
  if (step.rewriteResponse) {
    received['__typename'] ??= entities[own[0]!]!['__typename']
    step.rewriteResponse(received)
  }
  const names = Object.keys(received)
  // Backwards, as the first owner may get the original: copies are made before it changes.
  for (let index = own.length - 1; index >= 0; index--) {
    const isOriginal = index === 0 || mayShareObjects
    mergeObject(entities[own[index]!]!, isOriginal ? received : copyOf(received), names)
  }
  return names
}
