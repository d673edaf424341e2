/** The rates of gateway.yaml, through the front door of gateways that differ in them. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { openFrontDoor } from '../support/front-door.ts'
import type { FrontDoor, Response } from '../support/front-door.ts'

const sdl = /* GraphQL */ `
  extend schema
    @link(
      url: "https://specs.apollo.dev/federation/v2.9"
      import: ["@cost", "@listSize", "@authenticated"]
    )
  type Query {
    cheap: Int
    search: Int
    items(first: Int!): [Item!] @listSize(slicingArguments: ["first"])
    report: Int @cost(weight: 30)
    private: Int @authenticated @cost(weight: 1000)
  }
  type Mutation {
    checkout: Int
  }
  type Subscription {
    ticks: Int
    reports: Int @cost(weight: 4)
  }
  type Item {
    id: ID
  }
`

/** As long as nothing flows in: costs are exact. */
const ofCost = (more = '', by = 'subject') => `limits: { cost: { max: 1000, mode: measure } }
rates: { headers: true, rules: [{ name: costs, by: ${by}, count: cost, limit: 50, per: 1d${more} }] }`

const proxy = 'http: { trusted_proxies: 1 }\n'
const metrics = 'metrics: { port: 0 }\n'

const gateways = {
  none: '',
  subject: `${proxy}rates: { rules: [{ by: subject, limit: 5, per: 1h }] }`,
  address: `${proxy}${metrics}rates: { rules: [{ by: address, limit: 5, per: 1h }] }`,
  unproxied: 'rates: { rules: [{ by: address, limit: 5, per: 1h }] }',
  client: 'rates: { rules: [{ by: client, limit: 5, per: 1h }] }',
  operation: `rates:
  rules:
    - { by: operation, limit: 3, per: 1h, when: { operations: [Query.search, Query.__schema] } }
    - { name: checkout, by: subject, limit: 2, per: 1h, when: { operations: [Mutation.checkout] } }`,
  scopes: `rates:
  rules:
    - { by: subject, limit: 2, per: 1h, unless: { scopes: [partner] } }
    - { name: partners, by: subject, limit: 4, per: 1h, when: { scopes: [partner] } }`,
  headers: `http: { cors: { origins: ['https://app.example.com'] }, batching: { max: 10 } }
rates:
  headers: true
  rules:
    - { by: subject, limit: 60, per: 1h, burst: 2 }
    - { by: address, limit: 600, per: 1m }`,
  fields: `http: { batching: { max: 10 } }
rates:
  headers: true
  rules:
    - { name: searches, by: operation, limit: 3, per: 1h, when: { operations: [Query.search] } }
    - { by: subject, limit: 600, per: 1m }`,
  batches: `http: { batching: { max: 10 } }
rates: { rules: [{ by: subject, limit: 12, per: 1h }] }`,
  cost: `console: on\nhttp: { trusted_proxies: 1, batching: { max: 10 } }\n${metrics}${ofCost()}`,
  'cost, apollo': `engine: apollo\n${ofCost()}`,
  'cost of some': `limits: { cost: { max: 20 } }
rates:
  rules:
    - { by: subject, count: cost, limit: 50, per: 1d, when: { operations: [Query.items] }, unless: { scopes: [partner] } }`,
  'cost by address': `${proxy}${ofCost('', 'address')}`,
  failures: `${proxy}${metrics}rates: { failed_authentications: { limit: 10, per: 1h } }`,
  uncached: `  cache: off\n${proxy}rates: { failed_authentications: { limit: 10, per: 1h } }`,
}

/** Keys that have been exchanged, or were to be. */
const exchanged: string[] = []
const goodKey = 'pck_good'
const exchange = createServer(async (request, response) => {
  let form = ''
  for await (const chunk of request.setEncoding('utf8')) form += chunk
  const key = new URLSearchParams(form).get('subject_token')!
  exchanged.push(key)
  const { authorization = '' } = await door.caller('read')
  const [status, body] =
    key === goodKey
      ? [200, { access_token: authorization.replace('Bearer ', ''), expires_in: 300 }]
      : [400, { error: 'invalid_grant' }]
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})

let door: FrontDoor
let users = 0
/** How many fields the subgraph has resolved. */
let calls = 0
const called = (value: unknown) => () => {
  calls++
  return value
}

/** Sends an event each time one is waited for. */
async function* tick() {
  for (let reports = 1; reports <= 20; reports++) yield reports
}

