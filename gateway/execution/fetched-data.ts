/**
 * The data that subgraphs have sent for one request, as positions in the bytes that arrived.
 *
 * The tape is a list of integers, and the first of them are slots that are always empty. A record on it
 * stands for an object of the response: the index of its type, then a slot of two integers for each field
 * of its place (see places.ts and slot-index.ts). A list is its length, then a slot for each element. The
 * first integer of a slot says what it is, see below.
 */
import { GatewayError } from '../errors.ts'
import { giveTapeBack, takeTape } from './free-tapes.ts'
import type { Place } from './places.ts'
import { dropBytes, holdBytes } from '../values/response-buffers.ts'
import { viewOf } from '../values/word.ts'
import { blockOf, firstBlock, lengthOfBlock, offsetInBlock } from './slot-index.ts'

/** Where a slot is that is always empty: the value of a field that is not fetched. */
export const emptySlot = 0

/** The field has not been fetched. */
export const absent = -1
export const isNull = -2
/** The second integer is the place of the record on the tape. */
export const isRecord = -3
/** The second integer is the place of the list on the tape. */
export const isList = -4
/**
 * A slot of a text has the addresses of its first byte and of the byte after it, both at least 0. The first
 * is `irregular - address` when the text does not belong to the type of the field, and both are when it
 * belongs to the type but is written differently in a response, such as `1.0` for an Int.
 */
export const irregular = -16

/** The type of an object without `__typename`. */
export const noType = -2
/** The type of an object whose `__typename` is no type of the schema. */
export const unknownType = -1

/** How much may be fetched for one request. */
export interface DataLimits {
  /** Of all responses. */
  readonly bytes: number
  /** The length of the tape, in integers. */
  readonly tape: number
}

/**
 * The address of an irregular text is still an integer of 32 bits, and the tape has at most 1 GB. A small
 * object takes as much as all fields of its place.
 */
const largest: DataLimits = { bytes: 2 ** 31 + irregular, tape: 2 ** 28 }

function tooMuch(why: string): GatewayError {
  return new GatewayError('SUBGRAPH_RESPONSE_INVALID', { cause: new Error(why) })
}

/** Where the text of a record is in the output, and of which fields it is; no fields: it is not written yet. */
export interface WrittenText {
  fields: unknown
  from: number
  to: number
  /** That of the output then: after another state, there may be something else. */
  state: number
}

/** All that was fetched for one request. */
export class FetchedData {
  tape = takeTape(0)
  #top = lengthOfBlock
  /** The records that are at several positions of the response. */
  readonly shared = new Map<number, WrittenText>()
  readonly #texts: Uint8Array[] = []
  readonly #views: DataView[] = []
  /** The address of the first byte of each text, and of the byte after the last one. */
  readonly #starts: number[] = [0]
  /** The text that was used last, and its addresses. */
  bytes: Uint8Array = nothing
  view = noView
  start = 0
  limit = 0

  readonly #limits: DataLimits

  /** @param limits to exceed them is a fault of the subgraph: a GatewayError */
  constructor(limits = largest) {
    this.#limits = limits
    this.tape.fill(absent, 0, lengthOfBlock)
  }

  /** Adds bytes, which are those used last then; returns the address of the first. */
  addBytes(bytes: Uint8Array): number {
    const start = this.#starts.at(-1)!
    if (start + bytes.length > this.#limits.bytes) {
      throw tooMuch('the responses to one request are too large together')
    }
    holdBytes(bytes)
    this.#texts.push(bytes)
    this.#views.push(viewOf(bytes))
    this.#starts.push(start + bytes.length)
    this.#use(this.#texts.length - 1)
    return start
  }

  /** Makes `bytes` those that have the address; the address minus `start` is the position in them. */
  locate(address: number): void {
    if (address >= this.start && address < this.limit) return
    const starts = this.#starts
    let index = starts.length - 2
    while (starts[index]! > address) index--
    this.#use(index)
  }

  #use(index: number): void {
    this.bytes = this.#texts[index]!
    this.view = this.#views[index]!
    this.start = this.#starts[index]!
    this.limit = this.#starts[index + 1]!
  }

  /** Returns a new record without any field. */
  newRecord({ length }: Place): number {
    const record = this.#reserve(length)
    const { tape } = this
    const end = record + Math.min(length, firstBlock)
    tape[record] = noType
    for (let index = record + 1; index < end; index += 2) tape[index] = absent
    if (length > firstBlock) tape.fill(emptySlot, end, record + length)
    return record
  }

  /** Returns the slot of a record for an index; an empty one that is not the record's if it has none yet. */
  slotAt(record: number, index: number): number {
    if (index >= 0) return record + index
    return this.tape[record + blockOf(index)]! + offsetInBlock(index)
  }

  /** Returns the slot of a record for an index, to be written to. */
  ownSlot(record: number, index: number): number {
    if (index >= 0) return record + index
    const at = record + blockOf(index)
    if (this.tape[at] === emptySlot) {
      const block = this.#reserve(lengthOfBlock)
      this.tape.fill(absent, block, block + lengthOfBlock)
      this.tape[at] = block
    }
    return this.tape[at]! + offsetInBlock(index)
  }

  /** Returns a new list of so many slots, which are to be written to. */
  newList(length: number): number {
    const list = this.#reserve(1 + 2 * length)
    this.tape[list] = length
    return list
  }

  #reserve(length: number): number {
    const at = this.#top
    const top = at + length
    if (top > this.tape.length) {
      if (top > this.#limits.tape) throw tooMuch('too many objects for one request')
      const longer = takeTape(top)
      longer.set(this.tape)
      giveTapeBack(this.tape)
      this.tape = longer
    }
    this.#top = top
    return at
  }

  /** Returns the text of a slot, which is JSON; undefined for a record, a list, null, and nothing. */
  textAt(slot: number): string | undefined {
    const first = this.tape[slot]!
    if (first < 0 && first > irregular) return undefined
    const from = first < 0 ? irregular - first : first
    const second = this.tape[slot + 1]!
    const to = second < 0 ? irregular - second : second
    this.locate(from)
    return Buffer.prototype.utf8Slice.call(this.bytes, from - this.start, to - this.start)
  }

  /** Gives the tape and the bytes back, to be used for another request. */
  release(): void {
    giveTapeBack(this.tape)
    this.tape = noTape
    for (const text of this.#texts) dropBytes(text)
    this.#texts.length = 0
  }
}

const nothing = new Uint8Array(0)
const noView = viewOf(nothing)
const noTape = new Int32Array(0)
