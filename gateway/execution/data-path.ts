/** Paths through the fetched data, and what is there. */
import type { ResponsePath } from '../graphql/response-error.ts'
import { isList, isRecord } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import type { Place } from './places.ts'

/** A step into the data: a response key, or `@` for "each element". */
export type DataPath = readonly string[]

/** A path, for records of a place: where the slots are, and `eachElement`. */
export type Route = readonly number[]

/** No slot has this index. */
const eachElement = -1

/** Returns the route of a path from a place. */
export function routeOf(from: Place, path: DataPath): Route {
  let place = from
  return path.map((key) => {
    if (key === '@') return eachElement
    const { index } = place.slot(key)
    place = place.below(key)
    return index
  })
}

/**
 * Returns the slots of the records on a route, in order; nulls are left out, and a record that is at
 * several positions is visited once. The root object is in no slot: for the empty route there is none.
 */
export function slotsOn(data: FetchedData, root: number, route: Route): number[] {
  const found: number[] = []
  if (route.length === 0) return found
  visitSlot(data, data.slotAt(root, route[0]!), { route, found, visited: new Set() }, 1)
  return found
}

/** Returns the records on a route, in order; one that is at several positions once. */
export function recordsOn(data: FetchedData, root: number, route: Route): number[] {
  if (route.length === 0) return [root]
  return slotsOn(data, root, route).map((slot) => data.tape[slot + 1]!)
}

interface Visit {
  readonly route: Route
  readonly found: number[]
  /** The shared records that have been visited. */
  readonly visited: Set<number>
}

function visitSlot(data: FetchedData, slot: number, visit: Visit, index: number): void {
  const { tape, shared } = data
  const second = tape[slot + 1]!
  const step = visit.route[index]
  if (tape[slot] === isRecord) {
    if (shared.size > 0 && shared.has(second)) {
      if (visit.visited.has(second)) return
      visit.visited.add(second)
    }
    if (step === undefined) visit.found.push(slot)
    else if (step !== eachElement) visitSlot(data, data.slotAt(second, step), visit, index + 1)
  } else if (tape[slot] === isList && step === eachElement) {
    const end = second + 1 + 2 * tape[second]!
    for (let at = second + 1; at < end; at += 2) visitSlot(data, at, visit, index + 1)
  }
}

/** A record, and where it is in the response. */
export interface PlacedRecord {
  readonly record: number
  readonly position: ResponsePath
  /** The records around it, the outermost first, and itself. */
  readonly lineage: readonly number[]
}

/** Returns the records at a path with their positions, in the order of `recordsOn`. */
export function placedRecords(
  data: FetchedData,
  root: number,
  path: DataPath,
  route: Route,
): PlacedRecord[] {
  const { tape } = data
  const found: PlacedRecord[] = []
  atRecord(root, 0, [], [])
  return found

  function atRecord(
    record: number,
    index: number,
    position: ResponsePath,
    around: readonly number[],
  ): void {
    const lineage = [...around, record]
    if (index === path.length) return void found.push({ record, position, lineage })
    if (path[index] === '@') return
    atSlot(data.slotAt(record, route[index]!), index + 1, [...position, path[index]!], lineage)
  }

  function atSlot(
    slot: number,
    index: number,
    position: ResponsePath,
    around: readonly number[],
  ): void {
    const second = tape[slot + 1]!
    if (tape[slot] === isRecord) return atRecord(second, index, position, around)
    if (tape[slot] !== isList || path[index] !== '@') return
    for (let element = 0; element < tape[second]!; element++) {
      atSlot(second + 1 + 2 * element, index + 1, [...position, element], around)
    }
  }
}

/** What is known of the objects of fetched data: their types, and what is around what. */
export interface Outline {
  readonly [key: string]: unknown
}

/** Returns the objects and lists in a record, each object with its `__typename` but without other leaves. */
export function outlineOf(
  data: FetchedData,
  record: number,
  place: Place,
  typeNames: readonly string[],
): Outline {
  const { tape } = data
  return objectAt(record, place)

  function objectAt(at: number, { slots }: Place): Outline {
    const outline: Record<string, unknown> = {}
    for (const { key, index, below } of slots.values()) {
      if (below) outline[key] = valueAt(data.slotAt(at, index), below)
    }
    outline['__typename'] = typeNames[tape[at]!]
    return outline
  }

  function valueAt(slot: number, below: Place): unknown {
    const second = tape[slot + 1]!
    if (tape[slot] === isRecord) return objectAt(second, below)
    if (tape[slot] !== isList) return undefined
    return Array.from({ length: tape[second]! }, (_, element) =>
      valueAt(second + 1 + 2 * element, below),
    )
  }
}