beforeAll(async () => {
  await once(exchange.listen(0, '127.0.0.1'), 'listening')
  const { port } = exchange.address() as AddressInfo
  const keys = `  api_keys: { token_endpoint: 'http://127.0.0.1:${port}/token' }
${proxy}rates: { failed_authentications: { limit: 3, per: 1h } }`
  door = await openFrontDoor({
    sdl,
    resolvers: {
      Query: {
        cheap: called(1),
        search: called(2),
        items: (_parent, { first }) =>
          called(Array.from({ length: first as number }, () => ({ id: '1' })))(),
        report: called(4),
        private: called(5),
      },
      Mutation: { checkout: called(3) },
    },
    subscriptions: { reports: tick, ticks: tick },
    gateways: { ...gateways, keys },
  })
}, 60_000)
afterAll(async () => {
  await door.close()
  exchange.close()
})

type Name = keyof typeof gateways | 'keys'

function ask(name: Name, headers: Record<string, string> = {}, query = '{ cheap }') {
  return door.post(name, { query }, headers)
}

/** Returns how many of so many requests at a time got which status. */
async function statuses(count: number, request: () => Promise<Response>) {
  const responses = await Promise.all(Array.from({ length: count }, request))
  const byStatus: Record<number, number> = {}
  for (const { status } of responses) byStatus[status] = (byStatus[status] ?? 0) + 1
  return byStatus
}

const from = (address: string) => ({ 'x-forwarded-for': address })

