/** The bytes of responses are read as JSON.parse reads their text: a fault anywhere is found. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { GraphQLFloat, GraphQLInt, GraphQLScalarType, GraphQLString } from 'graphql'
import { acceptsLeaf, acceptsList, acceptsNull } from '../../gateway/execution/accepted-text.ts'
import { absent, FetchedData } from '../../gateway/execution/fetched-data.ts'
import { MalformedJson, skipSpace, valueEnd } from '../../gateway/values/json-bytes.ts'
import { readEnvelope } from '../../gateway/execution/response-envelope.ts'
import { Place } from '../../gateway/execution/places.ts'
import { TypeNames } from '../../gateway/execution/type-names.ts'
import { viewOf } from '../../gateway/values/word.ts'
import { isObject } from '../../gateway/values/json.ts'
import { faulty, meaningOf, oddJson, oddResponse } from './odd-bytes.ts'
import { randomNumbers } from './random-operation.ts'

const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: false })
const seed = fc.integer()

function isJson(bytes: Uint8Array): boolean {
  try {
    return skipSpace(bytes, valueEnd(bytes, skipSpace(bytes, 0))) === bytes.length
  } catch (cause) {
    if (cause instanceof MalformedJson) return false
    throw cause
  }
}

test('a text is JSON if JSON.parse reads it, however it is written', () => {
  fc.assert(
    fc.property(json, seed, (value, number) => {
      const bytes = Buffer.from(oddJson(value, randomNumbers(number)))
      expect(meaningOf(bytes)).toBeDefined()
      expect(isJson(bytes)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('a text with a fault is JSON only if JSON.parse still reads it', () => {
  fc.assert(
    fc.property(json, seed, (value, number) => {
      const random = randomNumbers(number)
      const bytes = faulty(Buffer.from(oddJson(value, random)), random)
      // Whether it is UTF-8 is asked of the complete response, not here.
      if (bytes.toString().includes('\ufffd') || bytes.toString().startsWith('\ufeff')) return
      expect(isJson(bytes)).toBe(meaningOf(bytes) !== undefined)
    }),
    { numRuns: 500 },
  )
})

const envelopeOf = (bytes: Uint8Array) => {
  let data: unknown
  const envelope = readEnvelope(bytes, (all, at) => {
    const end = valueEnd(all, at)
    data = JSON.parse(Buffer.from(all.subarray(at, end)).toString())
    return end
  })
  return envelope && { ...envelope, data: envelope.data === 'object' ? data : envelope.data }
}

test('a response is read as JSON.parse does, and one with a fault is none', () => {
  fc.assert(
    fc.property(fc.record({ data: json, errors: json }), seed, (response, number) => {
      const random = randomNumbers(number)
      const whole = oddResponse(response, random)
      for (const bytes of [whole, faulty(whole, random), faulty(whole, random)]) {
        const value = meaningOf(bytes)?.value
        if (!isObject(value)) {
          expect(envelopeOf(bytes)).toBeUndefined()
          continue
        }
        const { data, errors } = value
        const expected = isObject(data) ? data : data === null ? 'null' : 'none'
        expect(envelopeOf(bytes)).toEqual({ data: expected, errors })
      }
    }),
    { numRuns: 500 },
  )
})

test.each(['{data":{}}', '{data:{}}', '{"a":1,data":{}}', "{'data':{}}"])(
  '%s is no response: a name has quotes',
  (text) => expect(envelopeOf(Buffer.from(text))).toBeUndefined(),
)

test('the name of a type may have escapes', () => {
  const types = new TypeNames(['Book', 'Author'])
  const text = Buffer.from('"\\u0041uthor"')
  const scan = { bytes: text, view: viewOf(text), at: text.length }
  expect(types.indexOfText(scan, 0)).toBe(1)
})

const any = new GraphQLScalarType({ name: 'Any' })
const isInt = (value: unknown) => typeof value === 'number' && value === (value | 0)
const lists = [
  { type: GraphQLInt, isValid: isInt },
  { type: GraphQLFloat, isValid: (value: unknown) => Number.isFinite(value) },
  { type: GraphQLString, isValid: (value: unknown) => typeof value === 'string' },
  { type: any, isValid: () => true },
]

test('a list that stays text has only values of its type', () => {
  fc.assert(
    fc.property(fc.array(json), seed, fc.constantFrom(...lists), (values, number, kind) => {
      const random = randomNumbers(number)
      const bytes = Buffer.from(oddJson(values, random))
      const scan = { bytes, view: viewOf(bytes), at: 0 }
      if (!acceptsList(acceptsNull(acceptsLeaf(kind.type)))(scan)) return
      expect(scan.at).toBe(bytes.length)
      expect(values.every((value) => value === null || kind.isValid(value))).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('more objects than there is room for are a fault of the subgraph', () => {
  const data = new FetchedData()
  const place = { length: 2 ** 28 } as Place
  expect(() => data.newRecord(place)).toThrow(
    expect.objectContaining({ reason: 'SUBGRAPH_RESPONSE_INVALID' }),
  )
  data.release()
})

test('a place with hundreds of fields has room for those that an object has', () => {
  const place = new Place()
  const slots = Array.from({ length: 500 }, (_, index) => place.slot(`field${index}`))
  const data = new FetchedData()
  const records = Array.from({ length: 10_000 }, (_, index) => {
    const record = data.newRecord(place)
    const own = data.ownSlot(record, slots[index % 500]!.index)
    data.tape[own] = index
    return record
  })
  const isRight = records.every((record, index) =>
    slots.every((slot, field) => {
      const found = data.tape[data.slotAt(record, slot.index)]
      return found === (field === index % 500 ? index : absent)
    }),
  )
  expect(isRight).toBe(true)
  expect(data.tape.length).toBeLessThan(10_000 * 500)
  data.release()
})

test.each([0, 1, 24, 25, 40, 41, 500])('%d fields have slots of their own', (count) => {
  const place = new Place()
  const data = new FetchedData()
  const slots = Array.from({ length: count }, (_, index) => place.slot(`field${index}`))
  const record = data.newRecord(place)
  slots.forEach(({ index }, value) => {
    const own = data.ownSlot(record, index)
    data.tape[own] = value
    data.tape[own + 1] = -value
  })
  const read = slots.map(({ index }) => data.slotAt(record, index))
  expect(read.map((at) => data.tape[at])).toEqual(slots.map((_, value) => value))
  expect(new Set(read).size).toBe(count)
  expect(data.newRecord(place)).toBeGreaterThan(Math.max(record, ...read))
  data.release()
})
