/** `@fromContext`: arguments whose values are in objects above the entity. */
import type { FetchDataKeyRenamer } from '@apollo/query-planner'
import type { IsOfType } from '../graphql/type-conditions.ts'
import { placedRecords } from './data-path.ts'
import type { DataPath, Route } from './data-path.ts'
import { absent, isRecord } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import type { Place } from './places.ts'
import { gatherLeaf } from './representations.ts'
import { jsonOf } from './gathered-value.ts'
import type { TypeNames } from './type-names.ts'

/** An entity and its arguments from its context. */
export interface EntityInContext {
  readonly entity: number
  /** The JSON text of the variables that carry the arguments: `,"name":value` for each. */
  readonly variables: string
  /** Whether a context has been found for each argument. */
  readonly isComplete: boolean
}

/** Returns the entities of a fetch, in order, each with its arguments. */
export type ReadContext = (data: FetchedData, root: number) => EntityInContext[]

const conditionPrefix = '... on '

export interface ContextParts {
  readonly root: Place
  readonly path: DataPath
  readonly route: Route
  readonly types: TypeNames
  readonly isOfType: IsOfType
}

/**
 * Returns the reader for a fetch. In the path of a rewrite, each `..` leads to the object above; lists
 * do not count.
 */
export function contextReader(
  rewrites: readonly FetchDataKeyRenamer[],
  { root, path, route, types, isOfType }: ContextParts,
): ReadContext {
  const places = placesOn(root, path)
  const names = [...new Set(rewrites.map(({ renameKeyTo }) => renameKeyTo))]

  return (data, record) =>
    placedRecords(data, record, path, route).map(({ record: entity, lineage }) => {
      const variables = names.flatMap((name) => {
        const value = valueOf(name, data, lineage)
        return value === undefined ? [] : `,${JSON.stringify(name)}:${value}`
      })
      const isComplete = variables.length === names.length
      return { entity, variables: variables.join(''), isComplete }
    })

  function valueOf(
    name: string,
    data: FetchedData,
    lineage: readonly number[],
  ): string | undefined {
    for (const { path: steps, renameKeyTo } of rewrites) {
      const value = renameKeyTo === name ? read(data, lineage, steps) : undefined
      if (value !== undefined) return value
    }
    return undefined
  }

  function read(
    data: FetchedData,
    lineage: readonly number[],
    steps: readonly string[],
  ): string | undefined {
    const { tape } = data
    const levels = steps.filter((step) => step === '..').length
    let record = lineage.at(-1 - levels)
    let place = places.at(-1 - levels)
    let slot = 0
    if (record === undefined || !place) return undefined
    for (const step of steps.slice(levels)) {
      if (step.startsWith(conditionPrefix)) {
        const typename = types.names[tape[record]!] ?? ''
        if (!isOfType(typename, step.slice(conditionPrefix.length))) return undefined
        continue
      }
      slot = data.slotAt(record, place.slot(step).index)
      if (tape[slot] !== isRecord) break
      record = tape[slot + 1]!
      place = place.below(step)
    }
    const value = tape[slot] === absent ? undefined : gatherLeaf(data, slot)
    return value && jsonOf(value)
  }
}

/** Returns the places of the objects on a path, that of the root first. */
function placesOn(root: Place, path: DataPath): Place[] {
  const places = [root]
  for (const key of path) if (key !== '@') places.push(places.at(-1)!.below(key))
  return places
}

/** Opens the places below which a fetch reads its context: their objects become records. */
export function openContexts(
  root: Place,
  path: DataPath,
  rewrites: readonly FetchDataKeyRenamer[],
): void {
  const places = placesOn(root, path)
  for (const { path: steps } of rewrites) {
    const levels = steps.filter((step) => step === '..').length
    let place = places.at(-1 - levels)
    const keys = steps.slice(levels).filter((step) => !step.startsWith(conditionPrefix))
    for (const key of keys.slice(0, -1)) {
      place = place?.below(key)
      if (place) place.isOpen = true
    }
    if (place) place.slot(keys.at(-1)!)
  }
}