async function metricOf(name: Name, metric: RegExp): Promise<number> {
  const line = door.gateway(name).log.find((line) => line.includes('serving metrics'))!
  const text = await (await fetch((JSON.parse(line) as { url: string }).url)).text()
  return text
    .split('\n')
    .filter((line) => metric.test(line))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** As many signatures have been checked, with whatever result. */
const signatureChecks = (name: Name) =>
  metricOf(name, /^portcullis_verified_token_cache_total\{result="miss"\}/)

describe('rates', () => {
  test('a subject has its own bucket, whatever its address; anonymous callers have one per address', async () => {
    const alice = await door.caller('read')
    expect(await statuses(8, () => ask('subject', alice))).toEqual({ 200: 5, 429: 3 })
    expect(await statuses(3, () => ask('subject', { ...alice, ...from('198.51.100.1') }))).toEqual({
      429: 3,
    })
    expect(await statuses(8, () => ask('subject', from('2001:db8::1')))).toEqual({ 200: 5, 429: 3 })
    expect((await ask('subject', from('2001:db8::ffff'))).status).toBe(429)
    expect((await ask('subject', from('2001:db8:0:1::1'))).status).toBe(200)
  })

  test('a refusal says when to retry, in the header and in the error', async () => {
    const { status, headers, body } = await ask('subject', await door.caller('read'))
    expect(status).toBe(429)
    const seconds = Number(headers['retry-after'])
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(720)
    expect(body.errors).toEqual([
      {
        message: `Too many requests: retry after ${seconds} seconds`,
        extensions: { code: 'TOO_MANY_REQUESTS', reason: 'RATE_EXCEEDED', retryAfter: seconds },
      },
    ])
  })

  test('an address counts before anything is authenticated or read, behind a trusted proxy only', async () => {
    const malformed = () =>
      door.post('address', 'not JSON', { ...from('192.0.2.1'), authorization: 'Bearer x' })
    expect(await statuses(8, malformed)).toEqual({ 401: 5, 429: 3 })
    expect((await ask('address', from('192.0.2.2'))).status).toBe(200)
    expect(await metricOf('address', /^portcullis_rate_limited_total\{rate="address"\}/)).toBe(3)
    const spoofed = () => ask('unproxied', from(`192.0.2.${users++}`))
    expect(await statuses(8, spoofed)).toEqual({ 200: 5, 429: 3 })
  })

  test('a client is the one of the access token, not the one of a header', async () => {
    const name = () => ({ 'apollographql-client-name': `client ${users++}` })
    expect(await statuses(8, () => ask('client', name()))).toEqual({ 200: 5, 429: 3 })
    const subjects = ['alice', 'bob', 'carol', 'dave']
    const callersOf = (claims: object) =>
      Promise.all(subjects.map((sub) => door.caller('read', { sub, ...claims })))
    const statusesOf = async (callers: Record<string, string>[]) => {
      let next = 0
      return statuses(8, () => ask('client', callers[next++ % callers.length]!))
    }
    expect(await statusesOf(await callersOf({}))).toEqual({ 200: 5, 429: 3 })
    const ofOpenIdConnect = { client_id: undefined, azp: 'another' }
    expect(await statusesOf(await callersOf(ofOpenIdConnect))).toEqual({ 200: 5, 429: 3 })
    expect(await statusesOf(await callersOf({ client_id: undefined }))).toEqual({ 200: 8 })
  })

  test('a root field counts each time it is selected, under whatever name', async () => {
    expect((await ask('operation', {}, 'query A { a: search b: search }')).status).toBe(200)
    expect(
      (await ask('operation', {}, 'query B { ...F } fragment F on Query { search c: search }'))
        .status,
    ).toBe(429)
    expect((await ask('operation', {}, 'query C { search cheap }')).status).toBe(200)
    expect((await ask('operation', {}, 'query D { search }')).status).toBe(429)
    expect((await ask('operation', {}, '{ cheap }')).status).toBe(200)
    expect(await statuses(5, () => ask('operation', {}, '{ __schema { description } }'))).toEqual({
      200: 3,
      429: 2,
    })
    const alice = await door.caller('read')
    expect(await statuses(5, () => ask('operation', alice, 'mutation { checkout }'))).toEqual({
      200: 2,
      429: 3,
    })
  })

  test('an operation that needs more points than a bucket holds is not asked to come again', async () => {
    const query = '{ a: search b: search c: search d: search }'
    const { status, headers, body } = await ask('operation', {}, query)
    expect(status).toBe(400)
    expect(headers['retry-after']).toBeUndefined()
    expect(body.errors).toEqual([
      {
        message:
          'The operation selects limited root fields 4 times, but at most 3 are allowed at once: send a smaller one, or several',
        extensions: { code: 'OPERATION_TOO_LARGE', reason: 'OPERATION_TOO_LARGE' },
      },
    ])
  })

  test('scopes choose the rate of a caller', async () => {
    expect(await statuses(6, () => ask('scopes'))).toEqual({ 200: 2, 429: 4 })
    const partner = await door.caller('read partner')
    expect(await statuses(6, () => ask('scopes', partner))).toEqual({ 200: 4, 429: 2 })
  })

  test('responses say what is left, if the configuration says so, and pages may read it', async () => {
    const origin = { origin: 'https://app.example.com' }
    const first = await ask('headers', origin)
    expect(first.headers).toMatchObject({
      'ratelimit-policy': '"address";q=600;w=60, "subject";q=60;w=3600',
      ratelimit: '"address";r=599;t=1, "subject";r=1;t=60',
    })
    expect(first.headers['access-control-expose-headers']).toMatch(/ratelimit,ratelimit-policy/i)
    await ask('headers')
    const refused = await ask('headers')
    expect(refused.status).toBe(429)
    expect(refused.headers).toMatchObject({ 'retry-after': '60' })
    expect(refused.headers.ratelimit).toMatch(/"subject";r=0;t=120$/)
    expect((await ask('none')).headers.ratelimit).toBeUndefined()
  })

  test.each(['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0'])(
    'a subscription by %s counts like a request',
    async (accept) => {
      const caller = await door.caller('read', { sub: accept })
      const subscribe = async () => {
        const { status, body } = await fetch(door.gateway('subject').url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept, ...caller },
          body: JSON.stringify({ query: 'subscription { ticks }' }),
        })
        await body?.cancel()
        return { status } as Response
      }
      expect(await statuses(7, subscribe)).toEqual({ 200: 5, 429: 2 })
      expect((await ask('subject', caller)).status).toBe(429)
    },
  )

  test('operations of a WebSocket count like requests', async () => {
    const client = createClient({
      url: `${door.gateway('scopes').url.replace('http', 'ws')}`,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({
        authorization: (await door.caller('read partner other'))['authorization'],
      }),
      retryAttempts: 0,
    })
    // The partner of the tests has used up its rate.
    const run = () =>
      new Promise<unknown>((resolve) => {
        let result: unknown
        client.subscribe(
          { query: '{ cheap }' },
          {
            next: (value) => void (result = value),
            error: (errors) => resolve(errors),
            complete: () => resolve(result),
          },
        )
      })
    const [error] = (await run()) as { extensions: { reason: string; retryAfter: number } }[]
    expect(error!.extensions).toMatchObject({ reason: 'RATE_EXCEEDED' })
    expect(error!.extensions.retryAfter).toBeGreaterThan(0)
    await client.dispose()
  })
})

