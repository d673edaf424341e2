/** Headers by rule over real HTTP, with the rules that docs/headers.md shows: both engines, streams, caches. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import { WebSocket, WebSocketServer } from 'ws'
import { parse, stringify } from 'yaml'
import { snippets } from '../documentation/pages.ts'
import { freePort } from '../support/free-port.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@authenticated"])'
const sources = {
  products: `${link}
  type Query { product: Product }
  type Mutation { rename: Int }
  type Subscription { products: Product }
  type Product @key(fields: "id") { id: ID! name: String }`,
  reviews: `${link}
  type Query { reviews: Int members: Int @authenticated }
  type Subscription { reviewed: Int }
  type Product @key(fields: "id") { id: ID! stars: Int }`,
  legacy: `${link}
  type Query { legacy: Int }
  type Subscription { changed: Int }`,
}
type Name = keyof typeof sources

interface Request {
  readonly headers: IncomingHttpHeaders
  readonly query: string
  /** The payload of `connection_init`. */
  readonly init?: unknown
}

const requests: Record<Name, Request[]> = { products: [], reviews: [], legacy: [] }
/** The headers and extensions of the next responses. */
let responses: Partial<Record<Name, OutgoingHttpHeaders>> = {}
let extensions: Partial<Record<Name, object>> = {}
const openStreams: { end(): unknown }[] = []
const servers: Server[] = []
const sockets = new WebSocketServer({ noServer: true })

function subgraph(name: Name): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString())
      requests[name].push({ headers: request.headers, query: body.query })
      const { subscription } = body.extensions ?? {}
      if (subscription) void callBack(subscription, response)
      else if (body.query.startsWith('subscription')) sendEvents(response)
      else respond(name, body.query, response)
    })
  })
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) => {
      openStreams.push({ end: () => opened.close() })
      let init: unknown
      opened.on('message', (data) => {
        const message = JSON.parse(String(data))
        if (message.type === 'connection_init') {
          init = message.payload
          opened.send('{"type":"connection_ack"}')
        }
        if (message.type !== 'subscribe') return
        requests[name].push({ headers: request.headers, query: message.payload.query, init })
        const payload = { data: { reviewed: 1 }, extensions: { cost: 7, debug: 1 } }
        opened.send(JSON.stringify({ id: message.id, type: 'next', payload }))
      })
    })
  })
  servers.push(server)
  return new Promise((ready) =>
    server.listen(0, '127.0.0.1', () =>
      ready(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    ),
  )
}

function respond(name: Name, query: string, response: ServerResponse): void {
  const product = { __typename: 'Product', id: '1', name: 'Table' }
  const entity = { __typename: 'Product', stars: 5 }
  const data: Record<string, unknown> = {
    ...(query.includes('_entities') ? { _entities: [entity] } : {}),
    ...(query.includes('product') ? { product } : {}),
    ...(query.includes('rename') ? { rename: 1 } : {}),
    ...(query.includes('reviews') ? { reviews: 1 } : {}),
    ...(query.includes('legacy') ? { legacy: 1 } : {}),
  }
  response.writeHead(200, { 'content-type': 'application/json', ...responses[name] })
  response.end(JSON.stringify({ data, extensions: extensions[name] }))
}

function sendEvents(response: ServerResponse): void {
  openStreams.push(response)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const product = { __typename: 'Product', id: '1', name: 'Table' }
  const event = { data: { products: product }, extensions: { cost: 7, debug: 1 } }
  response.write(`event: next\ndata: ${JSON.stringify(event)}\n\n`)
}

async function callBack(
  place: { callbackUrl: string; subscriptionId: string; verifier: string },
  response: ServerResponse,
): Promise<void> {
  const { callbackUrl, subscriptionId: id, verifier } = place
  const send = (message: object) =>
    fetch(callbackUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'subscription-protocol': 'callback/1.0' },
      body: JSON.stringify({ kind: 'subscription', id, verifier, ...message }),
    })
  await send({ action: 'check' })
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":null}')
  await send({ action: 'next', payload: { data: { changed: 1 }, extensions: { cost: 7 } } })
}

