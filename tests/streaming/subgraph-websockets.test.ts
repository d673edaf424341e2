/** Subscriptions at subgraphs over WebSockets: with the public server of the protocol, and with hostile ones. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { buildSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { upstreamByWebSocket } from '../../gateway/streaming/upstream-by-websocket.ts'
import type {
  UpstreamClient,
  UpstreamListener,
  UpstreamOptions,
} from '../../gateway/streaming/upstream.ts'
import { until } from '../support/until.ts'

let server: Server
let client: UpstreamClient
/** What a server does with a connection. */
let serve: (socket: WebSocket, request: IncomingMessage) => unknown
/** What it does with an upgrade; undefined: it accepts it. */
let refuse: ((socket: Duplex) => unknown) | undefined
const refused: Duplex[] = []
let connections = 0
const sockets = new WebSocketServer({ noServer: true })
const options = { timeout: 10_000, silence: 30_000, eventLimit: 1_000 }

beforeAll(async () => {
  server = createServer().on('upgrade', (request, socket, head) => {
    connections++
    if (refuse) {
      refused.push(socket.on('error', () => {}))
      return void refuse(socket)
    }
    sockets.handleUpgrade(request, socket, head, (opened) => serve(opened, request))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  client = clientFor({})
})
afterAll(async () => {
  await client.close()
  for (const socket of sockets.clients) socket.terminate()
  for (const socket of refused) socket.destroy()
  await new Promise((closed) => server.close(closed))
})

const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
/** Returns a client that waits for a short time only where that is what is expected. */
const waitingFor = ([reason]: unknown[]) =>
  reason === 'SUBGRAPH_TIMEOUT' ? clientFor({ timeout: 150 }) : client

let callers = 0
const headersOf = (caller: number) => {
  let requests = 0
  return () => ({ 'gateway-claims': `signed ${caller}`, 'x-request-id': `request ${++requests}` })
}
/** Asks in the name of another caller each time. */
const asked = (query = 'subscription { ticks }'): [() => Record<string, string>, string] => [
  headersOf(++callers),
  JSON.stringify({ query }),
]

/** Returns a listener that collects, and what it gets until the end. */
function collecting(): { listener: UpstreamListener; all: unknown[]; end: Promise<unknown[]> } {
  const all: unknown[] = []
  let resolve: (all: unknown[]) => void
  const end = new Promise<unknown[]>((resolved) => (resolve = resolved))
  const last = (value: unknown) => {
    all.push(value)
    resolve(all)
  }
  const listener: UpstreamListener = {
    opened: () => all.push('opened'),
    next: (bytes) => all.push(bytes.toString()),
    completed: () => last('completed'),
    lost: (reason, why) => last([reason, why]),
    responded: ({ status, retryAfter, bytes }) => last([status, retryAfter, bytes.toString()]),
  }
  return { listener, all, end }
}

function received(query?: string, from = client): Promise<unknown[]> {
  const { listener, end } = collecting()
  from.open(...asked(query), listener)
  return end
}

/** Serves with raw messages: what comes after `connection_init`, and after `subscribe`. */
function serveRaw(
  afterInit: (socket: WebSocket) => unknown,
  afterSubscribe: (socket: WebSocket) => unknown = () => {},
): void {
  refuse = undefined
  serve = (socket) =>
    socket.on('message', (data) => {
      const { type } = JSON.parse(data.toString()) as { type: string }
      if (type === 'connection_init') afterInit(socket)
      if (type === 'subscribe') afterSubscribe(socket)
    })
}
const acknowledge = (socket: WebSocket) => socket.send('{"type":"connection_ack"}')
const next = (payload: string, id = '1') => `{"id":"${id}","type":"next","payload":${payload}}`

/** Serves the protocol with graphql-ws; returns what it gets to know. */
function servePublic() {
  const seen: unknown[] = []
  let stopped = 0
  refuse = undefined
  const server = new WebSocketServer({ noServer: true })
  serve = (socket, request) => server.emit('connection', socket, request)
  useServer(
    {
      schema: buildSchema('type Query { a: Int } type Subscription { ticks: Int, ever: Int }'),
      roots: {
        subscription: {
          async *ticks() {
            yield { ticks: 1 }
            yield { ticks: 2 }
          },
          ever() {
            let count = 0
            const first = { value: { ever: 1 }, done: false }
            const last = { value: undefined, done: true }
            return {
              next: () => (count++ === 0 ? Promise.resolve(first) : new Promise(() => {})),
              return: async () => (stopped++, last),
              [Symbol.asyncIterator]() {
                return this
              },
            }
          },
        },
      },
      onConnect({ extra: { request }, connectionParams }) {
        const { 'gateway-claims': claims, 'x-request-id': id } = request.headers
        seen.push({
          headers: { 'gateway-claims': claims, 'x-request-id': id },
          payload: connectionParams,
        })
      },
    },
    server,
  )
  return { seen, stopped: () => stopped }
}

test('events come, with the claims header at the upgrade and in connection_init', async () => {
  const { seen } = servePublic()
  expect(await received()).toEqual([
    'opened',
    '{"data":{"ticks":1}}',
    '{"data":{"ticks":2}}',
    'completed',
  ])
  const headers = { 'gateway-claims': `signed ${callers}`, 'x-request-id': 'request 1' }
  expect(seen).toEqual([{ headers, payload: headers }])
})

test('a document that is refused is an event with errors, then the end', async () => {
  servePublic()
  expect(await received('subscription { unknown }')).toEqual([
    'opened',
    expect.stringMatching(/^{"errors":\[{"message":"Cannot query field \\"unknown\\"/),
    'completed',
  ])
})

test('subscriptions of one caller share a connection, and each ends by itself', async () => {
  const { stopped } = servePublic()
  const before = connections
  const request = asked('subscription { ever }')
  const streams = [1, 2, 3].map(() => {
    const { listener, all } = collecting()
    return { all, upstream: client.open(...request, listener) }
  })
  await until(() => streams.every(({ all }) => all.length === 2))
  streams[0]!.upstream.close()
  await until(() => stopped() === 1)
  const { listener, all } = collecting()
  const fourth = client.open(...request, listener)
  await until(() => all.length === 2)
  expect(connections - before).toBe(1)
  fourth.close()
  for (const { upstream } of streams) upstream.close()
  await until(() => stopped() === 4)
})

test('numbers keep all digits', async () => {
  serveRaw(acknowledge, (socket) => {
    socket.send(' { "payload" : {"data":{"n":12345678901234567890.10}} , "type":"next", "id":"1" }')
    socket.send('{"id":"1","type":"complete"}')
  })
  expect(await received()).toEqual([
    'opened',
    '{"data":{"n":12345678901234567890.10}}',
    'completed',
  ])
})

test('messages for other ids are ignored', async () => {
  serveRaw(acknowledge, (socket) => {
    for (const id of ['0', '7', 'x'.repeat(100)]) socket.send(next('{}', id))
    socket.send('{"id":"9","type":"complete"}')
    socket.send('{"id":"1","type":"complete"}')
  })
  expect(await received()).toEqual(['opened', 'completed'])
})

test('thousands of events at once all come', async () => {
  serveRaw(acknowledge, (socket) => {
    for (let n = 0; n < 2_000; n++) socket.send(next(String(n)))
    socket.send('{"id":"1","type":"complete"}')
  })
  const all = await received()
  expect(all).toHaveLength(2_002)
  expect(all.slice(1, -1)).toEqual(Array.from({ length: 2_000 }, (_, n) => String(n)))
})

const invalid = 'SUBGRAPH_RESPONSE_INVALID'
test.each<[string, (socket: WebSocket) => unknown, unknown]>([
  [
    'a message that is too large',
    (socket) => socket.send(next(`"${'x'.repeat(2_000)}"`)),
    [invalid, 'an event larger than the limit'],
  ],
  [
    'a binary message',
    (socket) => socket.send(Buffer.from(next('1'))),
    [invalid, 'a binary message'],
  ],
  ...['{"type":"next"', '[]', '{"type":"hello"}', '{"type":"next","id":"1"}', '{"type":7}'].map(
    (text): [string, (socket: WebSocket) => unknown, unknown] => [
      text,
      (socket) => socket.send(text),
      [invalid, 'a message that the protocol does not have'],
    ],
  ),
  [
    'a break in the middle of a message',
    (socket) => {
      ;(socket as unknown as { _socket: Duplex })._socket.end(Buffer.from([0x81, 0x7e, 0x01]))
    },
    ['SUBGRAPH_UNREACHABLE', 'the connection broke off'],
  ],
  [
    'a close without a complete',
    (socket) => socket.close(1001, 'going away'),
    ['SUBGRAPH_UNREACHABLE', 'it closed the connection with 1001: going away'],
  ],
  [
    'a close that refuses the gateway',
    (socket) => socket.close(4403, 'Forbidden'),
    ['SUBGRAPH_ERROR', 'it closed the connection with 4403: Forbidden: check its claims key'],
  ],
  [
    'a close because of what was sent',
    (socket) => socket.close(4400, 'Invalid message'),
    [invalid, 'it closed the connection with 4400: Invalid message'],
  ],
  [
    'an internal error',
    (socket) => socket.close(4500, 'Internal server error'),
    ['SUBGRAPH_UNREACHABLE', 'it closed the connection with 4500: Internal server error'],
  ],
])('%s ends the stream', async (_name, send, expected) => {
  serveRaw(acknowledge, send)
  expect(await received()).toEqual(['opened', expected])
})

test.each<[string, (socket: WebSocket) => unknown, unknown[]]>([
  [
    'a next before the acknowledgement',
    (socket) => socket.send(next('1')),
    [invalid, 'next before connection_ack'],
  ],
  ['no acknowledgement', () => {}, ['SUBGRAPH_TIMEOUT', 'no connection_ack within 150 ms']],
])('%s is a failure', async (_name, send, expected) => {
  serveRaw(send)
  expect(await received(undefined, waitingFor(expected))).toEqual([expected])
})

test.each<[string, string, unknown[]]>([
  [
    'a refusal of the upgrade',
    'HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy',
    [503, '7', 'busy'],
  ],
  [
    'another subprotocol',
    'HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    [invalid, 'Invalid Sec-WebSocket-Accept header'],
  ],
  [
    'a response that is not HTTP',
    'nonsense\r\n\r\n',
    ['SUBGRAPH_UNREACHABLE', expect.stringMatching(/^HPE_/)],
  ],
  [
    'an endless response',
    `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(300_000)}`,
    [invalid, 'not a WebSocket'],
  ],
  [
    'half a response',
    'HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n',
    ['SUBGRAPH_TIMEOUT', 'no connection_ack within 150 ms'],
  ],
])('%s is reported', async (_name, text, expected) => {
  refuse = (socket) => socket.write(text)
  expect(await received(undefined, waitingFor(expected))).toEqual([expected])
})

const clientFor = ({ url = address(), ...given }: Partial<UpstreamOptions & { url: string }>) =>
  upstreamByWebSocket(url, { ...options, ...given })

test('a subgraph that nobody serves is unreachable', async () => {
  expect(await received(undefined, clientFor({ url: 'http://127.0.0.1:1/' }))).toEqual([
    ['SUBGRAPH_UNREACHABLE', 'ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1'],
  ])
})

test('over TLS, with an authority and a client certificate of our own', async () => {
  const pem = (name: string) =>
    readFileSync(new URL(`../engine/tls/${name}`, import.meta.url), 'utf8')
  const [certificate, key] = [pem('certificate.pem'), pem('key.pem')]
  const secure = createSecureServer({
    cert: certificate,
    key,
    ca: certificate,
    requestCert: true,
    rejectUnauthorized: true,
  }).on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) => serve(opened, request))
  })
  await new Promise<void>((ready) => secure.listen(0, '127.0.0.1', ready))
  servePublic()
  const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/graphql`
  const known = clientFor({ url, tls: { ca: certificate, certificate, key } })
  expect(await received(undefined, known)).toContain('{"data":{"ticks":2}}')
  const outcomes = await Promise.all([
    received(undefined, clientFor({ url, tls: { ca: certificate } })),
    received(undefined, clientFor({ url })),
  ])
  expect(outcomes).toEqual([
    [['SUBGRAPH_UNREACHABLE', expect.stringMatching(/^[A-Z_0-9]+: /)]],
    [['SUBGRAPH_UNREACHABLE', expect.stringMatching(/^DEPTH_ZERO_SELF_SIGNED_CERT: /)]],
  ])
  await known.close()
  secure.close()
})

test('a subgraph that does not answer pings is lost', async () => {
  serveRaw(acknowledge, (socket) => socket.pause())
  expect(await received(undefined, clientFor({ silence: 100 }))).toEqual([
    'opened',
    ['SUBGRAPH_TIMEOUT', 'no message and no pong within 100 ms'],
  ])
})

test('a stream that is closed before the acknowledgement is never asked for', async () => {
  let asking = 0
  let acknowledged: Promise<unknown> | undefined
  serveRaw(
    (socket) => {
      acknowledge(socket)
      acknowledged = new Promise((resolve) => socket.on('pong', resolve))
      socket.ping()
    },
    () => asking++,
  )
  const { listener, all } = collecting()
  client.open(...asked(), listener).close()
  await until(() => acknowledged !== undefined)
  await acknowledged
  expect([asking, all]).toEqual([0, []])
})

test('an end of the gateway closes the connection', async () => {
  let code: number | undefined
  serveRaw((socket) => {
    acknowledge(socket)
    socket.on('close', (given) => (code = given))
  })
  const own = clientFor({})
  const { listener, all, end } = collecting()
  own.open(...asked(), listener)
  await until(() => all.length === 1)
  await own.close()
  expect((await end).at(-1)).toEqual([
    'SUBGRAPH_UNREACHABLE',
    'the gateway has closed the connection',
  ])
  await until(() => code === 1000)
})
