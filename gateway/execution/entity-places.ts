/** The objects at each place of a request's data to which fetches of entities add. */
import type { FetchStep } from './plan-steps.ts'
import { objectsAt } from './response-data.ts'
import type { JsonObject } from './response-data.ts'
import { deduplicateEntities } from './deduplicate-entities.ts'
import type { SharedObjects } from './deduplicate-entities.ts'

/** The objects that fetches of entities add to. */
export interface EntityPlaces {
  /** Returns the objects that a fetch adds to, in order. */
  entitiesFor(step: FetchStep): readonly JsonObject[]
  /** Is called when a fetch has brought objects: there may be more entities below its place. */
  changeBelow(step: FetchStep): void
  readonly shared: SharedObjects
}

/**
 * Returns the places of one request's data.
 *
 * @param mayShare whether equal entities at one place may become one object
 */
export function entityPlaces(data: JsonObject, mayShare: boolean): EntityPlaces {
  const shared: SharedObjects = new Set()
  const places = new Set<string>()
  const found = new Map<string, readonly JsonObject[]>()

  return {
    shared,
    entitiesFor({ path, place, represent }) {
      if (!mayShare || !represent) return objectsAt(data, path)
      const known = found.get(place)
      if (known) return known
      // Only before the first fetch for a place: later, fetches for its objects may be in progress.
      const entities = places.has(place)
        ? objectsAt(data, path)
        : deduplicateEntities(data, path, represent.fieldsOf, shared)
      places.add(place)
      found.set(place, entities)
      return entities
    },
    changeBelow({ path, place }) {
      for (const known of found.keys()) {
        if (path.length === 0 || known.startsWith(`${place}.`)) found.delete(known)
      }
    },
  }
}
