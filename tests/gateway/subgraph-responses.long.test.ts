/** What the gateway makes of subgraphs' responses that are odd, wrong or huge, over real HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { OutgoingHttpHeaders, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { stripIgnoredCharacters } from 'graphql'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requires", "@external"])'
const oddSdl = `${link}
  scalar Json
  interface Thing { id: ID! }
  type Book implements Thing { id: ID! title: String }
  type Pen { ink: Int }
  union Any = Book | Pen
  type Query {
    text: String must: String! list: [String] grid: [[Int]] json: Json item: Item items: [Item]
    thing: Thing any: Any book: Book number: Int numbers: [Int] id: ID
    pay(amount: Json, amounts: [Json!], order: Order, count: Int, price: Float, id: ID, kind: Kind): String
  }
  enum Kind { CASH CARD }
  input Order { amount: Json count: Int price: Float kind: Kind inner: [Order!] }
  type Mutation { change: Int }
  type Item @key(fields: "id") { id: ID! json: Json tags: [String] worth(in: Json): Int }`
const healthySdl = `${link}
  scalar Json
  type Query { fine: Int }
  type Item @key(fields: "id") {
    id: ID! json: Json @external stock: Int sizes: [Int] label: String @requires(fields: "json")
  }`

interface Scripted {
  status?: number
  headers?: OutgoingHttpHeaders
  body: unknown
}

/** The responses of the subgraphs: of the odd one, and of the healthy one for entities. */
let odd: Scripted
let entities: Scripted
/** The operations that they were asked for. */
const asked: string[] = []
const servers: Server[] = []
const gateways = new Map<string, RunningGateway>()
let issuer: TestIssuer

async function subgraph(answer: (query: string) => Scripted): Promise<string> {
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { query } = JSON.parse(text) as { query: string }
    asked.push(query)
    const { status = 200, headers = {}, body } = answer(query)
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  })
  servers.push(server.unref())
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

beforeAll(async () => {
  issuer = await startIssuer()
  const sources = [
    { name: 'odd', sdl: oddSdl, url: await subgraph(() => odd) },
    {
      name: 'healthy',
      sdl: healthySdl,
      url: await subgraph((query) =>
        query.includes('_entities') ? entities : { body: { data: { fine: 1 } } },
      ),
    },
  ]
  const passes =
    'subgraphs: { odd: { subgraph_errors: { pass: { codes: [OUT_OF_STOCK], extensions: [field] } } } }'
  const settings = {
    native: '',
    apollo: 'engine: apollo',
    passing: passes,
    'apollo passing': `engine: apollo\n${passes}`,
    exposing: 'subgraphs: { all: { subgraph_errors: expose } }',
    'apollo exposing': 'engine: apollo\nsubgraphs: { all: { subgraph_errors: expose } }',
  }
  for (const [name, config] of Object.entries(settings)) {
    const { issuer: url, jwksUri } = issuer
    const authentication = `authentication:
  issuers: [{ issuer: '${url}', jwks_uri: '${jwksUri}', audiences: [x], algorithms: [ES256] }]
`
    gateways.set(name, await runGateway(sources, authentication + config))
  }
})