/** The rules of the page: those for requests, for the access token, and for responses. */
const documented = snippets('docs/headers.md', 'yaml').map(({ text }) => parse(text).subgraphs)

function documentedConfig(): Record<string, Record<string, any>> {
  const all: Record<string, Record<string, any>> = {}
  for (const part of documented) {
    for (const [name, { headers, ...entry }] of Object.entries<any>(part)) {
      all[name] = { ...all[name], ...entry, headers: { ...all[name]?.headers, ...headers } }
    }
  }
  return all
}

let issuer: TestIssuer
let urls: Record<Name, string>
beforeAll(async () => {
  issuer = await startIssuer()
  urls = {
    products: await subgraph('products'),
    reviews: await subgraph('reviews'),
    legacy: await subgraph('legacy'),
  }
})
afterAll(async () => {
  for (const stream of openStreams) stream.end()
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await issuer.close()
})
beforeEach(() => {
  for (const list of Object.values(requests)) list.length = 0
  responses = {}
  extensions = {}
})

async function start(more: object = {}): Promise<RunningGateway> {
  const port = await freePort()
  const subgraphs = documentedConfig()
  subgraphs.products!.subscription_protocol = 'sse'
  subgraphs.reviews!.subscription_protocol = 'websocket'
  subgraphs.legacy!.subscription_protocol = 'callback'
  const { issuer: name, jwksUri } = issuer
  const config = {
    authentication: {
      issuers: [
        { issuer: name, jwks_uri: jwksUri, audiences: ['portcullis'], algorithms: ['ES256'] },
      ],
      sources: [{ header: 'authorization', scheme: 'Bearer' }, { cookie: 'access' }],
    },
    subgraphs,
    subscriptions: { callback: { public_url: `http://127.0.0.1:${port}/callback`, port } },
    http: { cors: { origins: ['https://app.example.com'] }, batching: { max: 10 } },
    ...more,
  }
  const gateway = await runGateway(
    (Object.keys(sources) as Name[]).map((name) => ({
      name,
      url: urls[name],
      sdl: sources[name],
    })),
    stringify(config),
  )
  return gateway
}

interface Response {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Sends a query with exactly these headers: fetch would join some of them. */
function post(
  gateway: RunningGateway,
  query: string,
  headers: OutgoingHttpHeaders = {},
): Promise<Response> {
  return send(gateway, { query }, headers)
}

function get(
  { url }: RunningGateway,
  parameters: Record<string, string>,
  headers: OutgoingHttpHeaders = {},
): Promise<Response> {
  return exchange(`${url}?${new URLSearchParams(parameters)}`, 'GET', headers, '')
}

function send(
  { url }: RunningGateway,
  body: object,
  headers: OutgoingHttpHeaders = {},
): Promise<Response> {
  const sent = { 'content-type': 'application/json', ...headers }
  return exchange(url, 'POST', sent, JSON.stringify(body))
}

function exchange(
  url: string,
  method: string,
  headers: OutgoingHttpHeaders,
  body: string,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, text: Buffer.concat(chunks).toString() })
      })
    })
    // Node would write a head in UTF-8 if the body were a string.
    request.on('error', reject).end(Buffer.from(body))
  })
}

/** Returns what a subgraph got beyond what every request has. */
function received(name: Name, index = -1): IncomingHttpHeaders {
  const { headers } = requests[name].at(index)!
  const always =
    /^(accept|connection|content-.*|host|gateway-claims|x-request-id|upgrade|sec-websocket-.*)$/
  return Object.fromEntries(Object.entries(headers).filter(([key]) => !always.test(key)))
}

const both = '{ product { id name stars } }'
const ofClient: OutgoingHttpHeaders = {
  'accept-language': 'de',
  'X-Acme-Order': ['1', '2'],
  'x-acme-user-id': 'forged',
  x_acme_order: 'folded',
  'X-Tenant-Id': 'a',
  'x-store': 's',
  'x-shop': 'not by rule',
  'x-user-id': 'forged',
  'gateway-claims': 'forged',
  x_gateway_claims: 'forged',
  'x-forwarded-user': 'forged',
  baggage: 'a=b',
}

