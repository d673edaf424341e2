/** `@fromContext`: arguments whose values are in objects above the entity. */
import type { FetchDataKeyRenamer } from '@apollo/query-planner'
import { isObject } from '../values/json.ts'
import type { DataPath, JsonObject } from './response-data.ts'
import type { IsOfType } from '../graphql/type-conditions.ts'

/** An entity and its arguments from its context. */
export interface EntityInContext {
  readonly entity: JsonObject
  /** The variables that carry the arguments, by name. */
  readonly variables: JsonObject
}

/** Returns the entities at the fetch's path, in order, each with its arguments. */
export type ReadContext = (data: JsonObject) => EntityInContext[]

const conditionPrefix = '... on '

/**
 * Returns the reader for a fetch. In the path of a rewrite, each `..` leads to the object above; lists
 * do not count.
 */
export function contextReader(
  rewrites: readonly FetchDataKeyRenamer[],
  path: DataPath,
  isOfType: IsOfType,
): ReadContext {
  return (data) =>
    lineagesAt(data, path).map((lineage) => {
      const variables: JsonObject = {}
      for (const { path: steps, renameKeyTo } of rewrites) {
        if (variables[renameKeyTo] !== undefined) continue
        const value = read(lineage, steps)
        if (value !== undefined) variables[renameKeyTo] = value
      }
      return { entity: lineage.at(-1)!, variables }
    })

  function read(lineage: readonly JsonObject[], steps: readonly string[]): unknown {
    const levels = steps.filter((step) => step === '..').length
    let value: unknown = lineage.at(-1 - levels)
    for (const step of steps.slice(levels)) {
      if (!isObject(value)) return value
      if (!step.startsWith(conditionPrefix)) value = value[step]
      else if (!isOfType(String(value['__typename']), step.slice(conditionPrefix.length))) {
        return undefined
      }
    }
    return value
  }
}

/** Returns, for each object at the path, the objects on the way to it, itself last. */
function lineagesAt(data: JsonObject, path: DataPath): JsonObject[][] {
  let current: { value: unknown; above: JsonObject[] }[] = [{ value: data, above: [] }]
  for (const step of path) {
    current = current.flatMap(({ value, above }) => {
      if (step !== '@') {
        return isObject(value) ? [{ value: value[step], above: [...above, value] }] : []
      }
      return Array.isArray(value) ? value.map((element) => ({ value: element, above })) : []
    })
  }
  return current.flatMap(({ value, above }) => (isObject(value) ? [[...above, value]] : []))
}
