/**
 * Entity deduplication: equal entities at one place of the data become one object, such as the author of
 * a hundred comments. What is fetched for it is then added once, and its text is written once.
 */
import type { RepresentationWriter } from './representations.ts'
import type { DataPath, JsonObject } from './response-data.ts'

/** The objects that are at several positions of the data. */
export type SharedObjects = Set<JsonObject>

interface First {
  readonly object: JsonObject
  /** Undefined when there is more to it than scalars. */
  readonly keys: readonly string[] | undefined
}

/**
 * Returns the distinct objects at the path, in order. Each object that has scalars only has taken the
 * place of those that equal it.
 *
 * @param fieldsOf returns the fields that distinguish entities of a type; undefined to skip the type
 * @param shared gets each object that is at several positions now
 */
export function deduplicateEntities(
  data: JsonObject,
  path: DataPath,
  fieldsOf: RepresentationWriter['fieldsOf'],
  shared: SharedObjects,
): JsonObject[] {
  const firsts = new Map<readonly string[], Map<unknown, First>>()
  const found: JsonObject[] = []
  place(data, 0)
  return found

  /** Returns what takes the place of the value. */
  function place(value: unknown, index: number): unknown {
    if (typeof value !== 'object' || value === null) return value
    const step = path[index]
    if (step === '@') {
      if (!Array.isArray(value)) return value
      for (let at = 0; at < value.length; at++) {
        const inner: unknown = value[at]
        const placed = place(inner, index + 1)
        if (placed !== inner) value[at] = placed
      }
    } else if (step !== undefined) {
      const object = value as JsonObject
      const inner = object[step]
      const placed = place(inner, index + 1)
      if (placed !== inner) object[step] = placed
    } else if (!Array.isArray(value)) return firstLike(value as JsonObject)
    return value
  }

  function firstLike(object: JsonObject): JsonObject {
    const fields = fieldsOf(object)
    const first = fields && firstOf(fields, object)
    if (first && (first.object === object || isEqual(object, first))) {
      shared.add(first.object)
      return first.object
    }
    found.push(object)
    return object
  }

  /** Returns the first with that key, or remembers this one as the first. */
  function firstOf(fields: readonly string[], object: JsonObject): First | undefined {
    const key = object[fields[0]!]
    let ofType = firsts.get(fields)
    if (!ofType) firsts.set(fields, (ofType = new Map<unknown, First>()))
    const first = ofType.get(key)
    if (!first) ofType.set(key, { object, keys: scalarKeys(object) })
    return first
  }
}

function scalarKeys(object: JsonObject): string[] | undefined {
  const keys = Object.keys(object)
  return keys.every((key) => typeof object[key] !== 'object' || object[key] === null)
    ? keys
    : undefined
}

function isEqual(object: JsonObject, { object: other, keys }: First): boolean {
  if (!keys) return false
  for (let index = 0; index < keys.length; index++) {
    if (object[keys[index]!] !== other[keys[index]!]) return false
  }
  let count = 0
  for (const _key in object) count++
  return count === keys.length
}