describe.each(['native', 'apollo'])('with the rules of the page, engine %s:', (engine) => {
  let gateway: RunningGateway
  beforeAll(async () => {
    gateway = await start({ engine })
  })
  afterAll(() => gateway.close())

  test('each subgraph gets the headers of its rules', async () => {
    const { text } = await post(gateway, both, ofClient)
    expect(JSON.parse(text)).toEqual({ data: { product: { id: '1', name: 'Table', stars: 5 } } })
    expect(received('products')).toEqual({
      'accept-language': 'de',
      'x-acme-order': '1, 2',
      'x-tenant-id': 'a',
      'x-shop': 's',
    })
    expect(received('reviews')).toEqual({ 'accept-language': 'de' })
  })

  test('a default is for a client that sends none, or names it in Connection', async () => {
    await post(gateway, both)
    expect(received('products')).toEqual({ 'accept-language': 'en' })
    await post(gateway, both, {
      connection: 'close, accept-language, x-store',
      'accept-language': 'de',
      'x-store': 's',
    })
    expect(received('products')).toEqual({ 'accept-language': 'en' })
  })

  test('the access token reaches the subgraph that is named, from a header or a cookie', async () => {
    const token = await issuer.accessToken()
    for (const headers of [{ authorization: `bearer ${token}` }, { cookie: `access=${token}` }]) {
      await post(gateway, '{ legacy reviews }', headers)
      expect(received('legacy')).toMatchObject({ authorization: `Bearer ${token}` })
      expect(received('reviews')).toEqual({ 'accept-language': 'en' })
    }
    await post(gateway, '{ legacy }')
    expect(received('legacy')).not.toHaveProperty('authorization')
    expect(gateway.log.join('') + gateway.accessLog.join('')).not.toContain(token)
  })

  test('headers of several responses are merged', async () => {
    responses = {
      products: { 'x-served-by': 'p1', 'x-other': '1', 'set-cookie': 'a=1' },
      reviews: { 'x-served-by': 'r1', 'access-control-allow-origin': '*' },
    }
    const { headers } = await post(gateway, both, { origin: 'https://app.example.com' })
    expect(headers).toMatchObject({
      'x-served-by': 'p1, r1',
      'cache-control': 'no-store',
      'access-control-allow-origin': 'https://app.example.com',
    })
    expect(headers['access-control-expose-headers']).toContain('x-served-by')
    expect(headers).not.toHaveProperty('x-other')
    expect(headers).not.toHaveProperty('set-cookie')
  })

  test('headers of the elements of a batch are merged, whichever of them have some', async () => {
    responses = {
      products: { 'x-served-by': 'p1' },
      reviews: { 'x-served-by': 'r1', 'access-control-allow-origin': '*' },
    }
    const of = (...queries: string[]) =>
      send(
        gateway,
        queries.map((query) => ({ query })),
      )
    const product = '{ product { name } }'
    const all = await of('{ __typename }', product, '{ reviews }', product)
    expect(all.headers).toMatchObject({ 'x-served-by': 'p1, r1', 'cache-control': 'no-store' })
    const some = await of('{ wrong }', '{ reviews }')
    expect(some).toMatchObject({ status: 200, headers: { 'x-served-by': 'r1' } })
    expect((await of('{ __typename }')).headers).not.toHaveProperty('x-served-by')
  })

  test('headers that are too large for a subgraph are refused before it is called', async () => {
    const { accessToken } = issuer
    const of = (length: number) => ({ 'x-acme-a': 'a'.repeat(length) })
    const largest = 8 * 1024 - 'x-acme-a'.length - 4 - ('accept-language'.length + 2 + 4)
    // The claims header takes what it can take. The token passes to one of the subgraphs.
    const authorization = `Bearer ${await accessToken({ scope: 's'.repeat(3_900) })}`
    const besideToken = largest - 'authorization'.length - authorization.length - 4
    for (const sent of [of(largest), { authorization, ...of(besideToken) }]) {
      const { status, text } = await post(gateway, '{ legacy product { name } }', sent)
      const data = { legacy: 1, product: { name: 'Table' } }
      expect({ status, ...JSON.parse(text) }).toEqual({ status: 200, data })
    }
    requests.products.length = 0
    for (const sent of [
      of(largest + 1),
      of(15_000),
      { ...of(4_000), 'x-acme-b': 'b'.repeat(5_000) },
    ]) {
      const { status, text } = await post(gateway, '{ product { name } }', sent)
      expect(status).toBe(431)
      expect(JSON.parse(text)).toMatchObject({
        errors: [{ extensions: { code: 'REQUEST_HEADERS_TOO_LARGE' } }],
      })
    }
    expect(requests.products).toEqual([])
    const others = { 'x-other': 'a'.repeat(15_000) }
    expect((await post(gateway, '{ product { name } }', others)).status).toBe(200)
    expect(gateway.log.join('')).not.toContain('subgraph failed')
  })

  test('extensions that are listed reach the client', async () => {
    extensions = { products: { cost: { units: 3 }, debug: 'secret' } }
    const { text } = await post(gateway, both)
    expect(JSON.parse(text)).toMatchObject({ extensions: { cost: { units: 3 } } })
    expect(text).not.toContain('secret')
  })

  test.each<[string, object]>([
    ['not listed', { debug: 1 }],
    ['too large', { cost: 'a'.repeat(20_000) }],
    ['nested too deep', { cost: JSON.parse('['.repeat(2_000) + ']'.repeat(2_000)) }],
    ['no object', ['cost']],
  ])('extensions that are %s do not', async (_what, value) => {
    extensions = { products: value }
    const { status, text } = await post(gateway, both)
    expect(status).toBe(200)
    expect(JSON.parse(text)).not.toHaveProperty('extensions')
  })

  test('no response may be cached, as no operation is known', async () => {
    responses = { legacy: { 'cache-control': 'public, max-age=60' } }
    const { headers } = await get(gateway, { query: '{ legacy }' })
    expect(headers['cache-control']).toBe('no-store')
  })
})

