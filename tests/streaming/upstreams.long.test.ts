/** Subgraphs that a gateway subscribes at, with the servers that their teams use. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { EventEmitter, on } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginSubscriptionCallback } from '@apollo/server/plugin/subscriptionCallback'
import { startStandaloneServer } from '@apollo/server/standalone'
import { buildSchema } from 'graphql'
import { createClient } from 'graphql-ws'
import type { Client } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import WebSocket, { WebSocketServer } from 'ws'
import { claimsHeaderReader, deriveClaimsKey, serveSubgraph } from '../../subgraphs/kit/index.ts'
import { freePort } from '../support/free-port.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'

interface Serving {
  readonly url: string
  close(): Promise<unknown>
}

/** A subgraph of one subscription, which can be stopped and started again at its address. */
interface Subgraph {
  readonly name: string
  readonly sdl: string
  readonly start: (port: number) => Promise<Serving>
}

const ticks = new EventEmitter().setMaxListeners(0)
const keyOf = (name: string) => deriveClaimsKey(gatewaySecret, name)
const sdlOf = (name: string) =>
  `type Query { ${name}Query: Int } type Tick { n: Int reader: String } type Subscription { ${name}: Tick }`

const streams: Subgraph = {
  name: 'streams',
  sdl: sdlOf('streams'),
  start: (port) =>
    serveSubgraph({
      name: 'streams',
      host: '127.0.0.1',
      port,
      log: recordedLog().log,
      keys: [keyOf('streams')],
      typeDefs: sdlOf('streams'),
      resolvers: {},
      subscriptions: {
        async *streams(_parent, _args, { claims, signal }) {
          for await (const [n] of on(ticks, 'tick', { signal })) yield { n, reader: claims?.sub }
        },
      },
    }),
}

/** How often the claims header was verified. */
let verified = 0
const sockets: Subgraph = {
  name: 'sockets',
  sdl: sdlOf('sockets'),
  async start(port) {
    const readClaims = claimsHeaderReader('sockets', [keyOf('sockets')])
    const server = createServer()
    const webSockets = new WebSocketServer({ server, path: '/ws' })
    useServer(
      {
        schema: buildSchema(sdlOf('sockets')),
        context: async ({ extra }: { extra: { request: IncomingMessage } }) => {
          const header = extra.request.headers['gateway-claims'] as string
          const claims = await readClaims(header)
          verified++
          return { claims }
        },
        roots: {
          subscription: {
            sockets: (_args: unknown, { claims }: { claims: { sub: string } }) =>
              (async function* () {
                for await (const [n] of on(ticks, 'tick')) {
                  yield { sockets: { n, reader: claims.sub } }
                }
              })(),
          },
        },
      } as never,
      webSockets,
    )
    await new Promise<void>((ready) => server.listen(port, '127.0.0.1', ready))
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
      async close() {
        for (const socket of webSockets.clients) socket.terminate()
        await new Promise((closed) => server.close(closed))
      },
    }
  },
}

/** How many iterators of the callback subgraph are open. */
let iterating = 0
const callbacks: Subgraph = {
  name: 'callbacks',
  sdl: sdlOf('callbacks'),
  async start(port) {
    const readClaims = claimsHeaderReader('callbacks', [keyOf('callbacks')])
    const server = new ApolloServer<{ claims: { sub: string } | null }>({
      typeDefs: sdlOf('callbacks'),
      resolvers: {
        Subscription: {
          callbacks: {
            async *subscribe(_parent: unknown, _args: unknown, { claims }: any) {
              iterating++
              const from = on(ticks, 'tick')
              try {
                for await (const [n] of from) {
                  yield { callbacks: { n, reader: claims.sub } }
                }
              } finally {
                iterating--
              }
            },
          },
        },
      },
      plugins: [ApolloServerPluginSubscriptionCallback()],
    })
    const { url } = await startStandaloneServer(server, {
      listen: { host: '127.0.0.1', port },
      context: async ({ req }) => ({
        claims: await readClaims(req.headers['gateway-claims'] as string),
      }),
    })
    return { url, close: () => server.stop() }
  },
}

const running = new Map<string, Serving>()
const clients: Client[] = []
const subgraphs = [streams, sockets, callbacks]
let issuer: TestIssuer
let gateway: RunningGateway
beforeAll(async () => {
  issuer = await startIssuer()
  const port = await freePort()
  for (const { name, start } of subgraphs) running.set(name, await start(0))
  const sources = subgraphs.map(({ name, sdl }) => ({
    name,
    url: running.get(name)!.url,
    sdl,
  }))
  gateway = await runGateway(
    sources,
    `authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
subgraphs:
  all: { subscription_reconnect: 30s }
  sockets: { subscription_protocol: websocket, subscription_path: /ws }
  callbacks: { subscription_protocol: callback, event_silence: 3s }
subscriptions:
  callback: { public_url: 'http://127.0.0.1:${port}/callback', port: ${port} }
`,
  )
})
afterAll(async () => {
  await Promise.all(clients.map((client) => client.dispose()))
  await gateway.close()
  for (const serving of running.values()) await serving.close()
  await issuer.close()
})

