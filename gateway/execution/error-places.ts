/** The places of errors in a response: a null there, above or below follows from the error. */
import type { ResponsePath } from './response-data.ts'

/** A set of places. */
export interface ErrorPlaces {
  /** Adds the place of an error; `@` stands for each element of a list. */
  add(place: ResponsePath): void
  /** Returns whether an error is at the path, above or below it. */
  has(path: ResponsePath): boolean
}

interface Place {
  isError: boolean
  readonly below: Map<string | number, Place>
}

/** Returns an empty set of places. */
export function errorPlaces(): ErrorPlaces {
  const root = placeWithout()
  return {
    add(place) {
      let at = root
      for (const step of place) {
        let next = at.below.get(step)
        if (!next) at.below.set(step, (next = placeWithout()))
        at = next
      }
      at.isError = true
    },
    has: (path) => (root.isError || root.below.size > 0) && reaches(root, path, 0),
  }
}

function reaches(place: Place, path: ResponsePath, index: number): boolean {
  if (place.isError || index === path.length) return true
  const step = path[index]!
  const exact = place.below.get(step)
  if (exact && reaches(exact, path, index + 1)) return true
  const any = typeof step === 'number' ? place.below.get('@') : undefined
  return any !== undefined && reaches(any, path, index + 1)
}

function placeWithout(): Place {
  return { isError: false, below: new Map() }
}