/** Operations of a manifest, by their ids. */
const known = {
  both,
  product: '{ product { name } }',
  withLegacy: '{ product { id } legacy }',
  pattern: '{ reviews }',
  typename: '{ __typename }',
  wrong: '{ product { id } nothing }',
  denied: '{ reviews members }',
  rename: 'mutation { rename }',
}

describe.each([
  ['compression', { from: '1KB' }],
  ['no compression', false],
] as const)('caching, with %s', (_how, compression) => {
  const folder = scratchFolder()
  let gateway: RunningGateway
  beforeAll(async () => {
    const rule = (named: string) => ({ propagate: { named } })
    const subgraphs = {
      all: {
        headers: { request: [rule('accept-language')], response: [rule('cache-control')] },
        response_extensions: ['cost'],
      },
      legacy: { headers: { response: [{ remove: { named: 'cache-control' } }] } },
    }
    const http = {
      cors: { origins: ['https://app.example.com'] },
      compression,
      batching: { max: 10 },
    }
    const manifest = join(folder, 'known.json')
    writeFileSync(manifest, JSON.stringify(known))
    gateway = await start({
      subgraphs,
      http,
      subscriptions: undefined,
      operations: { manifests: [manifest], automatic: {} },
      rates: { rules: [{ by: 'address', limit: 10_000, per: '1m' }], headers: true },
      // A denial that the response does not show counts, too.
      authorization: { errors: compression ? 'errors' : 'log' },
    })
  })
  afterAll(() => gateway.close())
  beforeEach(() => {
    responses = {
      products: { 'cache-control': 'public, max-age=60' },
      reviews: { 'cache-control': 'max-age=90, private' },
      legacy: { 'cache-control': 'max-age=90' },
    }
  })

  test('follows the strictest response; Vary names what the response depends on', async () => {
    const origin = 'https://app.example.com'
    for (const headers of [{}, { origin }]) {
      const response = await get(gateway, { documentId: 'both' }, headers)
      expect(response.headers['cache-control']).toBe('private, max-age=60')
      expect(response.headers).not.toHaveProperty('ratelimit')
      const vary = response.headers.vary!.toLowerCase().split(', ')
      const names = ['accept', 'accept-language', 'authorization', 'cookie']
      const ofTransport = ['origin', ...(compression ? ['accept-encoding'] : [])]
      expect(vary.filter((name) => !ofTransport.includes(name)).sort()).toEqual(names)
      expect(vary).toEqual(expect.arrayContaining(ofTransport.slice('origin' in headers ? 0 : 1)))
    }
    extensions = { products: { cost: 1 } }
    const { headers } = await get(gateway, { documentId: 'product' })
    expect(headers['cache-control']).toBe('public, max-age=60')
    expect(headers.vary!.toLowerCase().split(', ')).toEqual(
      expect.arrayContaining(['accept', 'accept-language', 'authorization', 'cookie']),
    )
  })

  test.each<[string, string, () => Promise<OutgoingHttpHeaders>]>([
    ['a token', 'both', async () => ({ authorization: `Bearer ${await issuer.accessToken()}` })],
    [
      'a token in a cookie',
      'both',
      async () => ({ cookie: `access=${await issuer.accessToken()}` }),
    ],
    ['an empty Authorization', 'both', async () => ({ authorization: '' })],
    ['a mutation', 'rename', async () => ({})],
    ['a subgraph that is not asked', 'withLegacy', async () => ({})],
    ['no subgraph', 'typename', async () => ({})],
    ['an error', 'wrong', async () => ({})],
    ['a denied field', 'denied', async () => ({})],
    ['an unknown id', 'unknown', async () => ({})],
  ])('is forbidden with %s', async (_what, documentId, headers) => {
    const response = await get(gateway, { documentId }, await headers())
    expectNotCached(response)
  })

  test('is forbidden for POST, for a text, and for what a client has registered', async () => {
    const query = '{ product { name } }'
    const sha256Hash = createHash('sha256').update('{ reviews  }').digest('hex')
    const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash } })
    const registered = await get(gateway, { query: '{ reviews  }', extensions })
    const byHash = await get(gateway, { extensions })
    for (const response of [
      await post(gateway, query),
      await send(gateway, { documentId: 'product' }),
      await send(gateway, [{ documentId: 'product' }]),
      await get(gateway, { query }),
      registered,
      byHash,
    ]) {
      expect(response.status).toBe(200)
      expect(JSON.parse(response.text)).not.toHaveProperty('errors')
      expectNotCached(response)
    }
  })

  function expectNotCached({ headers }: Response): void {
    expect(headers['cache-control']).toBe('no-store')
    expect(headers).toHaveProperty('ratelimit')
    expect(headers.vary?.toLowerCase() ?? '').not.toContain('authorization')
  }

  test('is forbidden if any response does not say how long it is fresh', async () => {
    responses.reviews = {}
    const { headers } = await get(gateway, { documentId: 'both' })
    expect(headers['cache-control']).toBe('no-store')
  })
})

