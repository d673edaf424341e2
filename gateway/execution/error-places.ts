/** The places of errors in a response: a null there, above or below follows from the error. */
import { remembered } from '../values/remembered.ts'
import type { ResponsePath } from '../graphql/response-error.ts'

interface Place {
  isError: boolean
  readonly below: Map<string | number, Place>
}

/**
 * Returns the function that says whether an error is at a path, above or below it.
 *
 * @param places where the errors are; `@` means each element of a list
 */
export function errorPlaces(places: readonly ResponsePath[]): (path: ResponsePath) => boolean {
  const root = placeWithout()
  for (const place of places) {
    let at = root
    for (const step of place) at = remembered(at.below, step, placeWithout)
    at.isError = true
  }
  return (path) => places.length > 0 && reaches(root, path, 0)
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
