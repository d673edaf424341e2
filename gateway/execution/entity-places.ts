/** The records at each place of a request's data to which fetches of entities add. */
import { recordsOn, slotsOn } from './data-path.ts'
import type { FetchedData } from './fetched-data.ts'
import type { FetchStep } from './plan-steps.ts'

/** The entities of a fetch. */
export interface EntitiesOfFetch {
  /** Their records, in order. */
  readonly records: readonly number[]
  /** The slots that they are in, if equal ones may become one. */
  readonly slots?: readonly number[] | undefined
}

/** The records that fetches of entities add to. */
export interface EntityPlaces {
  /** Returns the entities that a fetch adds to. */
  entitiesFor(step: FetchStep): EntitiesOfFetch
  /** Is called when equal entities have become one: these are left. */
  shared(step: FetchStep, records: readonly number[]): void
  /** Is called when a fetch has brought objects: there may be more entities below its place. */
  changeBelow(step: FetchStep): void
}

/**
 * Returns the places of one request's data.
 *
 * @param mayShare whether equal entities at one place may become one record
 */
export function entityPlaces(data: FetchedData, root: number, mayShare: boolean): EntityPlaces {
  const seen = new Set<string>()
  const found = new Map<string, readonly number[]>()
  return {
    entitiesFor({ place, route }) {
      const known = found.get(place)
      if (known) return { records: known }
      // Only before the first fetch for a place: later, fetches for its objects may be in progress.
      const isFirst = mayShare && !seen.has(place)
      seen.add(place)
      const slots = isFirst ? slotsOn(data, root, route) : undefined
      const records = slots?.length
        ? slots.map((slot) => data.tape[slot + 1]!)
        : recordsOn(data, root, route)
      found.set(place, records)
      return { records, slots: slots?.length ? slots : undefined }
    },
    shared({ place }, records) {
      found.set(place, records)
    },
    changeBelow({ path, place }) {
      for (const known of found.keys()) {
        if (path.length === 0 || known.startsWith(`${place}.`)) found.delete(known)
      }
    },
  }
}