afterAll(async () => {
  for (const gateway of gateways.values()) await gateway.close()
  await issuer.close()
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

beforeEach(() => {
  asked.length = 0
  odd = { body: { data: null } }
  entities = { body: { data: { _entities: [] } } }
})

interface Body {
  data?: Record<string, unknown> | null
  errors?: { message: string; path?: unknown[]; extensions: Record<string, unknown> }[]
}

async function ask(query: string, gateway = 'native', headers: Record<string, string> = {}) {
  const { url, log } = gateways.get(gateway)!
  const logged = log.length
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
  const text = await response.text()
  const { data, errors = [] } = JSON.parse(text) as Body
  const levels = log.slice(logged).map((line) => (JSON.parse(line) as { level: number }).level)
  return { status: response.status, response, text, data, errors, isOurFault: levels.includes(50) }
}

const engines = ['native', 'apollo']

function nestedList(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

describe.each(engines)('odd errors, with the engine %s', (engine) => {
  test.each([
    ['a path that holds null', { message: 'x', path: [null] }, undefined],
    ['a path that holds an object', { message: 'x', path: [{}] }, undefined],
    ['a path that holds a truth value', { message: 'x', path: [true] }, undefined],
    ['a path that is a text', { message: 'x', path: 'list' }, undefined],
    ['a path that starts with a number', { message: 'x', path: [1.5, 'list'] }, undefined],
    ['a path that goes on oddly', { message: 'x', path: ['list', -1] }, ['list']],
    ['a path with what is no name', { message: 'x', path: ['list', '0'] }, ['list']],
    ['null', null, undefined],
    ['a text', 'x', undefined],
    ['a number', 7, undefined],
    ['a list', [[]], undefined],
    ['extensions that are a text', { message: 'x', extensions: 'y' }, undefined],
    ['a code that is an object', { message: 'x', extensions: { code: {} } }, undefined],
    ['a message that is none', { message: { x: 1 } }, undefined],
  ])('%s: it is reported, its odd part dropped', async (_name, error, path) => {
    odd = { body: { data: { list: null }, errors: [error] } }
    for (const gateway of [engine, engine === 'native' ? 'exposing' : 'apollo exposing']) {
      const answer = await ask('{ list fine }', gateway)
      expect(answer).toMatchObject({ status: 200, data: { list: null, fine: 1 } })
      expect(answer.errors).toHaveLength(1)
      expect(answer.errors[0]!.message).toEqual(expect.stringMatching(/./))
      expect(answer.errors[0]!.path).toEqual(path)
      expect(answer.errors[0]!.extensions).toEqual({ code: 'SUBGRAPH_ERROR' })
      expect(answer.isOurFault).toBe(false)
    }
  })

  test.each([
    ['an object', { message: 'x', path: ['list'] }, ['list']],
    ['a text', 'the disk is full', undefined],
  ])('%s in the place of the list of errors is one error', async (_name, errors, path) => {
    odd = { body: { data: { list: null }, errors } }
    const answer = await ask('{ list fine }', engine)
    expect(answer).toMatchObject({ status: 200, data: { list: null, fine: 1 }, isOurFault: false })
    expect(answer.errors).toHaveLength(1)
    expect(answer.errors[0]).toMatchObject({ extensions: { code: 'SUBGRAPH_ERROR' } })
    expect(answer.errors[0]!.path).toEqual(path)
  })

  test.each([{}, false, 0, null, []])('%j is none', async (errors) => {
    odd = { body: { data: { list: ['a'] }, errors } }
    const answer = await ask('{ list fine }', engine)
    expect(answer).toMatchObject({ data: { list: ['a'], fine: 1 }, errors: [] })
  })

  test('a search for stacks in 200,000 line breaks takes no time', async () => {
    const text = '\n'.repeat(200_000)
    odd = { body: { data: { list: null }, errors: [{ message: 'x', extensions: { text } }] } }
    const answer = await ask('{ list fine }', engine === 'native' ? 'exposing' : 'apollo exposing')
    expect(answer.errors[0]!.extensions.text).toBe(text)
  })

  test('of a message of a megabyte the first 10,000 characters are passed on', async () => {
    odd = { body: { data: { list: null }, errors: [{ message: 'x'.repeat(1_000_000) }] } }
    const answer = await ask('{ list fine }', engine === 'native' ? 'exposing' : 'apollo exposing')
    expect(answer.errors[0]!.message).toBe('x'.repeat(10_000))
  })

  test('a path nested 100,000 deep is dropped', async () => {
    const path = nestedList(100_000)
    odd = { body: `{"data":{"text":null},"errors":[{"message":"x","path":${path}}]}` }
    const answer = await ask('{ text fine }', engine)
    expect(answer).toMatchObject({ status: 200, data: { text: null, fine: 1 }, isOurFault: false })
    expect(answer.errors).toEqual([
      { message: expect.any(String), extensions: { code: 'SUBGRAPH_ERROR' } },
    ])
  })

  test('of 50,000 errors 1,000 are listed, and the last one counts the others', async () => {
    const errors = Array.from({ length: 50_000 }, (_, index) => ({
      message: 'x',
      path: ['list', index],
    }))
    odd = { body: { data: { list: null }, errors } }
    const answer = await ask('{ list fine }', engine)
    expect(answer).toMatchObject({ status: 200, data: { list: null, fine: 1 } })
    expect(answer.errors).toHaveLength(1_000)
    expect(answer.errors[0]!.path).toEqual(['list', 0])
    expect(answer.errors.at(-1)!.message).toContain('49000 more errors are not listed')
    expect(gateways.get(engine)!.log.every((line) => line.length < 20_000)).toBe(true)
  })
})

test.each([
  ['a text in the place of a list', '{ list fine }', { list: 'x' }],
  ['an object in the place of a list', '{ list fine }', { list: { 0: 'x', length: 1 } }],
  ['a number in the place of an object', '{ item { id } fine }', { item: 1 }],
  ['a number in a list of objects', '{ items { id } fine }', { items: [1] }],
  ['a type that is no text', '{ thing { id } fine }', { thing: { id: '1', __typename: ['Book'] } }],
])('%s is an error of the subgraph, with either engine', async (_name, query, data) => {
  odd = { body: { data } }
  expect(await ask(query)).toMatchObject({
    status: 200,
    data: { fine: 1 },
    errors: [{ extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } }],
    isOurFault: false,
  })
  expect(await ask(query, 'apollo')).toMatchObject({
    status: 200,
    data: null,
    errors: [{ extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } }],
    isOurFault: false,
  })
})

test.each([
  ['texts', ['x', 'y']],
  ['lists', [[{ stock: 1 }], []]],
  ['an object and a number', [{ stock: 1 }, 2]],
])('%s in the place of entities are an error', async (_name, received) => {
  odd = { body: { data: { items: ['1', '2'].map((id) => ({ __typename: 'Item', id })) } } }
  entities = { body: { data: { _entities: received } } }
  const answer = await ask('{ items { stock } }')
  expect(answer.errors).toMatchObject([
    { path: ['items', 0], extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } },
  ])
  entities = { body: { data: { _entities: [{ stock: 1 }, null] } } }
  const missing = await ask('{ items { stock } }')
  expect(missing).toMatchObject({ data: { items: [{ stock: 1 }, { stock: null }] }, errors: [] })
})

