/** What the response to an operation may lose when calls to subgraphs fail. */
import { isDeepStrictEqual } from 'node:util'
import type { EngineAnswer, EngineError } from './two-engines.ts'

/**
 * Returns the places where a response differs from the one without failures by anything but a null that an error
 * explains: an error whose path ends there, above it, or below it. A failed fetch of entities has one error, at the
 * first of them.
 */
export function unexplainedLosses(own: EngineAnswer, whole: EngineAnswer): string[] {
  const paths = own.errors.map(({ path }: EngineError) => (path === '' ? [] : path.split('.')))
  const found: string[] = []
  compare(own.data, whole.data, [])
  return found

  function compare(value: unknown, right: unknown, place: readonly string[]): void {
    if (value === null && right !== null && right !== undefined) {
      if (!paths.some((path) => isWithin(path, place))) {
        found.push(`null at ${place.join('.')}`)
      }
    } else if (Array.isArray(value) && Array.isArray(right) && value.length === right.length) {
      value.forEach((item, index) => compare(item, right[index], [...place, `${index}`]))
    } else if (isObject(value) && isObject(right) && haveSameNames(value, right)) {
      for (const name of Object.keys(value)) compare(value[name], right[name], [...place, name])
    } else if (!isDeepStrictEqual(value, right)) {
      found.push(`another value at ${place.join('.')}`)
    }
  }
}

/** Whether one of them begins with the other, whatever the indexes are. */
function isWithin(one: readonly string[], other: readonly string[]): boolean {
  const length = Math.min(one.length, other.length)
  const isIndex = (step: string) => /^\d+$/.test(step)
  return one
    .slice(0, length)
    .every((step, index) => step === other[index] || (isIndex(step) && isIndex(other[index]!)))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function haveSameNames(one: object, other: object): boolean {
  return isDeepStrictEqual(Object.keys(one).sort(), Object.keys(other).sort())
}
