/** The objects to which entity fetches add, at each place of a request's data. */
import type { FetchStep } from './plan-steps.ts'
import { objectsAt } from './response-data.ts'
import type { JsonObject } from './response-data.ts'
import { deduplicateEntities } from './deduplicate-entities.ts'
import type { SharedObjects } from './deduplicate-entities.ts'

export interface EntityPlaces {
  /** Returns the objects to which a fetch adds, in order. */
  entitiesFor(step: FetchStep): readonly JsonObject[]
  /** Forgets the objects below the place of a fetch that has added objects: there may be more now. */
  changeBelow(step: FetchStep): void
  readonly shared: SharedObjects
}

/**
 * Returns the places of one request's data.
 *
 * @param mayDeduplicate whether equal entities at one place may become one object
 */
export function entityPlaces(data: JsonObject, mayDeduplicate: boolean): EntityPlaces {
  const shared: SharedObjects = new Set()
  const places = new Set<string>()
  const found = new Map<string, readonly JsonObject[]>()

  return {
    shared,
    entitiesFor({ path, place, represent }) {
      if (!mayDeduplicate || !represent) return objectsAt(data, path)
      const known = found.get(place)
      if (known) return known
      // Only before the first fetch for a place: later, responses for the objects may be in flight.
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