describe.each(engines)('deep values, with the engine %s', (engine) => {
  const deep = nestedList(20_000)

  test('a custom scalar nested 20,000 deep is an error that names the bound', async () => {
    odd = { body: `{"data":{"json":${deep}}}` }
    const answer = await ask('{ json fine }', engine)
    expect(answer).toMatchObject({ status: 200, data: { json: null, fine: 1 }, isOurFault: false })
    expect(answer.errors).toMatchObject([
      { path: ['json'], extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } },
    ])
    expect(answer.errors[0]!.message).toContain('deeper than 500 levels')
  })

  test('one nested 400 deep is served', async () => {
    odd = { body: `{"data":{"json":${nestedList(400)}}}` }
    const answer = await ask('{ json fine }', engine)
    expect(answer.text).toContain(nestedList(400))
    expect(answer.errors).toEqual([])
  })

  test('one that another subgraph requires is an error, too', async () => {
    odd = { body: `{"data":{"item":{"__typename":"Item","id":"1","json":${deep}}}}` }
    const answer = await ask('{ item { label } fine }', engine)
    expect(answer).toMatchObject({ status: 200, isOurFault: false })
    expect(answer.data!.fine).toBe(1)
    expect(answer.errors[0]!.message).toContain('deeper than 500 levels')
  })

  test.each([
    ['an object', '{ item { tags } fine }', `{"item":${deep}}`],
    ['a leaf', '{ number fine }', `{"number":${deep}}`],
    ['a list', '{ list fine }', `{"list":${deep}}`],
    ['a list of lists', '{ grid fine }', `{"grid":${deep}}`],
    ['an entity', '{ item { stock } fine }', `{"item":${deep}}`],
  ])('lists nested 20,000 deep in the place of %s are an error', async (_name, query, data) => {
    odd = { body: `{"data":${data}}` }
    const answer = await ask(query, engine)
    expect(answer).toMatchObject({ status: 200, isOurFault: false })
    expect(answer.data!.fine).toBe(1)
    expect(answer.errors).toHaveLength(1)
    expect(answer.errors[0]!.extensions.code).toBe('SUBGRAPH_RESPONSE_INVALID')
  })
})

test('the log has the first errors as they came, and of huge ones the first of their words', async () => {
  const { log } = gateways.get('native')!
  const logged = async (errors: object[]) => {
    const before = log.length
    odd = { body: { data: { text: null }, errors } }
    await ask('{ text }')
    const line = log.slice(before).find((each) => each.includes('subgraph reported errors'))!
    expect(line.length).toBeLessThan(25_000)
    return JSON.parse(line) as { errors: unknown[]; count: number }
  }
  const error = { message: 'the disk is full', extensions: { stacktrace: ['at line 7'] } }
  expect(await logged([error])).toMatchObject({ errors: [error], count: 1 })
  const huge = { message: 'x'.repeat(1_000_000) }
  expect(await logged(Array(30).fill(huge))).toMatchObject({
    errors: Array(20).fill('x'.repeat(500)),
    count: 30,
  })
})

test('the log warns of each code that clients do not see, once, and of none that they see', async () => {
  const codesOf = ['FROZEN', 'OUT_OF_STOCK', 'FORBIDDEN', 'INTERNAL_SERVER_ERROR']
  const errors = codesOf.map((code) => ({ message: 'no', extensions: { code } }))
  odd = { body: { data: { text: null }, errors } }
  const warnings = async (gateway: string) => {
    const { log } = gateways.get(gateway)!
    for (let times = 0; times < 2; times++) await ask('{ text }', gateway)
    return log
      .map((line) => JSON.parse(line) as { level: number; code?: string; msg: string })
      .filter(({ level, code }) => level === 40 && codesOf.includes(String(code)))
      .map(({ code, msg }) => [code, msg.includes('subgraph_errors.pass.codes')])
  }
  expect(await warnings('passing')).toEqual([['FROZEN', true]])
  expect(await warnings('exposing')).toEqual([])
  const many = Array.from({ length: 500 }, (_, index) => `CODE_${index}`)
  const { log } = gateways.get('passing')!
  const before = log.length
  for (let first = 0; first < many.length; first += 20) {
    const errors = many.slice(first, first + 20).map((code) => ({ extensions: { code } }))
    odd = { body: { data: { text: null }, errors } }
    await ask('{ text }', 'passing')
  }
  const lines = log.slice(before).filter((line) => line.includes('pass.codes'))
  expect(lines.length).toBeLessThanOrEqual(20)
})

test('data that was not requested may be nested to any depth', async () => {
  const deep = nestedList(20_000)
  const item = `{"__typename":"Item","id":"1","more":${deep}}`
  odd = { body: `{"data":{"more":${deep},"items":[${item},${item}],"a":${item}}}` }
  entities = {
    body: `{"data":{"_entities":[{"stock":1,"more":${deep}}],"_e0":[{"stock":1,"more":${deep}}],"_e1":[{"stock":1,"more":${deep}}]}}`,
  }
  const answer = await ask('{ items { stock } a: item { stock } fine }')
  expect(answer).toMatchObject({ status: 200, errors: [] })
  expect(answer.data).toEqual({ items: [{ stock: 1 }, { stock: 1 }], a: { stock: 1 }, fine: 1 })
})

