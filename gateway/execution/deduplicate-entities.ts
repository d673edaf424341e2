/**
 * Entity deduplication: equal entities at one place of the data become one object, such as the author of
 * a hundred comments. Fetched fields are then added to it once, and its text is written once.
 */
import type { RepresentationWriter } from './representations.ts'
import type { DataPath, JsonObject } from './response-data.ts'

/** The objects that are at several positions of the data. */
export type SharedObjects = Set<JsonObject>

interface First {
  readonly object: JsonObject
  /** Undefined when not all values are scalars. */
  readonly keys: readonly string[] | undefined
}

/**
 * Replaces equal objects at the path by the first of them, where they have scalars only. Returns the
 * objects that are then at the path, in order.
 *
 * @param fieldsOf returns the fields that distinguish entities of a type; undefined: no deduplication
 * @param shared gets each object that is now at several positions
 */
export function deduplicateEntities(
  data: JsonObject,
  path: DataPath,
  fieldsOf: RepresentationWriter['fieldsOf'],
  shared: SharedObjects,
): JsonObject[] {
  const firsts = new Map<readonly string[], Map<unknown, First>>()
  const found: JsonObject[] = []
  replace(data, 0)
  return found

  /** Returns the value itself, or the object that replaces it. */
  function replace(value: unknown, index: number): unknown {
    if (typeof value !== 'object' || value === null) return value
    const step = path[index]
    if (step === '@') {
      if (!Array.isArray(value)) return value
      for (let at = 0; at < value.length; at++) {
        const inner: unknown = value[at]
        const replacement = replace(inner, index + 1)
        if (replacement !== inner) value[at] = replacement
      }
    } else if (step !== undefined) {
      const object = value as JsonObject
      const inner = object[step]
      const replacement = replace(inner, index + 1)
      if (replacement !== inner) object[step] = replacement
    } else if (!Array.isArray(value)) return firstEqual(value as JsonObject)
    return value
  }

  function firstEqual(object: JsonObject): JsonObject {
    const fields = fieldsOf(object)
    const first = fields && firstOf(fields, object)
    if (first && (first.object === object || isEqual(object, first))) {
      shared.add(first.object)
      return first.object
    }
    found.push(object)
    return object
  }

  /** Returns the first object with the key fields of this one, or keeps this one as the first. */
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
