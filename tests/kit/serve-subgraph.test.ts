import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { request } from 'node:http'
import { GraphQLError, parse } from 'graphql'
import { claimsHeaderName, deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import { grantedScopes, requireClaims, requireScopes } from '../../subgraphs/kit/guards.ts'
import { processLog } from '../../subgraphs/kit/process/log.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { serveSubgraph } from '../../subgraphs/kit/serve-subgraph.ts'
import { gatewayHeaders } from '../../subgraphs/kit/testing.ts'
import { recordedLog } from '../support/recorded-log.ts'

const key = deriveClaimsKey('a gateway secret of thirty-two bytes', 'things')
const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { me: String secret: String broken: String failing: String }
  type Thing @key(fields: "id") { id: ID! }
`)

let running: RunningProcess
let ready = true
const { log, lines } = recordedLog()

beforeAll(async () => {
  running = await serveSubgraph({
    name: 'things',
    typeDefs,
    keys: [key],
    host: '127.0.0.1',
    port: 0,
    portSetting: 'THINGS_PORT',
    log,
    ready: async () => {
      if (!ready) throw new Error('not yet')
    },
    resolvers: {
      Query: {
        me: (_parent, _args, context) => requireClaims(context).sub,
        secret: (_parent, _args, context) => requireScopes(context, 'read', 'write').sub,
        broken: () => {
          throw new Error('the password of the database is hunter2')
        },
        failing: () => {
          throw new GraphQLError('No such thing', { extensions: { code: 'BAD_USER_INPUT' } })
        },
      },
      Thing: { __resolveReference: ({ id }: { id: string }) => ({ id }) },
    },
  })
})
afterAll(() => running.close())

test('the log of a subgraph adds no listener to the process while no line waits', () => {
  const before = process.listenerCount('exit')
  processLog('things')
  expect(process.listenerCount('exit')).toBe(before)
})

test('while a subgraph announces that it stops, /ready is 503 and requests get a response', async () => {
  const stopping = await serveSubgraph({
    name: 'things',
    typeDefs: 'type Query { me: String }',
    resolvers: { Query: { me: () => 'me' } },
    keys: [key],
    host: '127.0.0.1',
    port: 0,
    drain: { announce: 1_000, finish: 1_000 },
  })
  const closed = stopping.close()
  const readiness = await fetch(new URL('/ready', stopping.url))
  expect([readiness.status, readiness.headers.get('connection')]).toEqual([503, 'close'])
  expect(await readiness.json()).toEqual({ status: 'stopping' })
  const response = await fetch(stopping.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...anonymous },
    body: '{"query":"{ me }"}',
  })
  expect(await response.json()).toEqual({ data: { me: 'me' } })
  await closed
  await expect(fetch(stopping.url)).rejects.toThrow()
})

const alice = gatewayHeaders('things', key, { sub: '1', scope: 'read' })
const anonymous = gatewayHeaders('things', key, null)

async function post(headers: Record<string, string>, query: string) {
  const response = await fetch(running.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
  return { status: response.status, body: (await response.json()) as any }
}

describe('a subgraph', () => {
  test('responds to its gateway, and its resolvers get the caller', async () => {
    expect(await post(alice, '{ me }')).toEqual({ status: 200, body: { data: { me: '1' } } })
  })

  test('responds to an anonymous caller with UNAUTHENTICATED', async () => {
    const { body } = await post(anonymous, '{ me }')
    expect(body.data).toEqual({ me: null })
    expect(body.errors[0].extensions.code).toBe('UNAUTHENTICATED')
  })

  test('names the scope that a known caller lacks', async () => {
    const { body } = await post(alice, '{ secret }')
    expect(body.errors[0].extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['write'] })
  })

  test.each([
    ['a query', '{ me }'],
    ['_service', '{ _service { sdl } }'],
    [
      '_entities',
      '{ _entities(representations: [{ __typename: "Thing", id: "1" }]) { __typename } }',
    ],
    ['introspection', '{ __schema { types { name } } }'],
  ])('answers 401 to %s that did not come through the gateway', async (_name, query) => {
    const { status, body } = await post({}, query)
    expect({ status, code: body.errors[0].extensions.code }).toEqual({
      status: 401,
      code: 'UNAUTHENTICATED',
    })
    expect(body.data).toBeUndefined()
    expect((await post(anonymous, query)).status).toBe(200)
  })

  test('responds with 401 to a header for another subgraph', async () => {
    const other = gatewayHeaders('others', key, { sub: '1' })
    expect((await post(other, '{ me }')).status).toBe(401)
  })

  test('responds with 401 to two headers, even if both are valid', async () => {
    const [header = ''] = Object.values(alice)
    expect(await postRaw([claimsHeaderName, header, claimsHeaderName, header])).toBe(401)
    expect(await postRaw([claimsHeaderName, header])).toBe(200)
  })

  test('responds to GET with 401, too', async () => {
    const response = await fetch(`${running.url}?query={me}`)
    expect(response.status).toBe(401)
  })

  test('responds with 400 to a body that is not JSON', async () => {
    const response = await fetch(running.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...alice },
      body: '{',
    })
    expect(response.status).toBe(400)
  })

  test('hides what a resolver did not mean to say, and logs it', async () => {
    const { body } = await post(alice, '{ broken failing }')
    expect(body.errors.map(({ message }: Error) => message)).toEqual([
      'Internal server error',
      'No such thing',
    ])
    expect(JSON.stringify(body)).not.toMatch(/hunter2|stacktrace/)
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({
        err: expect.objectContaining({ message: expect.stringContaining('hunter2') }),
      }),
    )
  })

  test('reports how many requests it accepted and refused', async () => {
    const health = async () => {
      const response = await fetch(new URL('/health', running.url))
      return ((await response.json()) as { requests: { answered: number; refused: number } })
        .requests
    }
    const before = await health()
    await post(alice, '{ me }')
    await post({}, '{ me }')
    const after = await health()
    expect(after).toEqual({ answered: before.answered + 1, refused: before.refused + 1 })
  })

  test('is ready when it says so', async () => {
    const status = async () => (await fetch(new URL('/ready', running.url))).status
    expect(await status()).toBe(200)
    ready = false
    expect(await status()).toBe(503)
    ready = true
  })
})

test('scopes are a text with spaces or a list', () => {
  expect(grantedScopes({ sub: '1', scope: 'a b  c' })).toEqual(['a', 'b', 'c'])
  expect(grantedScopes({ sub: '1', scope: ['a', 1, 'b'] })).toEqual(['a', 'b'])
  expect(grantedScopes({ sub: '1' })).toEqual([])
})

/** fetch joins equal headers into one; the wire does not. */
function postRaw(headers: string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { host } = new URL(running.url)
    const all = ['host', host, 'content-type', 'application/json', ...headers]
    const outgoing = request(running.url, { method: 'POST', headers: all }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    outgoing.on('error', reject)
    outgoing.end(JSON.stringify({ query: '{ me }' }))
  })
}