describe('rates of cost', () => {
  const items = (first: number) => `{ items(first: ${first}) { id } }`
  const callerOf = (sub: string) => door.caller('read', { sub })
  const left = ({ headers }: Response) =>
    Number(/"costs";r=(\d+)/.exec(String(headers['ratelimit']))?.[1])

  test.each<Name>(['cost', 'cost, apollo'])(
    'an operation takes what it is estimated to cost, and one that is refused calls no subgraph: %s',
    async (name) => {
      const alice = await callerOf('alice')
      const first = await ask(name, alice, items(30))
      expect(first).toMatchObject({ status: 200 })
      expect([first.headers['ratelimit-policy'], left(first)]).toEqual(['"costs";q=50;w=86400', 20])
      const before = calls
      const refused = await ask(name, alice, items(21))
      expect(refused.status).toBe(429)
      const seconds = Number(refused.headers['retry-after'])
      // A point flows in each 1,728 seconds.
      expect(seconds).toBeGreaterThan(1_700)
      expect(seconds).toBeLessThanOrEqual(1_728)
      expect(refused.body.errors).toEqual([
        {
          message: `The estimated cost of the operation is 21, but 20 is left of the rate costs: retry after ${seconds} seconds`,
          extensions: { code: 'TOO_MANY_REQUESTS', reason: 'RATE_EXCEEDED', retryAfter: seconds },
        },
      ])
      expect(calls).toBe(before)
      expect(left(refused)).toBe(20)
      expect(left(await ask(name, alice, items(15)))).toBe(5)
      expect(await ask(name, await callerOf('bob'), items(50))).toMatchObject({ status: 200 })
    },
  )

  test('one that costs more than a bucket ever holds is not asked to come again', async () => {
    const { status, headers, body } = await ask('cost', await callerOf('carol'), items(51))
    expect(status).toBe(400)
    expect(headers['retry-after']).toBeUndefined()
    expect(body.errors).toEqual([
      {
        message:
          'The estimated cost of the operation is 51, but the rate costs never allows more than 50 at once: select fewer fields, or shorter lists',
        extensions: {
          code: 'COST_ESTIMATED_TOO_EXPENSIVE',
          reason: 'COST_ESTIMATED_TOO_EXPENSIVE',
          cost: { estimated: 51, max: 50 },
        },
      },
    ])
    expect(
      await metricOf('cost', /^portcullis_rate_limited_total\{rate="costs"\}/),
    ).toBeGreaterThan(0)
  })

  test('what a caller may not see costs nothing, but each operation takes a point', async () => {
    expect(left(await ask('cost', from('192.0.2.1'), '{ private cheap }'))).toBe(49)
    expect(left(await ask('cost', from('192.0.2.1'), '{ private }'))).toBe(48)
    expect(left(await ask('cost', from('192.0.2.1'), '{ __typename }'))).toBe(47)
    expect(left(await ask('cost', from('192.0.2.1'), '{ nothing }'))).toBeNaN()
    expect(left(await ask('cost', from('192.0.2.1'), '{ cheap }'))).toBe(46)
    expect((await ask('cost', await callerOf('dave'), '{ private }')).status).toBe(400)
  })

  test('a plan takes a point, whatever its operation costs', async () => {
    const body = { query: items(40), extensions: { plan: 'only' } }
    const plan = () => door.post('cost', body, from('192.0.2.9'))
    const planned = await plan()
    expect(planned).toMatchObject({ status: 200, body: { data: null } })
    expect(left(planned)).toBe(49)
    expect(await statuses(51, plan)).toEqual({ 200: 49, 429: 2 })
  })

  test('mutations and each element of a batch take their cost', async () => {
    const erin = await callerOf('erin')
    expect(left(await ask('cost', erin, 'mutation { checkout }'))).toBe(40)
    const batch = [items(20), items(25), items(15), '{ cheap }'].map((query) => ({ query }))
    const { status, text } = await door.post('cost', batch, erin)
    expect(status).toBe(200)
    const results = JSON.parse(text) as { errors?: { extensions: object }[] }[]
    expect(results.map(({ errors }) => errors?.[0]?.extensions)).toEqual([
      undefined,
      expect.objectContaining({ reason: 'RATE_EXCEEDED' }),
      undefined,
      undefined,
    ])
  })

  test('a rate of cost counts the operations and callers that its conditions name', async () => {
    const frank = await callerOf('frank')
    const ask50 = (headers: Record<string, string>) =>
      statuses(8, () => ask('cost of some', headers, items(10)))
    expect(await statuses(60, () => ask('cost of some', frank, '{ cheap }'))).toEqual({ 200: 60 })
    expect(await ask50(frank)).toEqual({ 200: 5, 429: 3 })
    expect(await ask50(await door.caller('partner', { sub: 'frank' }))).toEqual({ 200: 8 })
    // What the budget refuses takes nothing.
    const grace = await callerOf('grace')
    expect(await statuses(9, () => ask('cost of some', grace, items(21)))).toEqual({ 400: 9 })
    expect(await ask50(grace)).toEqual({ 200: 5, 429: 3 })
  })

  test('an address has a bucket of cost, whoever comes from there', async () => {
    const heidi = { ...(await callerOf('heidi')), ...from('192.0.2.7') }
    expect((await ask('cost by address', heidi, items(40))).status).toBe(200)
    expect((await ask('cost by address', from('192.0.2.7'), items(11))).status).toBe(429)
    expect((await ask('cost by address', from('192.0.2.8'), items(11))).status).toBe(200)
  })

  test('a subscription takes the cost of an event when it begins, by a WebSocket and by an event stream', async () => {
    const { authorization } = await callerOf('ivan')
    const client = createClient({
      url: door.gateway('cost').url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
      retryAttempts: 0,
    })
    const run = async (query: string) => {
      const values: unknown[] = []
      for await (const value of client.iterate({ query })) values.push(value)
      return values
    }
    const headers = { authorization: authorization! }
    expect(await run('subscription { reports }')).toHaveLength(20)
    expect(left(await ask('cost', headers, '{ cheap }'))).toBe(45)
    const response = await fetch(door.gateway('cost').url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
      body: JSON.stringify({ query: 'subscription { reports }' }),
    })
    expect((await response.text()).match(/event: next/g)).toHaveLength(20)
    expect(left(await ask('cost', headers, '{ report }'))).toBe(11)
    expect(left(await ask('cost', headers, items(8)))).toBe(3)
    const before = calls
    for (const query of ['subscription { reports }', items(4)]) {
      const [error] = (await run(query).catch((error: unknown) => error)) as {
        extensions: { reason: string; retryAfter: number }
      }[]
      expect(error!.extensions).toMatchObject({ reason: 'RATE_EXCEEDED' })
      expect(error!.extensions.retryAfter).toBeGreaterThan(0)
    }
    expect(calls).toBe(before)
    await client.dispose()
  })
})

