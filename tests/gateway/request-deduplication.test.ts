/** Which callers share a request to a subgraph, over real HTTP: those of whom the same is forwarded. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'

/** Every subgraph has one field of its name. `mark` responds immediately, the others when the test releases them. */
const subgraphs = [
  ...(['bare', 'claims', 'plain', 'client', 'cookies'] as const),
  ...(['named', 'pattern', 'defaulted', 'token', 'mark'] as const),
]
type Held = Exclude<(typeof subgraphs)[number], 'mark'>

/** What each response says besides its data. */
let served = 0

interface Call {
  readonly headers: IncomingHttpHeaders
  respond(setCookie?: string): void
}

const calls: Call[] = []
let marks = 0
let issuer: TestIssuer
let gateway: RunningGateway

const server = createServer((request, response) => {
  const field = request.url!.slice(1)
  request.resume().on('end', () => {
    if (field === 'mark') {
      marks++
      return write(response, field)
    }
    calls.push({
      headers: request.headers,
      respond(setCookie) {
        if (setCookie !== undefined) response.setHeader('set-cookie', setCookie)
        write(response, field)
      },
    })
  })
})

function write(response: ServerResponse, field: string): void {
  response.setHeader('content-type', 'application/json')
  if (field === 'mark') return void response.end('{"data":{"mark":1}}')
  response.setHeader('x-served', String(++served))
  response.end(JSON.stringify({ data: { [field]: 1 }, extensions: { cost: served, debug: 1 } }))
}

beforeAll(async () => {
  issuer = await startIssuer()
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  gateway = await runGateway(
    subgraphs.map((name) => ({
      name,
      url: `http://127.0.0.1:${port}/${name}`,
      sdl: `type Query { ${name}: Int }`,
    })),
    `authentication:
  issuers:
    - { issuer: '${issuer.issuer}', jwks_uri: '${issuer.jwksUri}', audiences: [portcullis], algorithms: [ES256] }
http: { trusted_proxies: 1 }
claims:
  forward: [name, team]
  subgraphs:
    bare: { forward: [] }
    claims: { forward: [name] }
    plain: { forward: [team], headers: { x-team: team } }
    client: { forward: [], client: true }
    cookies: { forward: [], cookies: [basket] }
subgraphs:
  all:
    share: true
    headers: { response: [{ propagate: { named: x-served } }] }
    response_extensions: [cost]
  mark: { share: false }
  named: { headers: { request: [{ propagate: { named: x-stage, rename: x-place } }] } }
  pattern: { headers: { request: [{ propagate: { matching: 'x-acme-*' } }] } }
  defaulted: { headers: { request: [{ propagate: { named: x-stage, default: main } }] } }
  token: { pass_token: true }
`,
  )
})

afterAll(async () => {
  await gateway?.close()
  server.closeAllConnections()
  server.close()
  await issuer?.close()
})

afterEach(() => {
  calls.splice(0).forEach((call) => call.respond())
})

interface Client {
  /** Claims of a new access token. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** The text of an access token. */
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends the query of a client and resolves when the gateway has dispatched its requests to subgraphs. */
async function send(field: Held, { token, claims, headers }: Client) {
  const accessToken = token ?? (claims && (await issuer.accessToken(claims)))
  const authorization = accessToken && `Bearer ${accessToken}`
  const before = marks
  const responding = fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(authorization ? { authorization } : {}),
      ...headers,
    },
    body: JSON.stringify({ query: `{ ${field} mark }` }),
  })
  await until(() => marks > before)
  return async () => {
    const response = await responding
    const { data, extensions } = (await response.json()) as Record<string, unknown>
    expect(data).toEqual({ [field]: 1, mark: 1 })
    // Whoever shares a response gets all of it.
    expect(extensions).toEqual({ cost: Number(response.headers.get('x-served')) })
    return response.headers.getSetCookie()
  }
}

/** Sends the queries of two clients and returns the headers of each request that the subgraph got. */
async function requestsFor(field: Held, one: Client, other: Client) {
  const responses = [await send(field, one), await send(field, other)]
  // One round trip more: what was to reach the subgraph has reached it.
  await (await fetch(`${gateway.url}?query={mark}`)).text()
  await until(() => calls.length > 0)
  const requests = calls.splice(0)
  requests.forEach((call) => call.respond())
  for (const response of responses) await response()
  return requests.map(({ headers }) => headers)
}

const nameOf = ({ 'gateway-claims': header }: IncomingHttpHeaders) =>
  (decodeJwt(String(header)).claims as { name?: string }).name

interface Kind {
  readonly subgraph: Held
  readonly one: Client
  /** Differs from `one` in something that this subgraph does not get. */
  readonly alike: Client
  /** Differs from `one` in what this subgraph gets. */
  readonly different: Client
  readonly headerOf: (headers: IncomingHttpHeaders) => unknown
  readonly values: readonly [string, string]
}

