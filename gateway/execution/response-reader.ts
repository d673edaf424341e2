/**
 * Reads the bytes of a subgraph's response into records, and checks leaves against the types of their
 * fields. What null means is decided when the response is written.
 *
 * Fields are expected in the order of the selection, without white space: then a name costs one
 * comparison of bytes. Any other order, unknown members and white space are right as well, but slower.
 */
import type { Accepts, Scan } from './accepted-text.ts'
import { irregular, isList, isNull, isRecord, noType, unknownType } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import {
  afterName,
  closeBrace,
  closeBracket,
  comma,
  malformed,
  nullWord,
  openBrace,
  openBracket,
  quote,
  skipSpace,
  stringEnd,
  valueEnd,
} from '../values/json-bytes.ts'
import { mergeSlot } from './merge-records.ts'
import { deepestNesting } from './nesting.ts'
import type { Place } from './places.ts'
import { SlotStack } from './slot-stack.ts'
import type { TypeNames } from './type-names.ts'
import type { Word } from '../values/word.ts'

/** How a value is read. */
export interface ReadValue {
  /** Accepts what stays text; undefined for objects that become records. */
  readonly accepts: Accepts | undefined
  /** For objects: what becomes of those that do not stay text. */
  readonly object?: ReadObject | undefined
  /** For a list of leaves: its elements. */
  readonly element?: ReadValue | undefined
  /** Returns whether a leaf is valid although it is not accepted as it is written. */
  readonly isRewritable?: ((text: string) => boolean) | undefined
}

/** A field that a fetch brings. */
export interface ReadField extends ReadValue {
  readonly key: string
  /** The response key in quotes, and the colon. */
  readonly name: Word
  /** The index of its slot. */
  readonly slot: number
  /** Whether another field of the object has the same slot: the planner gave one or both an alias. */
  readonly isMerged?: boolean
}

/** The objects that a fetch brings for one place. */
export interface ReadObject {
  readonly place: Place
  readonly fields: readonly ReadField[]
  /** By response key: the index of the field. */
  readonly indexes: ReadonlyMap<unknown, number>
  /** The index of the type of the last object: most objects of a place have the same. */
  lastType: number
}

/** Returns how objects with these fields are read. */
export function objectToRead(place: Place, fields: readonly ReadField[]): ReadObject {
  return {
    place,
    fields,
    indexes: new Map(fields.map(({ key }, index) => [key, index])),
    lastType: 0,
  }
}

/** The slots of the lists that are being read: one response is read at a time. */
const elements = new SlotStack()

/** Both names of a type are from one response: none is better. */
const isNeverAbstract = () => false

/** How many fields a name is compared with, before it is looked up. */
const mostCompared = 16

/** Reads one response. */
export class ResponseReader implements Scan {
  readonly bytes: Uint8Array
  readonly view: DataView
  at = 0
  readonly #data: FetchedData
  readonly #types: TypeNames
  /** The address of the first byte. */
  readonly #start: number
  /** The second integer of the slot that was read last. */
  #second = 0

  constructor(data: FetchedData, bytes: Uint8Array, types: TypeNames) {
    this.#data = data
    this.bytes = bytes
    this.#types = types
    this.#start = data.addBytes(bytes)
    this.view = data.view
  }

  /** Reads an object whose opening brace is at the position; returns its record. */
  readObject(object: ReadObject): number {
    elements.clear()
    return this.#object(object, 0)
  }

