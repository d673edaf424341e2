/**
 * Requests that no honest client sends: each has a 4xx with a sentence, or the response that GraphQL
 * lays down. None of them is a fault of ours: no 5xx, and no line in the log above `info`.
 */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { openFrontDoor } from '../support/front-door.ts'
import type { FrontDoor } from '../support/front-door.ts'

const sdl = /* GraphQL */ `
  scalar Json
  enum Colour {
    RED
    BLUE
  }
  input Search {
    text: String
    colour: Colour
    and: [Search!]
    not: Search
  }
  type Query {
    name: String
    self: Query
    json(value: Json): Json
    search(by: Search, lists: [[Int]], colour: Colour): String
  }
`
const resolvers = {
  Query: {
    name: () => 'root',
    self: () => ({}),
    json: (_: unknown, { value }: { value: unknown }) => JSON.stringify(value ?? null).length,
    search: () => 'found',
  },
}

const gateways = { native: '', apollo: 'engine: apollo' }
const engines = Object.keys(gateways)
let door: FrontDoor

beforeAll(async () => {
  door = await openFrontDoor({ sdl, resolvers, gateways })
})

afterEach(() => {
  for (const engine of engines) expect(door.complaints(engine)).toEqual([])
})

afterAll(() => door?.close())

/** Returns a text with others nested around it. */
const nested = (levels: number, before: string, after: string, inner = '') =>
  before.repeat(levels) + inner + after.repeat(levels)

test.each(engines)('lists nested in a literal do not take exponential time: %s', async (engine) => {
  const json = await door.post(engine, { query: `{ json(value: ${nested(100, '[', ']')}) }` })
  expect(json.body).toEqual({ data: { json: 200 } })
  const by = nested(30, '{ and: [', '] }', '{ text: "x" }')
  const search = await door.post(engine, { query: `{ search(by: ${by}) }` })
  expect(search.body).toEqual({ data: { search: 'found' } })
})