const kinds: Readonly<Record<string, Kind>> = {
  'a claim in the claims header': {
    subgraph: 'claims',
    one: { claims: { name: 'Alice', team: 'a' } },
    alike: { claims: { name: 'Alice', team: 'b' } },
    different: { claims: { name: 'Bob', team: 'a' } },
    headerOf: nameOf,
    values: ['Alice', 'Bob'],
  },
  'a claim in a plain header': {
    subgraph: 'plain',
    one: { claims: { name: 'Alice', team: 'a' } },
    alike: { claims: { name: 'Bob', team: 'a' } },
    different: { claims: { name: 'Alice', team: 'b' } },
    headerOf: (headers) => headers['x-team'],
    values: ['a', 'b'],
  },
  "the client's address": {
    subgraph: 'client',
    one: { headers: { 'x-forwarded-for': '10.0.0.1' } },
    alike: { headers: { 'x-forwarded-for': '::ffff:10.0.0.1', 'accept-language': 'de' } },
    different: { headers: { 'x-forwarded-for': '10.0.0.2' } },
    headerOf: (headers) => headers['gateway-client-address'],
    values: ['10.0.0.1', '10.0.0.2'],
  },
  "the client's agent": {
    subgraph: 'client',
    one: { headers: { 'user-agent': 'One/1' } },
    alike: { headers: { 'user-agent': 'One/1', cookie: 'basket=1' } },
    different: { headers: { 'user-agent': 'Two/1' } },
    headerOf: (headers) => headers['gateway-client-agent'],
    values: ['One/1', 'Two/1'],
  },
  'a cookie': {
    subgraph: 'cookies',
    one: { headers: { cookie: 'basket=1' } },
    alike: { headers: { cookie: 'basket=1; theme=dark' } },
    different: { headers: { cookie: 'basket=2' } },
    headerOf: (headers) => headers.cookie,
    values: ['basket=1', 'basket=2'],
  },
  'a header that is named': {
    subgraph: 'named',
    one: { headers: { 'x-stage': 'a' } },
    alike: { headers: { 'x-stage': 'a', 'x-place': 'b', 'x-acme-order': '1' } },
    different: { headers: { 'x-stage': 'b' } },
    headerOf: (headers) => headers['x-place'],
    values: ['a', 'b'],
  },
  'a header that a pattern passes': {
    subgraph: 'pattern',
    one: { headers: { 'x-acme-order': '1' } },
    alike: { headers: { 'x-stage': 'a', 'x-acme-order': '1', 'x-acme-user': '2' } },
    different: { headers: { 'x-acme-order': '2' } },
    headerOf: (headers) => headers['x-acme-order'],
    values: ['1', '2'],
  },
  'a header with a default': {
    subgraph: 'defaulted',
    one: {},
    alike: { headers: { 'x-stage': 'main' } },
    different: { headers: { 'x-stage': 'other' } },
    headerOf: (headers) => headers['x-stage'],
    values: ['main', 'other'],
  },
}

describe.each(Object.entries(kinds))('%s', (_kind, kind) => {
  const { subgraph, one, alike, different, headerOf, values } = kind

  test('is sent once for callers that have the same', async () => {
    const requests = await requestsFor(subgraph, one, alike)
    expect(requests.map(headerOf)).toEqual([values[0]])
  })

  test('is not shared between callers that differ in it', async () => {
    const requests = await requestsFor(subgraph, one, different)
    expect(requests.map(headerOf).sort()).toEqual(values)
  })

  test('is no difference to a subgraph that does not get it', async () => {
    expect(await requestsFor('bare', one, different)).toHaveLength(1)
  })
})

test('an access token that passes is shared by its requests alone', async () => {
  const tokens = [await issuer.accessToken({ sub: '1' }), await issuer.accessToken({ sub: '1' })]
  const [one, other] = tokens.map((token) => ({ token }))
  const authorizations = async (...clients: [Client, Client]) =>
    (await requestsFor('token', ...clients)).map(({ authorization }) => authorization)
  expect(await authorizations(one!, one!)).toEqual([`Bearer ${tokens[0]}`])
  const both = await authorizations(one!, other!)
  expect(both.sort()).toEqual(tokens.map((token) => `Bearer ${token}`).sort())
  expect(await requestsFor('bare', one!, other!)).toHaveLength(1)
  expect(gateway.log.join()).not.toContain(tokens[0])
})

test('callers share a request with any traceparent: it carries that of the first', async () => {
  const traceparent = (id: string) => `00-${id.repeat(32)}-00f067aa0ba902b7-01`
  const [one, other] = [traceparent('1'), traceparent('2')].map((value) => ({
    headers: { traceparent: value },
  }))
  const requests = await requestsFor('bare', one!, other!)
  expect(requests.map((headers) => headers.traceparent)).toEqual([traceparent('1')])
})

test('an anonymous caller shares no request with one that has logged in', async () => {
  expect(await requestsFor('bare', {}, { claims: {} })).toHaveLength(2)
})

test('a response that sets a cookie is for one client: the others send their own requests', async () => {
  const first = await send('cookies', {})
  await until(() => calls.length === 1)
  const others = [await send('cookies', {}), await send('cookies', {})]
  await (await fetch(`${gateway.url}?query={mark}`)).text()
  expect(calls).toHaveLength(1)
  calls.splice(0).forEach((call) => call.respond('basket=1; Path=/'))
  expect(await first()).toEqual(['basket=1; Path=/'])
  await until(() => calls.length === 2)
  calls.splice(0).forEach((call, index) => call.respond(`basket=${index + 2}; Path=/`))
  const cookies = await Promise.all(others.map((response) => response()))
  expect(cookies.sort()).toEqual([['basket=2; Path=/'], ['basket=3; Path=/']])
})

test('a cookie that the subgraph may not set reaches no client and changes nothing', async () => {
  const responses = [await send('cookies', {}), await send('cookies', {})]
  await (await fetch(`${gateway.url}?query={mark}`)).text()
  expect(calls).toHaveLength(1)
  calls.splice(0).forEach((call) => call.respond('tracking=1'))
  for (const response of responses) expect(await response()).toEqual([])
})