describe('streams', () => {
  let gateway: RunningGateway
  beforeAll(async () => {
    const subgraphs = documentedConfig()
    const protocols = { products: 'sse', reviews: 'websocket', legacy: 'callback' }
    for (const [name, protocol] of Object.entries(protocols)) {
      subgraphs[name]!.subscription_protocol = protocol
      subgraphs[name]!.deduplicate_subscriptions = true
    }
    gateway = await start({ subgraphs })
  })
  afterAll(() => gateway.close())

  function subscribe(query: string, headers: Record<string, string> = {}) {
    const client = createSseClient({ url: gateway.url, headers, retryAttempts: 0 })
    const events = client.iterate({ query })
    return {
      next: async () => (await events.next()).value,
      async close() {
        await events.return?.()
        client.dispose()
      },
    }
  }

  const headers = {
    'accept-language': 'de',
    'x-acme-order': '1',
    'x-tenant-id': 'a',
    'x-user-id': 'forged',
  }

  test('server-sent events: the same headers for the stream and for each fetch of an event', async () => {
    const events = subscribe('subscription { products { name stars } }', headers)
    expect(await events.next()).toEqual({
      data: { products: { name: 'Table', stars: 5 } },
      extensions: { cost: 7 },
    })
    const { 'x-acme-order': order, 'x-tenant-id': tenant } = received('products', 0)
    expect([order, tenant]).toEqual(['1', 'a'])
    expect(received('products', 0)).not.toHaveProperty('x-user-id')
    expect(received('reviews')).toEqual({ 'accept-language': 'de' })
    await events.close()
  })

  test('a WebSocket: in the upgrade and in connection_init', async () => {
    const events = subscribe('subscription { reviewed }', headers)
    expect(await events.next()).toEqual({ data: { reviewed: 1 }, extensions: { cost: 7 } })
    expect(received('reviews')).toEqual({ 'accept-language': 'de' })
    const { init } = requests.reviews[0]!
    expect(init).toMatchObject({ 'accept-language': 'de' })
    expect(init).not.toHaveProperty('x-acme-order')
    await events.close()
  })

  test('callbacks: in the request, the access token too', async () => {
    const token = await issuer.accessToken()
    const events = subscribe('subscription { changed }', {
      ...headers,
      authorization: `Bearer ${token}`,
    })
    expect(await events.next()).toEqual({ data: { changed: 1 }, extensions: { cost: 7 } })
    expect(received('legacy')).toEqual({
      'accept-language': 'de',
      'x-acme-order': '1',
      authorization: `Bearer ${token}`,
    })
    await events.close()
  })

  test.each([
    ['subscription { products { name } }', 'products', 'x-acme-order'],
    ['subscription { products { name } }', 'products', 'x-store'],
    ['subscription { products { name } }', 'products', 'accept-language'],
    ['subscription { reviewed }', 'reviews', 'accept-language'],
  ] as const)('%s at %s is not shared by callers who differ in %s', async (query, name, header) => {
    const [one, same, other] = ['a', 'a', 'b'].map((value) =>
      subscribe(query, { ...headers, [header]: value, 'x-unnamed': String(Math.random()) }),
    )
    await one!.next()
    await until(() => requests[name].length > 0)
    await other!.next()
    const streams = requests[name].filter(({ query }) => query.startsWith('subscription'))
    expect(streams).toHaveLength(2)
    const renamed = header === 'x-store' ? 'x-shop' : header
    expect(streams.map(({ headers }) => headers[renamed]).sort()).toEqual(['a', 'b'])
    for (const events of [one, same, other]) await events!.close()
  })

  test('a client that sends another access token has it at the subgraph as well', async () => {
    const tokens = await Promise.all(
      ['one', 'two'].map((jti) => issuer.accessToken({ jti, sid: 'same' })),
    )
    const socket = new WebSocket(gateway.url.replace('http', 'ws'), 'graphql-transport-ws', {
      headers: { 'accept-language': 'fr' },
    })
    const send = (message: object) => socket.send(JSON.stringify(message))
    const messages: { type: string }[] = []
    socket.on('message', (data) => messages.push(JSON.parse(String(data))))
    await new Promise((opened) => socket.once('open', opened))
    send({ type: 'connection_init', payload: { authorization: `Bearer ${tokens[0]}` } })
    send({ id: '1', type: 'subscribe', payload: { query: 'subscription { changed }' } })
    await until(() => messages.some(({ type }) => type === 'next'))
    send({ type: 'ping', payload: { authorization: `Bearer ${tokens[1]}` } })
    await until(() => requests.legacy.length === 2)
    expect(requests.legacy.map(({ headers }) => headers.authorization)).toEqual(
      tokens.map((token) => `Bearer ${token}`),
    )
    expect(received('legacy')).toMatchObject({ 'accept-language': 'fr' })
    socket.close()
  })

  function overWebSocket(headers: OutgoingHttpHeaders) {
    return createWsClient({
      url: gateway.url.replace('http', 'ws'),
      webSocketImpl: class extends WebSocket {
        constructor(url: string, protocols: string) {
          super(url, protocols, { headers })
        }
      },
    })
  }

  test('operations over a WebSocket whose headers are too large for a subgraph are refused', async () => {
    const client = overWebSocket({ 'x-acme-a': 'a'.repeat(9_000) })
    for (const query of [both, 'subscription { products { id } }']) {
      const refused = client.iterate({ query }).next()
      await expect(refused).rejects.toMatchObject([
        { extensions: { code: 'REQUEST_HEADERS_TOO_LARGE' } },
      ])
    }
    expect(requests.products).toEqual([])
    await client.dispose()
  })

  test('a query over a WebSocket has the headers of the upgrade', async () => {
    const client = overWebSocket({ ...headers, 'x-store': 's' })
    const { value } = await client.iterate({ query: both }).next()
    expect(value).toEqual({ data: { product: { id: '1', name: 'Table', stars: 5 } } })
    expect(received('products')).toEqual({
      'accept-language': 'de',
      'x-acme-order': '1',
      'x-tenant-id': 'a',
      'x-shop': 's',
    })
    await client.dispose()
  })

  test('@defer: the later parts have the headers, and extensions of their own', async () => {
    extensions = { products: { cost: 1 }, reviews: { cost: 2 } }
    responses = { products: { 'x-served-by': 'p1' }, reviews: { 'x-served-by': 'r1' } }
    const query = '{ product { name ... @defer { stars } } }'
    const response = await post(gateway, query, {
      ...headers,
      accept: 'multipart/mixed;deferSpec=20220824',
    })
    expect(response.headers['x-served-by']).toBe('p1')
    expect(response.headers['cache-control']).toBe('no-store')
    const parts = response.text.match(/\{.*\}/g)!.map((part) => JSON.parse(part))
    expect(parts).toMatchObject([
      { data: { product: { name: 'Table' } }, extensions: { cost: 1 } },
      { incremental: [{ data: { stars: 5 } }], extensions: { cost: expect.any(Number) } },
    ])
    expect(received('products')).toMatchObject({ 'x-tenant-id': 'a' })
    expect(received('reviews')).toEqual({ 'accept-language': 'de' })
  })
})

