/**
 * Requests that no honest client sends: each has a 4xx with a sentence, or the response that GraphQL
 * lays down. None of them is a fault of ours: no 5xx, and no line in the log above `info`.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { IncomingMessage } from 'node:http'
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

const gateways = {
  native: '',
  apollo: 'engine: apollo',
  'small bodies': 'http: { body_limit: 5KB }',
}
const engines = ['native', 'apollo']
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

/** The part of Node that reads headers for `headersDistinct`. */
interface AddsHeaderLines {
  _addHeaderLineDistinct(name: string, value: string, lines: object): void
}

test.each(['__proto__', 'Constructor'])(
  'a header that is called %s ends no process, which Node up to 20.20.1 would',
  async (header) => {
    const prototype = IncomingMessage.prototype as unknown as AddsHeaderLines
    const ofNode = prototype._addHeaderLineDistinct
    prototype._addHeaderLineDistinct = function (name, value, lines) {
      if (name === header) throw new TypeError('dest[field].push is not a function')
      ofNode.call(this, name, value, lines)
    }
    try {
      for (const more of [{}, { origin: 'https://app.example.com' }]) {
        const headers = { [header]: '1', ...more }
        const { body } = await door.post('native', { query: '{ name }' }, headers)
        expect(body).toEqual({ data: { name: 'root' } })
      }
    } finally {
      prototype._addHeaderLineDistinct = ofNode
    }
  },
)

type Case = readonly [name: string, body: unknown, status: number, code: string, message: RegExp]

const validation = 'GRAPHQL_VALIDATION_FAILED'
const resolution = 'OPERATION_RESOLUTION_FAILURE'
const byVariable = (type: string, value: string, field = 'json(value: $x)') =>
  `{"query":"query ($x: ${type}) { ${field} }","variables":{"x":${value}}}`

