/** Leaves, which are most of a response. The reader has checked them against the types of their fields. */
import type { GraphQLLeafType } from 'graphql'
import { isMissing } from './completion.ts'
import type { Completion } from './completion.ts'
import { irregular } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import { depthOf, nullWord } from '../values/json-bytes.ts'
import { deepestNesting } from './nesting.ts'

/** Returns the completion of a leaf type. */
export function leaf(type: GraphQLLeafType, place: string, isNonNull: boolean): Completion {
  return {
    write(slot, writing) {
      const { data, output } = writing
      const first = data.tape[slot]!
      if (first >= 0) {
        output.writeFetched(first, data.tape[slot + 1]!)
        return true
      }
      if (isRewritten(data, slot)) {
        output.writeText(rewritten(type, data.textAt(slot)!))
        return true
      }
      if (isNonNull || !isMissing(data, slot)) writing.hasErrors = true
      if (!isNonNull) output.write(nullWord)
      return !isNonNull
    },
    report(slot, path, found) {
      const { data } = found
      if (isMissing(data, slot) ? !isNonNull : isValid(data, slot)) return 'complete'
      const message = isMissing(data, slot)
        ? `Cannot return null for non-nullable ${place}.`
        : coercionErrorMessage(data, slot, place)
      found.add({ message, path })
      return isNonNull ? 'field error' : 'complete'
    },
  }
}

function isValid(data: FetchedData, slot: number): boolean {
  return data.tape[slot]! >= 0 || isRewritten(data, slot)
}

function isRewritten({ tape }: FetchedData, slot: number): boolean {
  return tape[slot]! <= irregular && tape[slot + 1]! <= irregular
}

/** Returns a value as its type demands: an ID as a string, an Int without fraction and exponent, a name without escapes. */
function rewritten({ name }: GraphQLLeafType, text: string): string {
  if (text.startsWith('"')) return JSON.stringify(JSON.parse(text))
  const number = String(Number(text))
  return name === 'ID' ? `"${number}"` : number
}

function coercionErrorMessage(data: FetchedData, slot: number, place: string): string {
  const text = data.textAt(slot)
  if (text === undefined || depthOf(text) <= deepestNesting) {
    return `Invalid value found for ${place}.`
  }
  return `The value found for ${place} is nested deeper than ${deepestNesting} levels.`
}
