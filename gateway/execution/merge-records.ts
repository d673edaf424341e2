/** Merges what a fetch brought into the records of the objects that it is for. */
import { absent, isList, isNull, isRecord, noType } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import type { Place } from './places.ts'

/** Returns whether the type of that index is an interface or a union. */
export type IsAbstract = (type: number) => boolean

/**
 * Merges a record into another of the same place. A value wins over null in any order: of two subgraphs
 * that share a field, one may have failed. The name of an object type wins over that of an interface,
 * which is the only one in a subgraph with an interface object.
 */
export function mergeRecord(
  data: FetchedData,
  place: Place,
  target: number,
  source: number,
  isAbstract: IsAbstract,
): void {
  if (target === source) return
  const { tape } = data
  const keepsType = !mayReplaceType(tape[target]!, tape[source]!, isAbstract)
  if (!keepsType) tape[target] = tape[source]!
  const slots = place.list
  for (let index = 0; index < slots.length; index++) {
    const slot = slots[index]!
    const from = data.slotAt(source, slot.index)
    const first = data.tape[from]!
    if (first === absent) continue
    const to = data.ownSlot(target, slot.index)
    if (keepsType && slot.key === '__typename' && !isEmpty(data.tape[to]!)) continue
    mergeSlot(data, slot.below, to, from, isAbstract)
  }
}

function mayReplaceType(existing: number, type: number, isAbstract: IsAbstract): boolean {
  return type !== noType && (existing === noType || isAbstract(existing))
}

/**
 * Merges the value of a slot into that of another one of the same field.
 *
 * @param below the place of the field's objects, if it has some
 */
export function mergeSlot(
  data: FetchedData,
  below: Place | undefined,
  to: number,
  from: number,
  isAbstract: IsAbstract,
): void {
  const { tape } = data
  if (isEmpty(tape[to]!)) return setSlot(tape, to, from)
  if (tape[from] === isNull) return
  const target = tape[to + 1]!
  const source = tape[from + 1]!
  if (below && tape[to] === isRecord && tape[from] === isRecord) {
    return mergeRecord(data, below, target, source, isAbstract)
  }
  const areLists = tape[to] === isList && tape[from] === isList && tape[target] === tape[source]
  if (!areLists || target === source) return setSlot(tape, to, from)
  const length = tape[target]!
  for (let index = 0; index < length; index++) {
    mergeSlot(data, below, target + 1 + 2 * index, source + 1 + 2 * index, isAbstract)
  }
}

function isEmpty(first: number): boolean {
  return first === absent || first === isNull
}

function setSlot(tape: Int32Array, to: number, from: number): void {
  tape[to] = tape[from]!
  tape[to + 1] = tape[from + 1]!
}

/** Returns a record like this one that shares no record or list with it. */
export function copyRecord(data: FetchedData, place: Place, record: number): number {
  const copy = data.newRecord(place)
  data.tape[copy] = data.tape[record]!
  for (const { index, below } of place.slots.values()) {
    const from = data.slotAt(record, index)
    if (data.tape[from] !== absent) copySlot(data, below, data.ownSlot(copy, index), from)
  }
  return copy
}

function copySlot(data: FetchedData, below: Place | undefined, to: number, from: number): void {
  const first = data.tape[from]!
  const second = data.tape[from + 1]!
  let copied = second
  if (first === isRecord) copied = copyRecord(data, below!, second)
  if (first === isList) {
    const length = data.tape[second]!
    copied = data.newList(length)
    for (let index = 0; index < length; index++) {
      copySlot(data, below, copied + 1 + 2 * index, second + 1 + 2 * index)
    }
  }
  data.tape[to] = first
  data.tape[to + 1] = copied
}
