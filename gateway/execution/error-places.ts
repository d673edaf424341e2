/** The places of errors in a response: a null there, above or below follows from the error. */
import { remembered } from '../values/remembered.ts'
import type { ResponsePath } from '../graphql/response-error.ts'

interface Place {
  isError: boolean
  readonly below: Map<string | number, Place>
}

/** Returns an empty set of places. */
export function errorPlaces() {
  const root = placeWithout()
  return {
    /** Adds the place of an error; `@` stands for each element of a list. */
    add(place: ResponsePath): void {
      let at = root
      for (const step of place) at = remembered(at.below, step, placeWithout)
      at.isError = true
    },
    /** Returns whether an error is at the path, above or below it. */
    has: (path: ResponsePath) => (root.isError || root.below.size > 0) && reaches(root, path, 0),
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
