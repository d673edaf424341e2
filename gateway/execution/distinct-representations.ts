/** The representations of one fetch: equal ones are sent once. */
import type { EntitiesOfFetch } from './entity-places.ts'
import type { FetchedData, WrittenText } from './fetched-data.ts'
import { closeBracket, comma, openBracket } from '../values/json-bytes.ts'
import type { FetchStep } from './plan-steps.ts'
import type { Place } from './places.ts'
import { ResponseOutput } from './response-output.ts'
import { areEqual } from './share-records.ts'
import { remembered } from '../values/remembered.ts'
import { areSameBytes, hashOf } from '../values/word.ts'

/** The distinct representations of one fetch. */
export interface DistinctRepresentations {
  /** The JSON text of their list. */
  readonly text: string
  readonly count: number
  /** The records of the entities. */
  readonly entities: readonly number[]
  /** By entity: the index of its representation; -1 if it cannot be represented. */
  readonly indexes: readonly number[]
  /** The entities that are not represented because some of their data has failed to arrive. */
  readonly incomplete: readonly number[]
}

/**
 * Returns each representation once. Equal entities in the slots become one.
 *
 * @param hasFailed whether data of these entities may have failed to arrive: see `Represent`
 */
export function distinctRepresentations(
  data: FetchedData,
  { represent, placeOfObjects }: FetchStep,
  { records, slots }: EntitiesOfFetch,
  hasFailed: boolean,
): DistinctRepresentations {
  const output = new ResponseOutput(data, true)
  const entities: number[] = []
  const indexes: number[] = []
  const incomplete: number[] = []
  /** By representation: its first entity. */
  const firsts: number[] = []
  const known = new KnownTexts(output, records.length)
  output.writeByte(openBracket)
  for (let entity = 0; entity < records.length; entity++) {
    const record = records[entity]!
    const before = output.position
    if (known.count > 0) output.writeByte(comma)
    const from = output.position
    const index = represent!(data, record, output, hasFailed) ? known.indexOf(from) : -1
    if (hasFailed && index < 0) {
      output.returnTo(from)
      if (represent!(data, record, output, false)) incomplete.push(record)
    }
    if (index === firsts.length) firsts.push(record)
    else output.returnTo(before)
    if (index >= 0 && slots && mayShare(data, placeOfObjects, record, firsts[index]!)) {
      data.tape[slots[entity]! + 1] = firsts[index]!
      continue
    }
    entities.push(record)
    indexes.push(index)
  }
  output.writeByte(closeBracket)
  return { text: output.text(), count: known.count, entities, indexes, incomplete }
}

/** Returns whether the first record may take the place of another one. */
function mayShare(data: FetchedData, place: Place, record: number, first: number): boolean {
  if (record === first || !areEqual(data, place, record, first)) return false
  remembered(data.shared, first, notWritten)
  return true
}

function notWritten(): WrittenText {
  return { fields: undefined, from: 0, to: 0, state: 0 }
}

/** Tables up to this length are used again. */
const longestTable = 1 << 16
let scratch = new Int32Array(0)

/** Only one list of representations is written at a time. */
function emptyTable(length: number): Int32Array {
  if (length > longestTable) return new Int32Array(length)
  if (length > scratch.length) scratch = new Int32Array(length)
  else scratch.fill(0, 0, length)
  return scratch.subarray(0, length)
}

/** Up to so many texts are compared one by one. */
const few = 8

/**
 * The texts in an output, found again by what is in them: of many, by an open-addressed hash table. A subgraph
 * that wants collisions slows itself down.
 */
class KnownTexts {
  count = 0
  readonly #output: ResponseOutput
  /** By hash: the index of a text plus one; 0 for none. */
  readonly #table: Int32Array | undefined
  /** By index: where the text begins, and where it ends. */
  readonly #ranges: number[] = []

  constructor(output: ResponseOutput, most: number) {
    this.#output = output
    if (most > few) this.#table = emptyTable(2 ** Math.ceil(Math.log2(2 * most)))
  }

  /** Returns the index of the text from a position to the end of the output; a new one is added. */
  indexOf(from: number): number {
    const table = this.#table
    const found = table ? this.#find(table, from) : this.#compareAll(from)
    if (found === this.count) {
      this.#ranges.push(from, this.#output.position)
      this.count++
    }
    return found
  }

  #compareAll(from: number): number {
    let index = 0
    while (index < this.count && !this.#isEqual(index, from)) index++
    return index
  }

  #find(table: Int32Array, from: number): number {
    const { view, position } = this.#output
    const mask = table.length - 1
    let place = hashOf(view, from, position) & mask
    while (table[place]! > 0) {
      const index = table[place]! - 1
      if (this.#isEqual(index, from)) return index
      place = (place + 1) & mask
    }
    table[place] = this.count + 1
    return this.count
  }

  #isEqual(index: number, from: number): boolean {
    const { view, position } = this.#output
    const start = this.#ranges[2 * index]!
    const length = position - from
    if (this.#ranges[2 * index + 1]! - start !== length) return false
    return areSameBytes(view, start, length, view, from)
  }
}