describe('batches', () => {
  const batch = (name: Name, queries: readonly unknown[], headers: Record<string, string> = {}) =>
    door.post(
      name,
      queries.map((query) => ({ query })),
      headers,
    )

  test('each element is a request of its own, and responses are in their order', async () => {
    const alice = await door.caller('read', { sub: 'alice' })
    const queries = ['{ a: cheap }', 'mutation { checkout }', '{ nothing }', '{ __typename }', 7]
    const { status, headers, text } = await batch('batches', queries, alice)
    expect({ status, type: headers['content-type'] }).toEqual({
      status: 200,
      type: 'application/json; charset=utf-8',
    })
    const [first, second, third, fourth, fifth] = JSON.parse(text)
    expect([first, second, fourth]).toEqual([
      { data: { a: 1 } },
      { data: { checkout: 3 } },
      { data: { __typename: 'Query' } },
    ])
    expect(third.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
    expect(fifth.errors[0].message).toContain('`query` must be a string')
  })

  test('each element counts for the rates, and the status is theirs where they agree', async () => {
    const bob = await door.caller('read', { sub: 'bob' })
    const ten = Array.from({ length: 10 }, () => '{ cheap }')
    expect((await batch('batches', ten, bob)).status).toBe(200)
    const partly = await batch('batches', ten, bob)
    expect(partly.status).toBe(200)
    const results = JSON.parse(partly.text) as { data?: unknown; errors?: unknown }[]
    expect(results.filter(({ errors }) => !errors)).toHaveLength(2)
    const refused = await batch('batches', ten, bob)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    const bad = await batch('batches', ten, { authorization: 'Bearer x' })
    expect(bad.status).toBe(401)
    expect(bad.headers['www-authenticate']).toContain('invalid_token')
    expect(JSON.parse(bad.text)).toHaveLength(10)
  })

  test('the headers say what is left after all elements, whether their statuses agree or not', async () => {
    const left = async (sub: string, count: number) => {
      const caller = await door.caller('read', { sub })
      const { status, headers } = await batch('headers', Array(count).fill('{ cheap }'), caller)
      return [status, /"subject";r=(\d+)/.exec(String(headers['ratelimit']))?.[1]]
    }
    expect(await left('eve', 1)).toEqual([200, '1'])
    expect(await left('frank', 2)).toEqual([200, '0'])
    expect(await left('grace', 3)).toEqual([200, '0'])
  })

  test('the headers are those of the element that left the fewest, wherever it is', async () => {
    const caller = await door.caller('read', { sub: 'heidi' })
    for (const queries of [
      ['{ search }', '{ cheap }'],
      ['{ cheap }', '{ search }'],
    ]) {
      const { headers } = await batch('fields', queries, caller)
      expect(headers['ratelimit-policy']).toMatch(/"searches";q=3/)
      expect(headers['ratelimit']).toMatch(/"searches";r=[12];/)
    }
    const { headers } = await batch('fields', ['{ cheap }'], caller)
    expect(headers['ratelimit']).not.toContain('searches')
  })

  test('a batch that is too large, empty, nested or not JSON is refused as a whole, and so is any without the setting', async () => {
    const carol = await door.caller('read', { sub: 'carol' })
    const reasonOf = ({ status, body }: Response) => [
      status,
      body.errors![0]!.extensions['reason'],
      body.errors![0]!.message,
    ]
    const eleven = Array.from({ length: 11 }, () => '{ cheap }')
    expect(reasonOf(await batch('batches', eleven, carol))).toEqual([
      400,
      'BATCH_TOO_LARGE',
      'The batch has too many operations: send at most 10 per request',
    ])
    expect(reasonOf(await batch('batches', [], carol))).toEqual([
      400,
      'BAD_REQUEST',
      'The batch is empty: send an operation',
    ])
    const malformed = [
      '[{"query":',
      '[{"query":"{ cheap }"}',
      '[{"query":"{ cheap }"},]',
      '[{}] []',
      '['.repeat(50_000),
    ]
    for (const text of malformed) {
      const response = await door.post('batches', text, carol)
      expect([text.slice(0, 30), ...reasonOf(response).slice(0, 2)]).toEqual([
        text.slice(0, 30),
        400,
        'INVALID_JSON',
      ])
    }
    const numbers = await door.post(
      'batches',
      '[{"query":"{ cheap }","variables":{"a":1e999}}]',
      carol,
    )
    expect(JSON.parse(numbers.text)[0].errors[0].extensions.code).toBe('BAD_USER_INPUT')
    const deepList = `[${'['.repeat(40_000)}${']'.repeat(40_000)}]`
    expect(
      JSON.parse((await door.post('batches', deepList, carol)).text)[0].errors[0].extensions,
    ).toEqual({ code: 'BAD_REQUEST', reason: 'BATCH_REFUSED' })
    const nested = await door.post('batches', [[{ query: '{ cheap }' }], null], carol)
    expect(nested.status).toBe(400)
    const reasons = JSON.parse(nested.text).map(
      (element: Response['body']) => element.errors![0]!.extensions['reason'],
    )
    expect(reasons).toEqual(['BATCH_REFUSED', 'BAD_REQUEST'])
    expect(reasonOf(await batch('none', ['{ cheap }']))[1]).toBe('BATCH_REFUSED')
  })

  test('a subscription in a batch gets an error, whatever the client accepts', async () => {
    const accept = { accept: 'text/event-stream', ...(await door.caller('read', { sub: 'dave' })) }
    const { status, text } = await batch('batches', ['subscription { ticks }', '{ cheap }'], accept)
    expect(status).toBe(200)
    const [subscription, query] = JSON.parse(text)
    expect(subscription.errors[0].extensions.code).toBe('SUBSCRIPTION_TRANSPORT_NEEDED')
    expect(query).toEqual({ data: { cheap: 1 } })
  })
})

describe('failed authentications', () => {
  let genuine = ''
  beforeAll(async () => {
    genuine = (await door.caller('read'))['authorization']!
  })

  /** Returns a token of the issuer of the tests with a signature that is not. */
  function bad(): string {
    const signature = Buffer.alloc(64, 1)
    signature.writeUInt32BE(users++, 0)
    const [header, payload] = genuine.split('.')
    return `${header}.${payload}.${signature.toString('base64url')}`
  }

  test('thousands of bad tokens of one network cost no more checks than the limit; others are served', async () => {
    const known = await door.caller('read')
    expect((await ask('failures', { ...known, ...from('192.0.2.200') })).status).toBe(200)
    const before = await signatureChecks('failures')
    const flood = () =>
      ask('failures', { authorization: bad(), ...from(`192.0.2.${users++ % 250}`) })
    const [reason] = (await flood()).body.errors!
    expect(reason!.extensions['reason']).toBe('SIGNATURE_INVALID')
    const counts: Record<string, number> = {}
    for (let round = 0; round < 20; round++) {
      for (const [status, count] of Object.entries(await statuses(100, flood))) {
        counts[status] = (counts[status] ?? 0) + count
      }
    }
    expect(counts).toEqual({ 401: 9, 429: 1_991 })
    expect((await signatureChecks('failures')) - before).toBe(10)
    const refused = await flood()
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(360)
    expect(refused.headers['www-authenticate']).toBeUndefined()
    expect(refused.body.errors![0]!.extensions).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      reason: 'AUTHENTICATION_RATE_EXCEEDED',
    })
    // A caller of the same network who is known, one who is not, one of another network, and an anonymous one.
    const sameNetwork = from('192.0.2.1')
    expect((await ask('failures', { ...known, ...sameNetwork })).status).toBe(200)
    expect(
      (await ask('failures', { ...(await door.caller('other')), ...sameNetwork })).status,
    ).toBe(429)
    expect(
      (await ask('failures', { ...(await door.caller('third')), ...from('192.0.3.1') })).status,
    ).toBe(200)
    expect((await ask('failures', sameNetwork)).status).toBe(200)
    expect(
      await metricOf('failures', /^portcullis_rate_limited_total\{rate="failed_authentications"\}/),
    ).toBe(1_993)
    expect(door.complaints('failures')).toEqual([])
  })

  test('one bad token again and again counts each time, though it is checked once', async () => {
    const authorization = bad()
    const again = () => ask('failures', { authorization, ...from('2001:db8:0:aa01::1') })
    expect(await statuses(30, again)).toEqual({ 401: 10, 429: 20 })
    expect((await ask('failures', { authorization, ...from('2001:db8:0:aaff::1') })).status).toBe(
      429,
    )
    expect((await ask('failures', { authorization, ...from('2001:db8:0:ab00::1') })).status).toBe(
      401,
    )
  })

  test('without the cache nobody is known, and anonymous callers are served', async () => {
    const flood = () => ask('uncached', { authorization: bad() })
    const known = await door.caller('read')
    expect((await ask('uncached', known)).status).toBe(200)
    expect(await statuses(30, flood)).toEqual({ 401: 10, 429: 20 })
    expect((await ask('uncached', known)).status).toBe(429)
    expect((await ask('uncached')).status).toBe(200)
  })

  test('tokens that were good once do not count', async () => {
    const anHourAgo = Math.floor(Date.now() / 1_000) - 3_600
    const expired = await door.caller('read', { exp: anHourAgo })
    const late = () => ask('failures', { ...expired, ...from('203.0.113.9') })
    expect(await statuses(30, late)).toEqual({ 401: 30 })
  })

  test('API keys that are refused count, and none is exchanged beyond the limit', async () => {
    const send = (key: string, network = '192.0.2.1') =>
      ask('keys', { authorization: `Bearer ${key}`, ...from(network) })
    expect((await send(goodKey)).status).toBe(200)
    const bad = () => send(`pck_bad${users++}`)
    expect(await statuses(8, bad)).toEqual({ 401: 3, 429: 5 })
    expect(exchanged).toHaveLength(4)
    expect((await send(goodKey)).status).toBe(200)
    expect((await send('pck_bad', '192.0.3.1')).status).toBe(401)
  })

  test('an office whose people arrive together is not refused', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 100 }, (_value, index) => door.caller(`scope${index}`)),
    )
    let next = 0
    const arrive = () => ask('failures', { ...tokens[next++]!, ...from('198.51.100.7') })
    expect(await statuses(100, arrive)).toEqual({ 200: 100 })
  })
})