test('50,000 values that do not fit the schema are 1,000 errors', async () => {
  odd = { body: { data: { numbers: Array.from({ length: 50_000 }, () => 'x') } } }
  const answer = await ask('{ numbers fine }')
  expect(answer.data!.fine).toBe(1)
  expect(answer.errors).toHaveLength(1_000)
  expect(answer.errors.at(-1)!.message).toContain('49000 more errors')
})

test('an error at an entity at 50,000 positions is reported at 1,000 of them', async () => {
  const item = { __typename: 'Item', id: '1' }
  odd = { body: { data: { items: Array.from({ length: 50_000 }, () => item) } } }
  const errors = Array.from({ length: 2_000 }, () => ({
    message: 'x',
    path: ['_entities', 0, 'stock'],
  }))
  entities = { body: { data: { _entities: [{ stock: null }] }, errors } }
  const answer = await ask('{ items { stock } fine }')
  expect(answer.data!.fine).toBe(1)
  expect(answer.errors).toHaveLength(1_000)
  expect(answer.errors[7]!.path).toEqual(['items', 7, 'stock'])
})

describe('paths of errors', () => {
  test.each([
    ['a list of leaves', ['list', 1], ['list', 1]],
    ['a list of lists of leaves', ['grid', 1, 0], ['grid', 1, 0]],
    ['more indices than there are lists', ['list', 1, 2], ['list', 1]],
    ['an index where there is no list', ['text', 1], ['text']],
    ['a name below a leaf', ['list', 1, 'x'], ['list', 1]],
    ['an index of a list of objects', ['items', 1, 'tags', 0], ['items', 1, 'tags', 0]],
    ['an index first', [0, 'list'], undefined],
  ])('%s', async (_name, path, expected) => {
    odd = {
      body: {
        data: { list: [], grid: [], text: null, items: [] },
        errors: [{ message: 'x', path }],
      },
    }
    const { errors } = await ask('{ list grid text items { tags } }')
    expect(errors).toHaveLength(1)
    expect(errors[0]!.path).toEqual(expected)
  })

  test('a list of leaves of an entity', async () => {
    odd = { body: { data: { items: [null, { __typename: 'Item', id: '1' }] } } }
    entities = {
      body: {
        data: { _entities: [{ sizes: [null, 2] }] },
        errors: [{ message: 'x', path: ['_entities', 0, 'sizes', 0] }],
      },
    }
    const { errors } = await ask('{ items { sizes } }')
    expect(errors.map(({ path }) => path)).toEqual([['items', 1, 'sizes', 0]])
  })
})

describe.each(engines)('subgraph_errors, with the engine %s', (engine) => {
  const by = (policy: string) => (engine === 'native' ? policy : `apollo ${policy}`)
  const stack = ['Error: x', '    at resolve (/srv/app/secrets.ts:7:1)']

  /** Returns the error that a client gets for one that the subgraph reports. */
  async function reported(error: object, gateway: string) {
    odd = { body: { data: { text: null }, errors: [{ path: ['text'], ...error }] } }
    const { errors, status, isOurFault } = await ask('{ text fine }', gateway)
    expect({ status, isOurFault, count: errors.length }).toEqual({
      status: 200,
      isOurFault: false,
      count: 1,
    })
    expect(errors[0]!.path).toEqual(['text'])
    return { message: errors[0]!.message, extensions: errors[0]!.extensions }
  }

  test.each([
    ['no code', undefined, { code: 'SUBGRAPH_ERROR' }],
    ['no code, but other extensions', { field: 'a' }, { code: 'SUBGRAPH_ERROR', field: 'a' }],
    ['INTERNAL_SERVER_ERROR', { code: 'INTERNAL_SERVER_ERROR' }, { code: 'INTERNAL_SERVER_ERROR' }],
    ['a code of federation itself', { code: 'INVALID_GRAPHQL' }, { code: 'INVALID_GRAPHQL' }],
    [
      'extensions of every kind',
      { code: 'X', list: [1, { a: null }], serviceName: 'mine' },
      { code: 'X', list: [1, { a: null }], serviceName: 'mine' },
    ],
    [
      'what could be a stack',
      {
        code: 'X',
        stacktrace: stack,
        exception: { message: 'x' },
        debugMessage: 'x',
        lines: stack,
        text: stack.join('\n'),
        inner: { stack, kept: 1 },
        http: { status: 500, headers: { 'x-y': 'z' } },
      },
      { code: 'X', inner: { kept: 1 } },
    ],
  ])('expose: %s', async (_name, extensions, expected) => {
    expect(await reported({ message: 'the disk is full', extensions }, by('exposing'))).toEqual({
      message: 'the disk is full',
      extensions: expected,
    })
  })

  test('pass: a listed code has its own message, and the listed extensions', async () => {
    const extensions = { code: 'OUT_OF_STOCK', field: 'count', host: 'db-7', stacktrace: stack }
    expect(await reported({ message: 'only 3 are left', extensions }, by('passing'))).toEqual({
      message: 'only 3 are left',
      extensions: { code: 'OUT_OF_STOCK', field: 'count' },
    })
  })

  test.each([
    ['a code of its own', 'OUT_OF_STOCK', 400],
    ['a code of the error table', 'FORBIDDEN', 403],
    ['none that passes', 'DISK_FULL', 500],
  ])(
    'pass: %s decides about the status of a response without data',
    async (_name, code, status) => {
      odd = {
        body: { data: null, errors: [{ message: 'x', path: ['must'], extensions: { code } }] },
      }
      const query = '{ must }'
      const accept = 'application/graphql-response+json'
      expect((await ask(query, by('passing'), { accept })).status).toBe(status)
      expect((await ask(query, by('passing'))).status).toBe(200)
    },
  )

  test('pass: a code of the error table has the message of the table, and the listed extensions', async () => {
    const extensions = { code: 'BAD_USER_INPUT', field: 'count', host: 'db-7' }
    expect(await reported({ message: 'db-7: 22P02', extensions }, by('passing'))).toEqual({
      message: 'An input value is not valid',
      extensions: { code: 'BAD_USER_INPUT', field: 'count' },
    })
  })

  test.each(['INTERNAL_SERVER_ERROR', 'INVALID_CREDENTIALS', undefined])(
    'pass, redact: the code %s is SUBGRAPH_ERROR',
    async (code) => {
      const error = { message: 'password=hunter2', extensions: { code, field: 'a' } }
      for (const gateway of [by('passing'), engine]) {
        expect(await reported(error, gateway)).toEqual({
          message: 'Part of the response could not be loaded',
          extensions: { code: 'SUBGRAPH_ERROR' },
        })
      }
    },
  )
})

