/** The fields of an object that is a record: written, and searched for errors. */
import type { Completion, Findings, Outcome, Writing } from './completion.ts'
import { emptySlot } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import { closeBrace } from '../values/json-bytes.ts'
import { Word } from '../values/word.ts'

/** The completion of one field. */
export interface FieldCompletion extends Completion {
  /** The comma or brace before the field, its response name, and the colon. */
  readonly prefix: Word
  /** Where its slot is in a record; undefined if it is not fetched. */
  readonly slot: number | undefined
  /** Whether what was fetched is written as it came if it belongs to the type of the field. */
  readonly isCopied: boolean
  /** Whether it has the response name in the fetched data. */
  readonly keepsName: boolean
  readonly responseName: string
}

const noFields = new Word('{}')

/**
 * Writes an object and returns true; false is a null where none may be.
 *
 * Fields that a subgraph has sent one after the other, and that are written so, are copied together: if only
 * as many bytes are between two values as the name of the second one has with its comma and colon, nothing
 * else can be there.
 */
export function writeFields(
  record: number,
  fields: readonly FieldCompletion[],
  writing: Writing,
): boolean {
  const { data, output } = writing
  const { tape } = data
  if (fields.length === 0) {
    output.write(noFields)
    return true
  }
  let from = none
  let to = none
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]!
    const slot = slotOf(data, record, field)
    const first = tape[slot]!
    if (first >= 0 && field.isCopied) {
      const isNext =
        from !== none && first - field.prefix.length === to && field.keepsName && first < data.limit
      if (!isNext) {
        if (from !== none) output.writeFetched(from, to)
        output.write(field.prefix)
        data.locate(first)
        from = first
      }
      to = tape[slot + 1]!
      continue
    }
    if (from !== none) output.writeFetched(from, to)
    from = to = none
    output.write(field.prefix)
    if (!field.write(slot, writing)) return false
  }
  if (from !== none) output.writeFetched(from, to)
  output.writeByte(closeBrace)
  return true
}

const none = -1

function slotOf(data: FetchedData, record: number, { slot }: FieldCompletion): number {
  return slot === undefined ? emptySlot : data.slotAt(record, slot)
}

/**
 * Reports the errors and the denied fields of an object. Denied fields inside an object that is null because
 * of a field error are not reported.
 */
export function reportFields(
  record: number,
  fields: readonly FieldCompletion[],
  path: readonly (string | number)[],
  found: Findings,
): Outcome {
  const deniedBefore = found.deniedCount
  let outcome: Outcome = 'complete'
  for (const field of fields) {
    const slot = slotOf(found.data, record, field)
    const ofField = field.report(slot, [...path, field.responseName], found)
    if (ofField === 'field error') {
      found.keepDenied(deniedBefore)
      return ofField
    }
    if (ofField === 'denied') outcome = ofField
  }
  return outcome
}
