/**
 * Equal entities at one place of the data become one record, such as the author of a hundred comments. What
 * is fetched for it is then added once, and its text is written once.
 */
import { absent, isNull } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import type { Place } from './places.ts'
import { areSameBytes } from '../values/word.ts'

/** Returns whether two records of a place have the same type and the same values. */
export function areEqual(data: FetchedData, place: Place, one: number, other: number): boolean {
  const { tape } = data
  if (tape[one] !== tape[other]) return false
  for (const { index } of place.list) {
    if (!areEqualSlots(data, data.slotAt(one, index), data.slotAt(other, index))) return false
  }
  return true
}

function areEqualSlots(data: FetchedData, one: number, other: number): boolean {
  const { tape } = data
  const first = tape[one]!
  if (first === absent || first === isNull) return tape[other] === first
  if (first < 0) return tape[other] === first && tape[other + 1] === tape[one + 1]
  const from = tape[other]!
  const length = tape[one + 1]! - first
  if (from < 0 || tape[other + 1]! - from !== length) return false
  data.locate(first)
  const { view, start } = data
  data.locate(from)
  return areSameBytes(view, first - start, length, data.view, from - data.start)
}