describe.each(engines)('the complete response, with the engine %s', (engine) => {
  const failing = (code: string) => ({
    data: { text: null },
    errors: [{ message: 'x', path: ['text'], extensions: { code } }],
  })

  test.each([
    [401, 'UNAUTHENTICATED', 'Log in to see this'],
    [403, 'FORBIDDEN', 'You do not have permission for this'],
    [400, 'BAD_USER_INPUT', 'An input value is not valid'],
    [422, 'BAD_USER_INPUT', 'An input value is not valid'],
    [500, 'FORBIDDEN', 'You do not have permission for this'],
  ])('HTTP %d with errors is read like any other', async (status, code, message) => {
    const withoutData = { errors: failing(code).errors }
    for (const body of [failing(code), withoutData, { ...withoutData, data: null }]) {
      odd = { status, body }
      const answer = await ask('{ text fine }', engine)
      expect(answer).toMatchObject({ status: 200, data: { text: null, fine: 1 } })
      expect(answer.errors).toEqual([{ message, path: ['text'], extensions: { code } }])
    }
  })

  test('HTTP 403 with data is read like any other', async () => {
    odd = { status: 403, body: { data: { text: 'a' } } }
    expect(await ask('{ text }', engine)).toMatchObject({ data: { text: 'a' }, errors: [] })
  })

  test.each([
    ['nothing', ''],
    ['a page', '<html>Forbidden</html>'],
    ['JSON that is no GraphQL response', { error: 'forbidden' }],
    ['no errors', { errors: [] }],
  ])('HTTP 401 and 403 with %s: the log asks for the claims key', async (_name, body) => {
    for (const status of [401, 403]) {
      odd = { status, body }
      const { log } = gateways.get(engine)!
      const before = log.length
      const answer = await ask('{ text fine }', engine)
      expect(answer.data).toEqual({ text: null, fine: 1 })
      expect(answer.errors).toMatchObject([
        { path: ['text'], extensions: { code: 'SUBGRAPH_ERROR' } },
      ])
      expect(log.slice(before).join()).toContain('check its claims key')
    }
  })

  test.each([
    [{ reason: 'CLAIMS_HEADER_REFUSED', claim: 'iat' }, 'check the clocks of gateway and subgraph'],
    [{ reason: 'CLAIMS_HEADER_REFUSED' }, 'check its claims key'],
  ])('a claims header that the kit refused, %p: the log says why', async (extensions, sentence) => {
    const error = { message: 'x', extensions: { code: 'UNAUTHENTICATED', ...extensions } }
    odd = { status: 401, body: { errors: [error] } }
    const { log } = gateways.get(engine)!
    const before = log.length
    const { errors } = await ask('{ text fine }', engine)
    expect(errors).toMatchObject([{ path: ['text'], extensions: { code: 'SUBGRAPH_ERROR' } }])
    expect(log.slice(before).join()).toContain(sentence)
  })

  test.each([
    ['data: null', 200, { data: null }],
    ['data: null and no errors', 200, { data: null, errors: [] }],
    ['data: null with HTTP 500', 500, { data: null }],
    ['data that is a list', 200, { data: [], errors: [] }],
    ['errors that are no list', 200, { data: null, errors: {} }],
    ['nothing', 200, {}],
  ])('%s without an error: the gateway adds one', async (_name, status, body) => {
    odd = { status, body }
    const failed = { extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } }
    const root = await ask('{ text list fine }', engine)
    expect(root).toMatchObject({ status: 200, data: { text: null, list: null, fine: 1 } })
    expect(root.errors).toMatchObject([
      { ...failed, path: ['text'] },
      { ...failed, path: ['list'] },
    ])
    odd = { body: { data: { items: [{ __typename: 'Item', id: '1' }] } } }
    entities = { status, body }
    const below = await ask('{ items { id stock } fine }', engine)
    expect(below).toMatchObject({ data: { items: [{ id: '1', stock: null }], fine: 1 } })
    expect(below.errors).toMatchObject([{ ...failed, path: ['items', 0] }])
  })

  test('_entities: null without an error: the gateway adds one', async () => {
    odd = { body: { data: { items: [{ __typename: 'Item', id: '1' }] } } }
    for (const list of [null, [], [{}, {}], {}]) {
      entities = { body: { data: { _entities: list } } }
      const { data, errors } = await ask('{ items { id stock } fine }', engine)
      expect(data).toEqual({ items: [{ id: '1', stock: null }], fine: 1 })
      expect(errors).toHaveLength(1)
    }
  })
})

