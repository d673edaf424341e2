/** What of a client's request reaches the calls to subgraphs, over real HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync } from 'node:zlib'
import { parse } from 'graphql'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import { warmUp } from '../../gateway/supergraph/warm-up.ts'
import { compose } from '../support/compose.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ['
const slowSdl = `${link}"@key"])
  type Query { slow: Int }
  type Mutation { change: Int }`
const quickSdl = `${link}"@context", "@fromContext", "@key"])
  type Query { quick: Int shop: Shop }
  type Shop @key(fields: "id") @context(name: "shop") { id: ID! currency: String! item: Item }
  type Item @key(fields: "id") { id: ID! price(currency: String @fromContext(field: "$shop { currency }")): String }`

interface Call {
  request: IncomingMessage
  response: ServerResponse
  closed: boolean
}

/** A subgraph whose responses the test releases. */
let slow: Server
const slowCalls: Call[] = []
let quick: Server
const quickRequests: IncomingMessage[] = []
let issuer: TestIssuer
let gateway: RunningGateway

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

beforeAll(async () => {
  issuer = await startIssuer()
  slow = createServer((request, response) => {
    const call = { request, response, closed: false }
    response.on('close', () => (call.closed = true))
    request.resume().on('end', () => slowCalls.push(call))
  })
  quick = createServer((request, response) => {
    quickRequests.push(request)
    const shop = { id: 's', currency: 'CHF', item: { __typename: 'Item', id: 'i' } }
    const entities = [{ __typename: 'Item', price: '7 CHF' }]
    const data = { quick: 1, shop: { __typename: 'Shop', ...shop }, _entities: entities }
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.setHeader('content-encoding', 'br')
      response.end(brotliCompressSync(JSON.stringify({ data })))
    })
  })
  for (const server of [slow, quick]) {
    await new Promise<void>((ready) => server.unref().listen(0, '127.0.0.1', ready))
  }
  gateway = await runGateway(
    [
      { name: 'slow', url: urlOf(slow), sdl: slowSdl },
      { name: 'quick', url: urlOf(quick), sdl: quickSdl },
    ],
    `authentication:
  issuers:
    - { issuer: '${issuer.issuer}', jwks_uri: '${issuer.jwksUri}', audiences: [portcullis], algorithms: [ES256] }
http: { deadline: 1s }
metrics: { port: 0 }
claims: { forward: [sub, name], subgraphs: { slow: { forward: [name] } } }
subgraphs:
  slow: { deduplicate_requests: true }
  quick: { compression: true }
`,
  )
})

afterAll(async () => {
  await gateway?.close()
  for (const server of [slow, quick]) server?.closeAllConnections()
  await issuer?.close()
})

beforeEach(() => {
  for (const { response } of slowCalls) response.end('{}')
  slowCalls.length = 0
  quickRequests.length = 0
})

async function post(query: string, options: RequestInit = {}): Promise<unknown> {
  const response = await fetch(gateway.url, {
    method: 'POST',
    ...options,
    headers: { 'content-type': 'application/json', ...options.headers },
    body: JSON.stringify({ query }),
  })
  return response.json()
}

const bearer = async (claims: Record<string, unknown>) => ({
  headers: { authorization: `Bearer ${await issuer.accessToken(claims)}` },
})