async function subscribe(field: string) {
  const authorization = `Bearer ${await issuer.accessToken({ sub: 'ada' })}`
  const client = createClient({
    url: gateway.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization },
  })
  clients.push(client)
  return client.iterate<any>({ query: `subscription { ${field} { n reader } }` })
}

/** Sends an event again and again until it has arrived. */
async function arrives(next: Promise<unknown>, n: number): Promise<unknown> {
  const timer = setInterval(() => ticks.emit('tick', n), 20)
  return next.finally(() => clearInterval(timer))
}

/** Resolves with the event of that number: earlier ones may have been sent several times. */
async function eventOf(events: AsyncIterator<any>, field: string, n: number): Promise<unknown> {
  for await (const { data, errors } of { [Symbol.asyncIterator]: () => events }) {
    if (errors || data[field].n === n) return errors ?? data[field]
  }
  return 'the end'
}

const logged = (message: string) =>
  gateway.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === message)

describe.each([streams, sockets])('$name', ({ name, start }) => {
  test('events come in the name of the caller, and come again after the subgraph has restarted', async () => {
    const events = await subscribe(name)
    expect(await arrives(events.next(), 1)).toEqual({
      done: false,
      value: { data: { [name]: { n: 1, reader: 'ada' } } },
    })
    const next = eventOf(events, name, 2)
    const { url, close } = running.get(name)!
    await close()
    await until(() => logged('subscriptions at a subgraph lost: reconnecting').length > 0)
    running.set(name, await start(Number(new URL(url).port)))
    expect(await arrives(next, 2)).toEqual({ n: 2, reader: 'ada' })
    const lines = logged('subscriptions at a subgraph lost: reconnecting')
    expect(lines.filter(({ subgraph }) => subgraph === name)).toHaveLength(1)
    expect(logged('no subscription at the subgraph is lost any longer').at(-1)).toMatchObject({
      subgraph: name,
      reconnected: 1,
      failed: 0,
    })
    await events.return!()
  })
})

test('the claims header is verified for every subscription on a connection', async () => {
  const before = verified
  const all = await Promise.all([1, 2, 3].map(() => subscribe('sockets')))
  const first = all.map((events) => events.next())
  await until(() => verified === before + 3)
  await arrives(Promise.all(first), 3)
  for (const events of all) await events.return!()
})

/** Resolves when the subgraph has no iterator left: each learns of its end with its next event or heartbeat. */
function ended(): Promise<unknown> {
  return until(() => {
    ticks.emit('tick', 4)
    return iterating === 0
  })
}

describe('by HTTP callback, with the plugin of Apollo Server', () => {
  test('events come in the name of the caller, and longer than a subgraph may be silent', async () => {
    const events = await subscribe('callbacks')
    const first = events.next()
    expect(await arrives(first, 1)).toEqual({
      done: false,
      value: { data: { callbacks: { n: 1, reader: 'ada' } } },
    })
    // Three times as long as it may be silent.
    await new Promise((resolve) => setTimeout(resolve, 9_000))
    expect(await arrives(eventOf(events, 'callbacks', 2), 2)).toEqual({ n: 2, reader: 'ada' })
    await ended()
  })

  test('a client that leaves ends the subscription at the subgraph with the next heartbeat', async () => {
    const events = await subscribe('callbacks')
    await arrives(events.next(), 3)
    expect(iterating).toBe(1)
    await events.return!()
    await ended()
  })
})

test('a port for callbacks that comes with a reload needs a restart', async () => {
  const config = (more: string) => `authentication:
  issuers:
    - { issuer: ${issuer.issuer}, jwks_uri: ${issuer.jwksUri}, audiences: [portcullis], algorithms: [ES256] }
${more}`
  const { name, sdl } = streams
  const another = await runGateway([{ name, sdl, url: running.get(name)!.url }], config(''))
  another.configure(() =>
    config(
      `subscriptions: { callback: { public_url: 'http://127.0.0.1:4010/callback', port: 4010 } }`,
    ),
  )
  await expect(another.reload()).rejects.toThrow(
    'subscriptions.callback needs a restart of the gateway: it is a port',
  )
  await another.close()
})