describe.each(engines)(
  'what does not fit the schema has an error, with the engine %s',
  (engine) => {
    test.each([
      ['a null where none may be', '{ must fine }', { must: null }, null, ['must']],
      ['nothing where something must be', '{ must fine }', {}, null, ['must']],
      [
        'an Int of 32 bits and more',
        '{ number fine }',
        { number: 2 ** 31 },
        { fine: 1 },
        ['number'],
      ],
      [
        'a text in the place of an Int',
        '{ number fine }',
        { number: 'x' },
        { fine: 1 },
        ['number'],
      ],
      [
        'one of several in a list',
        '{ numbers fine }',
        { numbers: [1, 2 ** 40] },
        { fine: 1 },
        ['numbers', 1],
      ],
    ])('%s', async (_name, query, found, data, path) => {
      odd = { body: { data: found } }
      const answer = await ask(query, engine)
      if (data === null) expect(answer.data).toBeNull()
      else expect(answer.data).toMatchObject(data)
      expect(answer.errors).toMatchObject([
        { path, extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } },
      ])
      expect(answer.isOurFault).toBe(false)
    })
  },
)

describe.each(engines)('try again later, with the engine %s', (engine) => {
  const busy = (...all: object[]) => ({
    errors: all.map((extensions) => ({ message: 'x', path: ['text'], extensions })),
  })
  const [unavailable, tooMany] = [{ code: 'SERVICE_UNAVAILABLE' }, { code: 'TOO_MANY_REQUESTS' }]

  test.each([
    ['TOO_MANY_REQUESTS', busy(tooMany), 429, '60'],
    ['SERVICE_UNAVAILABLE', busy(unavailable), 503, '5'],
    ['with data: null', { ...busy(tooMany), data: null }, 429, '60'],
    ['with a null root field', { ...busy(tooMany), data: { text: null } }, 429, '60'],
    ['with seconds', busy({ ...tooMany, retryAfter: 7 }), 429, '7'],
    ['with an hour', busy({ ...unavailable, retryAfter: 3_600 }), 503, '3600'],
    ['with no number', busy({ ...tooMany, retryAfter: 'soon' }), 429, '60'],
    ['with too many seconds', busy({ ...tooMany, retryAfter: 3_601 }), 429, '60'],
    ['with no seconds', busy({ ...tooMany, retryAfter: 0 }), 429, '60'],
    ['with half a second', busy({ ...tooMany, retryAfter: 0.5 }), 429, '60'],
    [
      'the longest wait of several',
      busy({ ...tooMany, retryAfter: 3 }, { ...tooMany, retryAfter: 9 }),
      429,
      '9',
    ],
    ['both', busy({ ...tooMany, retryAfter: 3 }, { ...unavailable, retryAfter: 2 }), 503, '3'],
  ])(
    '%s: status and Retry-After, whatever the media type',
    async (_name, body, status, seconds) => {
      odd = { body }
      for (const accept of ['application/json', 'application/graphql-response+json']) {
        for (const gateway of [engine, engine === 'native' ? 'exposing' : 'apollo exposing']) {
          const { response } = await ask('{ text }', gateway, { accept })
          expect([response.status, response.headers.get('retry-after')]).toEqual([status, seconds])
        }
      }
    },
  )

  test('the client gets plausible seconds with the error', async () => {
    odd = { body: busy({ ...tooMany, retryAfter: 7 }) }
    const { errors } = await ask('{ text }', engine)
    expect(errors[0]).toMatchObject({
      message: 'Too many requests: retry after 7 seconds',
      extensions: { code: 'TOO_MANY_REQUESTS', retryAfter: 7 },
    })
    odd = { body: busy({ ...tooMany, retryAfter: '7' }) }
    expect((await ask('{ text }', engine)).errors[0]!.extensions).toEqual(tooMany)
  })

  test.each([
    ['another error', { ...busy(tooMany, { code: 'FORBIDDEN' }) }, '{ text }'],
    ['data beside it', busy(tooMany), '{ text fine }'],
  ])('%s: 200 without Retry-After', async (_name, body, query) => {
    odd = { body }
    const { response } = await ask(query, engine)
    expect([response.status, response.headers.get('retry-after')]).toEqual([200, null])
  })

  test.each([
    ['429 with a page', { status: 429, body: '<html>' }, 429, '60'],
    ['503 with nothing', { status: 503, body: '' }, 503, '5'],
    [
      '503 with a coding that it does not have',
      { status: 503, headers: { 'content-encoding': 'gzip' }, body: '<html>' },
      503,
      '5',
    ],
    ['503 with data: null', { status: 503, body: { data: null } }, 503, '5'],
    [
      '503 with errors without a code',
      { status: 503, body: { errors: [{ message: 'x' }] } },
      503,
      '5',
    ],
    [
      '429 with Retry-After',
      { status: 429, headers: { 'retry-after': '17' }, body: '' },
      429,
      '17',
    ],
    [
      '429 with errors and Retry-After',
      { status: 429, headers: { 'retry-after': '17' }, body: busy({}) },
      429,
      '17',
    ],
    [
      '503 with a Retry-After of years',
      { status: 503, headers: { 'retry-after': '99999999' }, body: '' },
      503,
      '5',
    ],
    [
      '503 with garbage in Retry-After',
      { status: 503, headers: { 'retry-after': 'soon' }, body: '' },
      503,
      '5',
    ],
  ])('a subgraph behind HTTP %s', async (_name, response, status, seconds) => {
    odd = response
    const answer = await ask('{ text }', engine)
    expect([answer.status, answer.response.headers.get('retry-after')]).toEqual([status, seconds])
    expect(answer.errors[0]!.extensions.code).toBe(
      status === 429 ? 'TOO_MANY_REQUESTS' : 'SERVICE_UNAVAILABLE',
    )
    expect(await ask('{ text fine }', engine)).toMatchObject({ status: 200, data: { fine: 1 } })
  })

  test('a subgraph that refuses the headers: the client is told to send less (RFC 6585 section 5)', async () => {
    odd = { status: 431, body: '' }
    const accept = 'application/graphql-response+json'
    const { response, errors } = await ask('{ must }', engine, { accept })
    expect([response.status, errors[0]!.extensions.code]).toEqual([
      431,
      'REQUEST_HEADERS_TOO_LARGE',
    ])
  })

  test('the first of several errors sets the status, for media types with statuses', async () => {
    odd = { body: { ...busy({ ...tooMany, retryAfter: 7 }, { code: 'FORBIDDEN' }), data: null } }
    const { response } = await ask('{ must }', engine, {
      accept: 'application/graphql-response+json',
    })
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
  })

  test('Retry-After as a date', async () => {
    const date = new Date(Date.now() + 600_000).toUTCString()
    odd = { status: 503, headers: { 'retry-after': date }, body: '' }
    const { response } = await ask('{ text }', engine)
    const seconds = Number(response.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(500)
    expect(seconds).toBeLessThan(601)
  })

  test('a subgraph that is busy has not broken the circuit', async () => {
    odd = { status: 503, body: '' }
    for (let count = 0; count < 25; count++) await ask('{ text }', engine)
    odd = { body: { data: { text: 'back' } } }
    expect((await ask('{ text }', engine)).data).toEqual({ text: 'back' })
  })
})

test.each([
  ['a byte order mark', {}, (text: string) => `\ufeff${text}`],
  ['Content-Encoding: GZIP', { 'content-encoding': 'GZIP' }, gzipSync],
  ['Content-Encoding: x-gzip', { 'content-encoding': 'x-gzip' }, gzipSync],
])('a response with %s is read', async (_name, headers, encode) => {
  odd = { headers, body: encode(JSON.stringify({ data: { text: 'grüße' } })) }
  for (const engine of engines) {
    expect(await ask('{ text }', engine)).toMatchObject({ data: { text: 'grüße' }, errors: [] })
  }
})

describe('result coercion', () => {
  const leafQuery = '{ number id fine }'
  test.each([
    ['the largest Int', { number: 2_147_483_647 }, '{"number":2147483647,"id":null,"fine":1}'],
    ['the smallest Int', { number: -2_147_483_648 }, '{"number":-2147483648,"id":null,"fine":1}'],
    ['a whole number with a fraction of zero', '{"number":3.0}', '{"number":3,"id":null,"fine":1}'],
    ['an ID as a number', { id: 7 }, '{"number":null,"id":"7","fine":1}'],
    ['an ID below zero', { id: -7 }, '{"number":null,"id":"-7","fine":1}'],
    ['an ID as a text', { id: '007' }, '{"number":null,"id":"007","fine":1}'],
  ])('%s is served', async (_name, data, expected) => {
    odd = { body: `{"data":${typeof data === 'string' ? data : JSON.stringify(data)}}` }
    expect((await ask(leafQuery)).text).toBe(`{"data":${expected}}\n`)
  })

  test.each([
    ['an Int beyond 32 bits', 'number', '2147483648'],
    ['an Int below 32 bits', 'number', '-2147483649'],
    ['an Int with a fraction', 'number', '1.5'],
    ['an Int as a text', 'number', '"1"'],
    ['an Int as a truth value', 'number', 'true'],
    ['an Int as a list', 'number', '[1]'],
    ['an ID with a fraction', 'id', '1.5'],
    ['an ID as a truth value', 'id', 'true'],
    ['an ID as a number whose digits JSON does not keep', 'id', '9007199254740993'],
    ['a String as a number', 'text', '7'],
  ])('%s is null and an error', async (_name, field, value) => {
    odd = { body: `{"data":{"${field}":${value}}}` }
    const { data, errors } = await ask(`{ ${field} fine }`)
    expect(data).toEqual({ [field]: null, fine: 1 })
    expect(errors).toEqual([
      {
        message: `Invalid value found for field Query.${field}.`,
        path: [field],
        extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' },
      },
    ])
  })

  const asBook = '... on Book { title }'
  test.each([
    ['no __typename', {}, 'thing', asBook],
    ['no __typename, in a union', {}, 'any', asBook],
    ['no __typename, which is asked for', {}, 'thing', '__typename id'],
    ['no __typename, in a fragment', {}, 'thing', `id ${asBook}`],
    ['__typename: null', { __typename: null }, 'any', asBook],
    ['__typename that is a number', { __typename: 7 }, 'any', asBook],
    ['the name of a type that is none of it', { __typename: 'Pen' }, 'thing', '__typename id'],
    [
      'the name of a type that is none of it, in a union',
      { __typename: 'Item' },
      'any',
      '__typename',
    ],
    ['the name of the root type', { __typename: 'Query' }, 'thing', '__typename'],
    ['the name of a scalar', { __typename: 'Int' }, 'thing', '__typename'],
    ['the name of an enum or nothing', { __typename: 'Nobody' }, 'any', '__typename'],
    ['the name of the interface itself', { __typename: 'Thing' }, 'thing', asBook],
    ['the name of the union itself', { __typename: 'Any' }, 'any', asBook],
    ['a name that every object has', { __typename: 'constructor' }, 'any', '__typename'],
  ])('an object with %s is null and an error', async (_name, object, field, selection) => {
    odd = { body: { data: { [field]: { id: '1', title: 'a', ink: 1, ...object } } } }
    const { data, errors, isOurFault } = await ask(`{ ${field} { ${selection} } fine }`)
    expect(data).toEqual({ [field]: null, fine: 1 })
    expect(errors).toMatchObject([{ extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } }])
    expect(errors[0]!.path![0]).toBe(field)
    expect(isOurFault).toBe(false)
  })

  test('an object whose type does not matter needs no __typename', async () => {
    odd = { body: { data: { thing: { id: '1' } } } }
    expect(await ask('{ thing { id } }')).toMatchObject({
      data: { thing: { id: '1' } },
      errors: [],
    })
  })

  test('the __typename of an object type is that of the schema, whatever came', async () => {
    odd = { body: { data: { book: { __typename: 'Pen', title: 'a' } } } }
    const { data } = await ask('{ book { __typename title } }')
    expect(data).toEqual({ book: { __typename: 'Book', title: 'a' } })
  })
})