/** The first request of an operation, and a repeated one. */
describe.each(['first', 'second'])('the %s time an operation is seen', () => {
  test('what is missing at the deadline is an error, and the rest is in the response', async () => {
    expect(await post('{ slow quick }')).toEqual({
      data: { slow: null, quick: 1 },
      errors: [
        {
          message: expect.any(String),
          path: ['slow'],
          extensions: { code: 'SUBGRAPH_TIMEOUT' },
        },
      ],
    })
  })

  test('a mutation ends when its client goes away', async () => {
    const client = new AbortController()
    const answering = post('mutation { change }', { signal: client.signal })
    await until(() => slowCalls.length === 1)
    client.abort()
    await expect(answering).rejects.toThrow('abort')
    await until(() => slowCalls[0]!.closed)
    expect(slowCalls).toHaveLength(1)
    // The subgraph has done nothing wrong: its failures are what an operator is woken for.
    await until(() => /"subgraph":"slow".*"subgraph call cancelled/.test(gateway.log.at(-1)!))
    const metrics = /"url":"([^"]+\/metrics)"/.exec(gateway.log.join(''))![1]!
    const text = await (await fetch(metrics)).text()
    expect(text).toContain('_count{subgraph="slow",outcome="cancelled"}')
  })

  test("the client's place in a trace is passed on when it is well-formed", async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    await post('{ quick }', { headers: { traceparent } })
    await post('{ quick }', { headers: { traceparent: `${traceparent}\x09x` } })
    await post('{ quick }', {
      headers: { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` },
    })
    expect(quickRequests.map(({ headers }) => headers.traceparent)).toEqual([
      traceparent,
      undefined,
      undefined,
    ])
  })

  test('a subgraph may compress where it is configured to', async () => {
    expect(await post('{ quick }')).toEqual({ data: { quick: 1 } })
    expect(quickRequests[0]!.headers['accept-encoding']).toBe('gzip, br')
  })

  test('an argument from the context of an object', async () => {
    expect(await post('{ shop { item { price } } }')).toEqual({
      data: { shop: { item: { price: '7 CHF' } } },
    })
  })
})

describe('identical concurrent queries are deduplicated, if configured,', () => {
  const answerAll = async (data: object) => {
    for (const { response } of slowCalls) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }))
    }
  }

  test('among callers whose forwarded claims are equal', async () => {
    const [one, other] = await Promise.all([bearer({ jti: 'a' }), bearer({ jti: 'b' })])
    const answering = Promise.all([post('{ slow }', one), post('{ slow }', other)])
    await until(() => slowCalls.length > 0)
    await post('{ quick }', one)
    expect(slowCalls).toHaveLength(1)
    await answerAll({ slow: 5 })
    expect(await answering).toEqual([{ data: { slow: 5 } }, { data: { slow: 5 } }])
  })

  test('and never among others', async () => {
    const [one, other] = await Promise.all([bearer({ name: 'Alice' }), bearer({ name: 'Bob' })])
    const answering = Promise.all([
      post('{ slow }', one),
      post('{ slow }', other),
      post('{ slow }'),
    ])
    await until(() => slowCalls.length === 3)
    await answerAll({ slow: 5 })
    await answering
  })

  test('nor for mutations', async () => {
    const answering = Promise.all([post('mutation { change }'), post('mutation { change }')])
    await until(() => slowCalls.length === 2)
    await answerAll({ change: 5 })
    await answering
  })

  test('and do not end because one of the clients goes away', async () => {
    const client = new AbortController()
    const gone = post('{ slow }', { signal: client.signal })
    await until(() => slowCalls.length === 1)
    const answering = post('{ slow }')
    client.abort()
    await expect(gone).rejects.toThrow('abort')
    await post('{ quick }')
    await answerAll({ slow: 5 })
    expect(await answering).toEqual({ data: { slow: 5 } })
  })
})

test('before a new supergraph serves, the recently used operations that are still valid are planned', async () => {
  const fetchSubgraph = () => Promise.reject(new Error('nothing is executed'))
  const engineOf = (sdl: string) =>
    nativeExecutor({
      supergraphSdl: compose([{ name: 'a', url: 'http://a.test', sdl }]),
      fetchSubgraph,
    })
  const old = await engineOf('type Query { stays: Int goes: Int }')
  for (const text of ['{ stays }', '{ goes }', 'query Named { stays stays }']) {
    await old.prepare({ document: parse(text), operationName: /Named/.exec(text)?.[0] })
  }
  const fresh = await engineOf('type Query { stays: Int comes: Int }')
  await warmUp(fresh, old)
  const ready = [...fresh.operations()]
  expect(ready.map(({ operationName }) => operationName).sort()).toEqual(['Named', undefined])
  expect(await fresh.prepare({ document: parse('{ stays }') })).toBe(
    ready.find(({ operationName }) => operationName === undefined),
  )
})