describe('what is no header', () => {
  let gateway: RunningGateway
  beforeAll(async () => {
    gateway = await start()
  })
  afterAll(() => gateway.close())

  /** Sends the bytes of a head, and returns the status line. */
  function raw(head: string): Promise<string> {
    const { hostname, port } = new URL(gateway.url)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        const start = `POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`
        socket.write(Buffer.from(`${start}content-length: 28\r\n${head}\r\n\r\n`, 'latin1'))
        socket.write('{"query":"{ product { id } }')
      })
      socket.on('data', (data) => {
        resolve(data.toString().split('\r\n')[0]!)
        socket.destroy()
      })
      socket.on('error', reject)
    })
  }

  test.each([
    ['a control character', 'x-acme-a: a\x01b', 400],
    ['a line break', 'x-acme-a: a\nb', 400],
    ['a null', 'x-acme-a: a\0b', 400],
    ['17 KB', `x-acme-a: ${'a'.repeat(17_000)}`, 431],
  ])('%s gets its status, and no subgraph is asked', async (_what, head, status) => {
    expect(await raw(head)).toContain(String(status))
    expect(requests.products).toEqual([])
    expect(gateway.log.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
  })

  test('characters of latin1 reach the subgraph as they are', async () => {
    await post(gateway, both, { 'x-acme-a': 'caf\xe9' })
    expect(received('products')['x-acme-a']).toBe('caf\xe9')
  })
})
