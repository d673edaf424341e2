/** The places of errors in a response: a null there, above or below follows from the error. */
import { remembered } from '../values/remembered.ts'
import type { ResponsePath } from '../graphql/response-error.ts'

interface Place {
  isError: boolean
  readonly below: Map<string | number, Place>
}

export interface ErrorPlaces {
  /** Returns whether an error is at the path, or above it. */
  isAbove(path: ResponsePath): boolean
  /** Returns whether an error is at the path, above or below it. */
  isAround(path: ResponsePath): boolean
}

/** @param places where the errors are; `@` means each element of a list */
export function errorPlaces(places: readonly ResponsePath[]): ErrorPlaces {
  const root = placeWithout()
  for (const place of places) {
    let at = root
    for (const step of place) at = remembered(at.below, step, placeWithout)
    at.isError = true
  }
  return {
    isAbove: (path) => reaches(root, path, 0, false),
    isAround: (path) => places.length > 0 && reaches(root, path, 0, true),
  }
}

/** @param atEnd the result at the end of the path, where errors may be further below */
function reaches(place: Place, path: ResponsePath, index: number, atEnd: boolean): boolean {
  if (place.isError) return true
  if (index === path.length) return atEnd
  const step = path[index]!
  const exact = place.below.get(step)
  if (exact && reaches(exact, path, index + 1, atEnd)) return true
  const any = typeof step === 'number' ? place.below.get('@') : undefined
  return any !== undefined && reaches(any, path, index + 1, atEnd)
}

function placeWithout(): Place {
  return { isError: false, below: new Map() }
}
