/** Data from subgraphs: parsed JSON, not validated. */
import type { ResponsePath } from '../graphql/response-error.ts'
import { isObject } from '../values/json.ts'
import { deepestNesting } from './nesting.ts'

export type JsonObject = Record<string, unknown>

/** A step into the data: a response name, `@` for "each element", or `... on T` for a type condition. */
export type DataPath = readonly string[]

/** Returns all objects at the path, in order; nulls are left out. */
export function objectsAt(data: JsonObject, path: DataPath): JsonObject[] {
  const found: JsonObject[] = []
  collectAt(data, path, 0, found)
  return found
}

function collectAt(value: unknown, path: DataPath, index: number, found: JsonObject[]): void {
  if (typeof value !== 'object' || value === null) return
  const step = path[index]
  if (step === '@') {
    if (!Array.isArray(value)) return
    for (let at = 0; at < value.length; at++) collectAt(value[at], path, index + 1, found)
  } else if (step !== undefined) {
    collectAt((value as JsonObject)[step], path, index + 1, found)
  } else if (!Array.isArray(value)) found.push(value as JsonObject)
}

/** Returns where the objects at the path are: in the order of `objectsAt`. */
export function positionsAt(data: JsonObject, path: DataPath): ResponsePath[] {
  let current: { value: unknown; position: ResponsePath }[] = [{ value: data, position: [] }]
  for (const step of path) {
    current = current.flatMap(({ value, position }) => {
      if (step !== '@') {
        return [{ value: (value as JsonObject)[step], position: [...position, step] }]
      }
      return Array.isArray(value)
        ? value.map((element, index) => ({ value: element, position: [...position, index] }))
        : []
    })
    current = current.filter(({ value }) => value != null)
  }
  return current.filter(({ value }) => isObject(value)).map(({ position }) => position)
}

/** `names` are those of the source, for merging it several times. */
export type MergeObject = (
  target: JsonObject,
  source: JsonObject,
  names?: readonly string[],
) => void

/**
 * Returns the function that merges a subgraph's data into the fetched data. A value wins over null in
 * any order: of two subgraphs that share a field, one may have failed. The name of an object type wins
 * over that of an interface, which is the only one in a subgraph with an interface object.
 */
export function objectMerger(isAbstract: (typename: unknown) => boolean): MergeObject {
  return (target, source, names = Object.keys(source)) =>
    mergeObject(target, source, names, deepestNesting)

  function mergeObject(
    target: JsonObject,
    source: JsonObject,
    names: readonly string[],
    levels: number,
  ): void {
    for (let index = 0; index < names.length; index++) {
      const key = names[index]!
      // JSON.parse makes `__proto__` a plain property; assigning to it would set the prototype.
      if (key === '__proto__') continue
      const value = source[key]
      const existing = target[key]
      if (existing === undefined || existing === null || typeof existing === 'function') {
        target[key] = value
      } else if (value !== null && existing !== value) {
        if (key !== '__typename') target[key] = merged(existing, value, levels)
        else if (isAbstract(existing)) target[key] = value
      }
    }
  }

  /** Values nested deeper than any that is read are replaced completely. */
  function merged(existing: unknown, value: unknown, levels: number): unknown {
    if (levels === 0) return value
    if (Array.isArray(existing)) {
      if (!Array.isArray(value) || existing.length !== value.length) return value
      value.forEach((element, index) => {
        const before: unknown = existing[index]
        if (before == null) existing[index] = element
        else if (element != null && before !== element) {
          existing[index] = merged(before, element, levels - 1)
        }
      })
      return existing
    }
    if (!isObject(existing) || !isObject(value)) return value
    mergeObject(existing, value, Object.keys(value), levels - 1)
    return existing
  }
}

/** Returns a deep copy, except for values that are nested too deep to be read. */
export function copyOf<T>(value: T): T {
  return copied(value, deepestNesting) as T
}

function copied(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null || levels === 0) return value
  if (Array.isArray(value)) return value.map((element) => copied(element, levels - 1))
  const entries = Object.entries(value).map(([key, inner]) => [key, copied(inner, levels - 1)])
  return Object.fromEntries(entries)
}