  #object(object: ReadObject, depth: number): number {
    const { place, fields } = object
    const { bytes } = this
    const record = this.#data.newRecord(place)
    this.at++
    if (bytes[this.at]! <= 0x20) this.at = skipSpace(bytes, this.at)
    if (bytes[this.at] === closeBrace) {
      this.at++
      return record
    }
    let expected = 0
    for (;;) {
      const index = this.#fieldAt(object, expected)
      if (index < 0) this.at = valueEnd(bytes, this.at)
      else {
        const field = fields[index]!
        expected = index + 1
        const start = this.at
        const first = this.#read(field, depth)
        const slot = this.#data.ownSlot(record, field.slot)
        const { tape } = this.#data
        if (field.isMerged) this.#merge(field, slot, first)
        else {
          tape[slot] = first
          tape[slot + 1] = this.#second
        }
        if (field.key === '__typename') this.#setType(object, record, start)
      }
      let { at } = this
      let byte = bytes[at]
      if (byte! <= 0x20) byte = bytes[(at = skipSpace(bytes, at))]
      this.at = at + 1
      if (byte === closeBrace) return record
      if (byte !== comma) malformed()
      if (bytes[this.at]! <= 0x20) this.at = skipSpace(bytes, this.at)
    }
  }

  /** Adds a value to what another field has brought for the slot. */
  #merge({ object }: ReadField, slot: number, first: number): void {
    const data = this.#data
    const from = data.newList(1) + 1
    data.tape[from] = first
    data.tape[from + 1] = this.#second
    mergeSlot(data, object?.place, slot, from, isNeverAbstract)
  }

  /** Moves the position from a name to its value; returns the index of the field, -1 if there is none. */
  #fieldAt({ fields, indexes }: ReadObject, expected: number): number {
    const { bytes, view, at } = this
    const last = Math.min(expected + mostCompared, fields.length)
    for (let index = expected; index < last; index++) {
      const end = fields[index]!.name.endIn(view, at)
      if (end < 0) continue
      this.at = bytes[end]! <= 0x20 ? skipSpace(bytes, end) : end
      return index
    }
    return this.#fieldNamed(indexes)
  }

  /** Fields may be in any order; a name may have escapes, and white space before the colon. */
  #fieldNamed(indexes: ReadonlyMap<unknown, number>): number {
    const { bytes, at } = this
    if (bytes[at] !== quote) malformed()
    const end = stringEnd(bytes, at)
    const text = Buffer.prototype.utf8Slice.call(bytes, at, end)
    this.at = afterName(bytes, at)
    return indexes.get(text.includes('\\') ? JSON.parse(text) : text.slice(1, -1)) ?? -1
  }

  #setType(object: ReadObject, record: number, start: number): void {
    const { bytes } = this
    const { tape } = this.#data
    if (bytes[start] === quote) {
      tape[record] = object.lastType = this.#types.indexOfText(this, start, object.lastType)
    } else tape[record] = bytes[start] === 0x6e ? noType : unknownType
  }

  /** Reads a value; returns the first integer of its slot. */
  #read(value: ReadValue, depth: number): number {
    const start = this.at
    if (value.accepts !== undefined) {
      if (value.accepts(this)) {
        this.#second = this.#start + this.at
        return this.#start + start
      }
      this.at = start
    }
    return this.#readOther(value, depth)
  }

  /** Reads what does not stay text. */
  #readOther(value: ReadValue, depth: number): number {
    const { bytes, at } = this
    const byte = bytes[at]
    if (byte === openBrace && value.object && depth < deepestNesting) {
      this.#second = this.#object(value.object, depth + 1)
      return isRecord
    }
    if (byte === openBracket && (value.object ?? value.element) && depth < deepestNesting) {
      this.#second = this.#list(value, depth + 1)
      return isList
    }
    if (byte === 0x6e && nullWord.endIn(this.view, at) > 0) {
      this.at = at + nullWord.length
      return isNull
    }
    this.at = valueEnd(bytes, at)
    const end = this.#start + this.at
    const text = value.isRewritable && Buffer.prototype.latin1Slice.call(bytes, at, this.at)
    this.#second = text && value.isRewritable!(text) ? irregular - end : end
    return irregular - (this.#start + at)
  }

  /** Objects may be in lists of lists, whatever the type says: the writer finds the difference. */
  #list(value: ReadValue, depth: number): number {
    const { bytes } = this
    const { element } = value
    const from = elements.length
    this.at++
    if (bytes[this.at]! <= 0x20) this.at = skipSpace(bytes, this.at)
    if (bytes[this.at] === closeBracket) this.at++
    else {
      for (;;) {
        const first = element ? this.#read(element, depth) : this.#readOther(value, depth)
        elements.push(first, this.#second)
        let { at } = this
        let byte = bytes[at]
        if (byte! <= 0x20) byte = bytes[(at = skipSpace(bytes, at))]
        this.at = at + 1
        if (byte === closeBracket) break
        if (byte !== comma) malformed()
        if (bytes[this.at]! <= 0x20) this.at = skipSpace(bytes, this.at)
      }
    }
    const list = this.#data.newList((elements.length - from) / 2)
    elements.moveTo(this.#data.tape, list + 1, from)
    return list
  }
}
