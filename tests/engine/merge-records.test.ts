/** Records are merged on a tape that becomes another, longer one when there is no more room. */
import { expect, test } from '@jest/globals'
import { FetchedData, isList, isNull, isRecord } from '../../gateway/execution/fetched-data.ts'
import { mergeRecord } from '../../gateway/execution/merge-records.ts'
import { Place } from '../../gateway/execution/places.ts'

const place = new Place()
const below = place.below('list')
for (let field = 0; field < 40; field++) below.slot(`f${field}`)

test('what is merged into a list is there, wherever the tape becomes longer', () => {
  for (let length = 0; length < 1_200; length += 8) {
    const data = new FetchedData()
    data.newList(length / 2)
    const target = recordWithList(data, [recordOf(data, 'f0', 7), undefined])
    const source = recordWithList(data, [recordOf(data, 'f39', 8), recordOf(data, 'f39', 9)])
    mergeRecord(data, place, target, source, () => false)
    const [first, second] = listOf(data, target)
    expect([length, valueOf(data, first!, 'f0'), valueOf(data, first!, 'f39')]).toEqual([
      length,
      7,
      8,
    ])
    expect([length, valueOf(data, second!, 'f39')]).toEqual([length, 9])
    data.release()
  }
})

function recordOf(data: FetchedData, key: string, value: number): number {
  const record = data.newRecord(below)
  const slot = data.ownSlot(record, below.slot(key).index)
  data.tape[slot] = data.tape[slot + 1] = value
  return record
}

function recordWithList(data: FetchedData, records: readonly (number | undefined)[]): number {
  const elements = records.flatMap((one) => (one === undefined ? [isNull, 0] : [isRecord, one]))
  const list = data.newList(records.length)
  data.tape.set(elements, list + 1)
  const record = data.newRecord(place)
  const slot = data.ownSlot(record, place.slot('list').index)
  data.tape[slot] = isList
  data.tape[slot + 1] = list
  return record
}

/** Returns the records of the list of a record. */
function listOf(data: FetchedData, record: number): number[] {
  const list = data.tape[data.slotAt(record, place.slot('list').index) + 1]!
  return Array.from({ length: data.tape[list]! }, (_, index) => data.tape[list + 2 + 2 * index]!)
}

function valueOf(data: FetchedData, record: number, key: string): number {
  return data.tape[data.slotAt(record, below.slot(key).index)]!
}