const refused: readonly Case[] = [
  ['a subscription', { query: 'subscription { x }' }, 400, resolution, /no subscriptions/],
  [
    'a subscription with a condition',
    { query: 'subscription ($s: Boolean!) { name @include(if: $s) }', variables: { s: true } },
    400,
    resolution,
    /no subscriptions/,
  ],
  [
    'a subscription that introspects',
    { query: 'subscription { __typename __schema { queryType { name } } }' },
    400,
    resolution,
    /no subscriptions/,
  ],
  ['a mutation where there is none', { query: 'mutation { x }' }, 400, resolution, /no mutations/],
  [
    'a mutation of __typename where there is none',
    { query: 'mutation { __typename }' },
    400,
    resolution,
    /no mutations/,
  ],
  [
    'one of several operations that is not served',
    { query: 'query A { name } mutation B { x }', operationName: 'B' },
    400,
    resolution,
    /no mutations/,
  ],
  [
    'hundreds of introspections of the complete schema',
    {
      query: `{ ${Array.from({ length: 250 }, (_, n) => `a${n}: __schema { types { fields { name args { name } } } }`).join(' ')} }`,
    },
    400,
    validation,
    /introspects the schema too many times/,
  ],
  [
    'several operations, and no name',
    { query: 'query A { name } query B { name }' },
    400,
    resolution,
    /operationName/,
  ],
  [
    'a name that no operation has',
    { query: 'query A { name } query B { name }', operationName: 'C' },
    400,
    resolution,
    /operationName/,
  ],
  ['no operation', { query: 'fragment F on Query { name }' }, 400, validation, /./],
  ['type definitions', { query: 'type A { b: Int }' }, 400, validation, /executable/],
  ['a comment', { query: '# nothing' }, 400, 'GRAPHQL_PARSE_FAILED', /./],
  ['__typename as an alias', { query: '{ __typename: name }' }, 400, validation, /alias/],
  ['nested, too', { query: '{ self { __typename: name } }' }, 400, validation, /alias/],
  [
    'an infinite Float',
    { query: '{ json(value: 1e999) }' },
    400,
    validation,
    /larger than a Float/,
  ],
  [
    'an infinite number in a variable’s default',
    { query: `query ($x: Json = [-1${'0'.repeat(400)}]) { json(value: $x) }` },
    400,
    validation,
    /larger than a Float/,
  ],
  [
    'a fragment that contains itself',
    { query: '{ ...F } fragment F on Query { ...F }' },
    400,
    validation,
    /./,
  ],
  [
    '@defer on a field',
    { query: '{ name @defer }' },
    400,
    validation,
    /^Directive "@defer" may not be used on FIELD\.$/,
  ],
  [
    '@defer with another argument',
    { query: '{ ... @defer(after: 1) { name } }' },
    400,
    validation,
    /^Unknown argument "after" on directive "@defer"\.$/,
  ],
  [
    '@defer with a condition that is no Boolean',
    { query: 'query ($x: String!) { ... @defer(if: $x) { name } }' },
    400,
    validation,
    /"\$x" of type "String!" used in position expecting type "Boolean!"/,
  ],
  [
    '@stream',
    { query: '{ name @stream(initialCount: 1) }' },
    400,
    validation,
    /^The directive @stream is not supported: select the list without it$/,
  ],
  [
    'an operation deeper than the limit',
    { query: nested(201, '{ self ', '}', '{ name }') },
    400,
    validation,
    /200/,
  ],
  [
    'an operation too deep to validate',
    { query: nested(900, '{ self ', '}', '{ name }') },
    400,
    'GRAPHQL_PARSE_FAILED',
    /deeper than 200 levels/,
  ],
  [
    'an operation too deep to parse',
    { query: nested(4900, '{', '}', 'name') },
    400,
    'GRAPHQL_PARSE_FAILED',
    /deeper than 200 levels/,
  ],
  ...['Json', 'Search', '[[Int]]', 'Colour'].flatMap((type): Case[] => [
    [
      `a literal nested 4,000 deep, beside ${type}`,
      {
        query: `query ($x: ${type} = ${nested(4000, '[', ']')}) { json(value: ${nested(800, '{a:', '}', '1')}) }`,
      },
      400,
      'GRAPHQL_PARSE_FAILED',
      /value in the document is nested deeper than 200 levels/,
    ],
    [
      `a variable of type ${type} nested 1,500 deep`,
      byVariable(type, nested(1500, '[', ']')),
      400,
      'BAD_USER_INPUT',
      /variables are nested deeper than 200 levels/,
    ],
    [
      `objects of type ${type} nested 1,500 deep`,
      byVariable(type, nested(1500, '{"and":[', ']}')),
      400,
      'BAD_USER_INPUT',
      /variables are nested deeper than 200 levels/,
    ],
    [
      `${type}, nested 9,000 deep`,
      byVariable(type, nested(9_000, '{"not":', '}', '{}')),
      400,
      'BAD_USER_INPUT',
      /variables are nested deeper than 200 levels/,
    ],
  ]),
  [
    'an undeclared variable, nested deeply',
    `{"query":"{ name }","variables":{"x":${nested(1500, '[', ']')}}}`,
    400,
    'BAD_USER_INPUT',
    /deeper than 200 levels/,
  ],
  ...[
    'query ($x: Boolean = true) { name @skip(if: $x) }',
    'query ($x: Boolean = true) { name self { name @include(if: $x) } }',
    'query ($x: Boolean = true) { name ... @include(if: $x) { name } }',
    'query ($x: Boolean = true) { __schema { types @skip(if: $x) { name } } }',
    'query ($x: String = "Query") { name __type(name: $x) { name } }',
  ].map((query): Case => [
    `null where none may be: ${query}`,
    { query, variables: { x: null } },
    400,
    'BAD_USER_INPUT',
    /must not be null/,
  ]),
  [
    'extensions nested 5,000 deep',
    `{"query":"{ name }","extensions":{"x":${nested(5000, '[', ']')}}}`,
    400,
    'BAD_REQUEST',
    /extensions are nested deeper than 200 levels/,
  ],
  [
    'a type nested 4,000 deep',
    { query: `query ($x: ${nested(4000, '[', ']', 'Int')}) { json(value: $x) }` },
    400,
    'GRAPHQL_PARSE_FAILED',
    /deeper than 200 levels/,
  ],
  ...[true, 1, 'x', [], { version: 2, sha256Hash: 'x' }, { version: 1 }].map(
    (persistedQuery): Case => [
      `persistedQuery: ${JSON.stringify(persistedQuery)}`,
      { query: '{ name }', extensions: { persistedQuery } },
      400,
      'BAD_REQUEST',
      /persistedQuery` must have version 1 and the sha256Hash/,
    ],
  ),
  ...['documentId', 'doc_id', 'id'].map((name): Case => [
    `a \`${name}\` where no document has one`,
    { [name]: 'sha256:' + 'ab'.repeat(32) },
    400,
    'BAD_REQUEST',
    new RegExp(
      `^\`query\` is missing, and no document is known by \`${name}\` here: send the text`,
    ),
  ]),
  [
    'a hash that does not fit the query',
    {
      query: '{ name }',
      extensions: { persistedQuery: { version: 1, sha256Hash: 'ab'.repeat(32) } },
    },
    400,
    'PERSISTED_QUERY_HASH_MISMATCH',
    /sha256Hash` is not the SHA-256 of the query/,
  ],
  ...[undefined, null, ''].map((query): Case => [
    `a hash alone, with query: ${query}`,
    { query, extensions: { persistedQuery: { version: 1, sha256Hash: 'ab'.repeat(32) } } },
    200,
    'PERSISTED_QUERY_NOT_SUPPORTED',
    /^PersistedQueryNotSupported$/,
  ]),
]

describe.each(engines)('refused, by POST and GET: %s', (engine) => {
  test.each(refused)('%s', async (_name, body, status, code, message) => {
    const expected = {
      errors: [{ message: expect.stringMatching(message), extensions: { code } }],
    }
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const response = await door.post(engine, body, { accept })
      expect(response).toMatchObject({ status, body: expected })
      expect(response.body.data).toBeUndefined()
    }
    // Node refuses a longer head.
    if (typeof body === 'string' && body.length > 6_000) return
    const parameters = searchOf(body)
    if (new URLSearchParams(parameters).toString().length > 12_000) return
    const response = await door.get(engine, parameters)
    if (/^mutation/.test(parameters.query ?? '') || parameters.operationName === 'B') {
      expect(response).toMatchObject({ status: 405, headers: { allow: 'POST' } })
      return
    }
    expect(response).toMatchObject({ status, body: expected })
  })
})

/** Returns the parameters of a GET that asks for the same as the body of a POST. */
function searchOf(body: unknown): Record<string, string> {
  const asked = (typeof body === 'string' ? JSON.parse(body) : body) as Record<string, unknown>
  const given = Object.entries(asked).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(
    given.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

test.each(engines)('what is nested 200 deep is served: %s', async (engine) => {
  const list = nested(200, '[', ']')
  const inDocument = await door.post(engine, { query: `{ json(value: ${list}) }` })
  expect(inDocument.body).toEqual({ data: { json: 400 } })
  const asVariable = await door.post(engine, byVariable('Json', list))
  expect(asVariable.body).toEqual({ data: { json: 400 } })
  const objects = await door.post(
    engine,
    byVariable('Search', nested(199, '{"not":', '}', '{"text":"x"}'), 'search(by: $x)'),
  )
  expect(objects.body).toEqual({ data: { search: 'found' } })
})

test.each(engines)('what is deferred is in the response: %s', async (engine) => {
  const query = `query ($later: Boolean! = true) {
    ... @defer { self { ...Names @defer(if: $later, label: "names") } }
    name @skip(if: true)
  }
  fragment Names on Query { name ... @ defer(if: false) { again: name } }`
  for (const variables of [{}, { later: false }]) {
    const expected = { data: { self: { name: 'root', again: 'root' } } }
    expect(await door.post(engine, { query, variables })).toMatchObject({ body: expected })
    // The second time, the document is known.
    const got = await door.get(engine, { query, variables: JSON.stringify(variables) })
    expect(got).toMatchObject({ status: 200, body: expected })
  }
  const introspection = await door.post(engine, { query: '{ __schema { directives { name } } }' })
  expect(introspection.text).toContain('"include"')
  expect(introspection.text).not.toContain('defer')
})

test.each(engines)('a hash that fits the query beside it is no hindrance: %s', async (engine) => {
  const query = '{ name }'
  const sha256Hash = createHash('sha256').update(query).digest('hex')
  const extensions = { persistedQuery: { version: 1, sha256Hash } }
  const byPost = await door.post(engine, { query, extensions })
  const byGet = await door.get(engine, { query, extensions: JSON.stringify(extensions) })
  for (const response of [byPost, byGet]) {
    expect(response).toMatchObject({ status: 200, body: { data: { name: 'root' } } })
  }
  // Nothing was stored by it.
  const alone = await door.post(engine, { extensions })
  expect(alone.body.errors).toMatchObject([{ message: 'PersistedQueryNotSupported' }])
})

test.each(engines)(
  'numbers of variables that a Float cannot hold are refused: %s',
  async (engine) => {
    const query = 'query ($x: Json) { json(value: $x) }'
    for (const value of ['1e400', '[{"a":[-1e400]}]']) {
      const variables = `{"x":${value}}`
      const responses = [
        await door.post(engine, byVariable('Json', value)),
        await door.get(engine, { query, variables }),
      ]
      for (const response of responses) {
        expect(response).toMatchObject({
          status: 400,
          body: { errors: [{ message: expect.stringContaining('larger than a Float') }] },
        })
      }
    }
  },
)

test.each(engines)('many errors in large variables are a short response: %s', async (engine) => {
  // With a search for suggestions that takes quadratic time, each of these messages takes seconds.
  const text = 'Did you mean '.repeat(6_000)
  const unknown = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`u${index}`, 1]))
  const cases = [
    ['Search', { ...unknown, text }],
    ['[[Int]]', Array.from({ length: 5_000 }, () => 'x')],
    ['[[Int]]', [text]],
  ] as const
  for (const [type, x] of cases) {
    const query = `query ($x: ${type}) { search(${type === 'Search' ? 'by' : 'lists'}: $x) }`
    for (let times = 0; times < 2; times++) {
      const { status, text, body } = await door.post(engine, { query, variables: { x } })
      expect(status).toBe(400)
      expect(text.length).toBeLessThan(50_000)
      expect(body.errors!.length).toBeLessThanOrEqual(21)
      for (const { extensions } of body.errors!) expect(extensions.code).toBe('BAD_USER_INPUT')
    }
  }
})

test('variables that do not fit an operation seen before are 400, too', async () => {
  const query = 'query ($x: Boolean = true, $by: Search) { name @skip(if: $x) search(by: $by) }'
  expect(await door.post('native', { query })).toMatchObject({ status: 200 })
  for (const variables of [{ x: null }, { by: { colour: 'PINK' } }, { x: 'true' }]) {
    const response = await door.post('native', { query, variables })
    expect(response).toMatchObject({
      status: 400,
      body: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
    })
  }
})

test.each(engines)('no message proposes a name that the client did not say: %s', async (engine) => {
  const texts = [
    { query: '{ nam }' },
    { query: '{ search(bye: {}) }' },
    { query: '{ search(by: { txt: "x" }) }' },
    { query: '{ search(colour: BLU) }' },
    { query: 'query ($x: Colou) { name }' },
    { query: '{ ... on Quer { name } }' },
    { query: '{ name @skipp(if: true) }' },
    { query: 'query ($x: Search) { search(by: $x) }', variables: { x: { txt: 'x' } } },
    {
      query: 'query ($x: Search) { search(by: $x) }',
      variables: { x: { and: [{ colour: 'BLU' }] } },
    },
    { query: 'query ($x: Colour) { search(colour: $x) }', variables: { x: 'red' } },
  ]
  for (const body of texts) {
    const response = await door.post(engine, body)
    expect(response.status).toBe(400)
    expect(response.text).not.toMatch(/[Dd]id you mean|"(name|text|by)\\|BLUE|RED/)
    expect(response.body.errors![0]!.message).toMatch(/[."\]}]$/)
  }
})

test('a body over the limit is 413, and the message names the configured limit', async () => {
  const query = `{ json(value: "${'x'.repeat(150_000)}") }`
  for (const [engine, limit] of [
    ['native', '100 KB'],
    ['small bodies', '5 KB'],
  ] as const) {
    const response = await door.post(engine, { query })
    expect(response).toMatchObject({
      status: 413,
      body: { errors: [{ message: `The request body is larger than ${limit}` }] },
    })
  }
})

test.each([
  [
    'native',
    406,
    /graphql-transport-ws.*`Accept: text\/event-stream`.*`Accept: multipart\/mixed;subscriptionSpec=1.0`/,
  ],
  ['apollo', 400, /does not support subscriptions/],
] as const)('a subscription without a stream is refused: %s', async (engine, status, message) => {
  const live = await openFrontDoor({
    sdl: 'type Query { name: String } type Subscription { tick: Int tock: Int }',
    resolvers: { Query: { name: () => 'root' }, Subscription: {} },
    gateways: { [engine]: `engine: ${engine}` },
  })
  const query = 'query A { name } subscription B { tick }'
  const refused = await live.post(engine, { query, operationName: 'B' })
  expect(refused).toMatchObject({
    status,
    body: { errors: [{ message: expect.stringMatching(message) }] },
  })
  expect((await live.get(engine, { query, operationName: 'B' })).status).toBe(status)
  for (const invalid of [
    'subscription ($s: Boolean!) { tick @include(if: $s) }',
    'subscription ($s: Boolean!) { tick @skip(if: $s) tock }',
    'subscription ($s: Boolean!) { ...F @include(if: $s) } fragment F on Subscription { tick }',
    'subscription { __typename }',
  ]) {
    const response = await live.post(engine, { query: invalid, variables: { s: true } })
    expect(response.status).toBe(400)
    expect(response.body.errors![0]!.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
  }
  const served = await live.post(engine, { query, operationName: 'A' })
  expect(served.body).toEqual({ data: { name: 'root' } })
  const shown = await live.post(engine, { query: '{ __schema { subscriptionType { name } } }' })
  expect(shown.body.data).toEqual({ __schema: { subscriptionType: { name: 'Subscription' } } })
  expect(live.complaints(engine)).toEqual([])
  await live.close()
})