describe('literals of custom scalars reach the subgraph as they were written', () => {
  test.each([
    'amount:9007199254740993',
    'amount:-123456789012345678901234567890',
    'amount:0.10',
    'amount:1.0',
    'amount:-0',
    'amount:1e3',
    'amount:RED',
    'amount:"_literal0_0"',
    'amount:["_literal0_0" "_literal1_0" 0.10 0.20 0.10]',
    `amount:${'['.repeat(100)}0.10${']'.repeat(100)}`,
    'amount:{a:0.10 b:[9007199254740993 RED "x\\"_literal0_0\\""]c:true d:null e:"0.10"}',
    'amounts:[0.10 {a:0.20}]',
    'order:{amount:0.10 count:1 price:0.5 kind:CARD inner:[{amount:{a:0.10}}]}',
    'amount:0.10 count:7 price:1.5 id:7 kind:CASH',
  ])('%s', async (given) => {
    odd = { body: { data: { text: null } } }
    for (const name of ['A', 'B']) await ask(`query ${name} { text: pay(${given}) }`)
    for (const query of asked) {
      expect(stripIgnoredCharacters(query)).toContain(`text:pay(${strip(given)})`)
    }
    expect(asked).toHaveLength(2)
  })

  /** As the subgraph gets it. */
  function strip(given: string): string {
    return stripIgnoredCharacters(`{pay(${given})}`).slice('{pay('.length, -2)
  }

  test('one for a list is a list', async () => {
    odd = { body: { data: { text: null } } }
    await ask('{ text: pay(amounts: 0.10) }')
    expect(asked[0]).toContain('pay(amounts:[0.10])')
  })

  test('a Float beyond all bounds is refused, and no fault of ours', async () => {
    odd = { body: { data: { text: null } } }
    for (const engine of engines) {
      const { status, isOurFault } = await ask('{ text: pay(price: 1e999) }', engine)
      expect({ engine, status, isOurFault }).toEqual({ engine, status: 400, isOurFault: false })
    }
  })

  test("beside variables, in defaults of variables and under other subgraphs' entities", async () => {
    odd = { body: { data: { text: null, item: null } } }
    await ask(
      'query ($x: Json = 0.10, $y: [Json] = [9007199254740993]) { text: pay(amount: { a: $x, b: 0.20, c: $y }) item { worth(in: 0.30) } }',
    )
    const query = stripIgnoredCharacters(asked.join())
    expect(query).toContain('$x:Json=0.10')
    expect(query).toContain('$y:[Json]=[9007199254740993]')
    expect(query).toContain('{a:$x b:0.20 c:$y}')
    expect(query).toContain('worth(in:0.30)')
  })

  test('two fields with literals that JavaScript takes for the same stay two', async () => {
    odd = { body: { data: { a: 'x', b: 'y' } } }
    const { data } = await ask(
      '{ a: pay(amount: 9007199254740992) b: pay(amount: 9007199254740993) }',
    )
    expect(data).toEqual({ a: 'x', b: 'y' })
    expect(asked[0]).toMatch(/a:pay\(amount:9007199254740992\).*b:pay\(amount:9007199254740993\)/)
  })
})
