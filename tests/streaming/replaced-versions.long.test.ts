/** What a subscription keeps in memory of the schema versions and the configurations that it has left: nothing. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import type { ServerResponse } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, test } from '@jest/globals'
import { getOperationAST, parse } from 'graphql'
import { pino } from 'pino'
import { WebSocket } from 'ws'
import { createGateway } from '../../gateway/gateway.ts'
import type { Gateway, GatewayParts } from '../../gateway/gateway.ts'
import type { HttpRequest } from '../../gateway/http/http-message.ts'
import { RequestSignal } from '../../gateway/http/request-signal.ts'
import { liveConnections } from '../../gateway/streaming/live-connections.ts'
import type { LiveConnections } from '../../gateway/streaming/live-connections.ts'
import { LiveOperation } from '../../gateway/streaming/live-operation.ts'
import type { SubscriptionListener } from '../../gateway/streaming/live-subscription.ts'
import type { LiveParts } from '../../gateway/streaming/live-parts.ts'
import { webSocketUpgrade } from '../../gateway/streaming/websocket-upgrade.ts'
import type { Stages } from '../../gateway/supergraph/stages.ts'
import { until } from '../support/until.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const query = 'subscription { event }'
const body = Buffer.from(JSON.stringify({ query }))
const request: HttpRequest = {
  method: 'POST',
  search: '',
  headers: { accept: ['text/event-stream'], 'content-type': ['application/json'] },
  body,
}

/** Gateways of which only the schema versions are made up: they open streams that send nothing. */
interface Gateways {
  /** The one that serves. */
  now(): Gateway
  live(): LiveParts
  readonly connections: LiveConnections
  /** Serves another schema version; returns the earlier one. */
  replaceVersion(): WeakRef<object>
  /** Serves by another configuration; returns what the earlier one had. */
  reconfigure(): WeakRef<object>
}

function gatewaysWith(listeners: SubscriptionListener[]): Gateways {
  const connections = liveConnections(() => ({
    connections: 10,
    connectionsPerCaller: 10,
    operationsPerCaller: 10,
  }))
  let stages = stagesOf(listeners)
  let configured = configuredWith(connections, { current: () => versionOf(stages) }, serving)
  function serving() {
    return configured.gateway.ofConnections
  }
  return {
    now: () => configured.gateway,
    live: () => configured.live,
    connections,
    replaceVersion() {
      const earlier = new WeakRef<object>(stages)
      stages = stagesOf(listeners)
      return earlier
    },
    reconfigure() {
      const earlier = new WeakRef<object>(configured.live)
      configured = configuredWith(connections, { current: () => versionOf(stages) }, serving)
      return earlier
    },
  }
}

function configuredWith(
  connections: LiveConnections,
  schema: GatewayParts['schema'],
  serving: GatewayParts['serving'],
) {
  const live: LiveParts = {
    connections,
    recheck: () => undefined,
    isSameLogin: () => true,
    credentialHeaders: ['authorization'],
    heartbeat: 60_000,
    operationsPerConnection: 10,
    deadline: 60_000,
    queue: { events: 10, bytes: 10_000, overflow: 'end' },
    observer,
    log: pino({ level: 'silent' }),
  }
  const gateway = createGateway({
    authenticate: () => ({ claims: null }),
    schema,
    tokenCookie: () => undefined,
    realm: { name: 'test' },
    live,
    serving,
    log: pino({ level: 'silent' }),
  })
  return { gateway, live }
}

const nothing = () => {}
const observer: LiveParts['observer'] = {
  connected: nothing,
  disconnected: nothing,
  started: nothing,
  ended: nothing,
  delivered: nothing,
  dropped: nothing,
  upstreamOpened: nothing,
  upstreamClosed: nothing,
  received: nothing,
  executed: nothing,
  reconnected: nothing,
}

function versionOf(stages: Stages) {
  return { serve: <Result>(part: (stages: Stages) => Promise<Result>) => part(stages) }
}

function stagesOf(listeners: SubscriptionListener[]): Stages {
  const document = parse(query)
  const operation = { document, operation: getOperationAST(document)! }
  const stages = {
    prepare: () => ({ ...operation, stages }),
    authorize: () => ({ authorized: { document, stages }, caller: { claims: null } }),
    subscribe: async () => ({
      open(_client: unknown, listener: SubscriptionListener) {
        listeners.push(listener)
        queueMicrotask(() => listener.opened())
        return { close: () => void stages }
      },
    }),
  }
  return stages as unknown as Stages
}

async function overHttp(gateways: Gateways): Promise<() => void> {
  const response = await gateways.now().respond(request)
  const stream = new PassThrough()
  response.stream!(stream as unknown as ServerResponse)
  return () => stream.destroy()
}

async function overConnection(gateways: Gateways): Promise<() => void> {
  const session = await gateways.now().connect({ ...request, isConnection: true })
  const performed = await session.perform({ query }, new RequestSignal())
  if (performed.outcome !== 'subscribed') throw new Error(performed.outcome)
  const { onEnded, ...started } = performed.started
  const operation = new LiveOperation({
    ...started,
    client: { next() {}, ended() {}, refused() {}, unread: () => 0 },
  })
  return () => {
    operation.close()
    onEnded('client gone')
  }
}

async function overWebSocket(gateways: Gateways): Promise<() => void> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.once('upgrade', (...asked) => upgradeOf(gateways)(...asked))
  const { port } = server.address() as AddressInfo
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init' }))
  await once(socket, 'message')
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }))
  return () => {
    socket.terminate()
    server.close()
  }
}

function upgradeOf(gateways: Gateways) {
  return webSocketUpgrade({
    live: gateways.live(),
    connect: gateways.now().connect,
    initTimeout: 60_000,
    originOf: () => ({ clientAddress: '127.0.0.1', isFromTrustedProxy: false }),
    cors: undefined,
    messageLimit: 10_000,
    realm: { name: 'test' },
    onFailure: nothing,
  })
}

describe.each([
  ['an event stream', overHttp],
  ['a session', overConnection],
  ['a WebSocket', overWebSocket],
])('over %s', (_name, open) => {
  const released = (earlier: WeakRef<object>) =>
    until(() => {
      collectGarbage()
      return earlier.deref() === undefined
    })

  test('an earlier schema version is released', async () => {
    const listeners: SubscriptionListener[] = []
    const gateways = gatewaysWith(listeners)
    const close = await open(gateways)
    await until(() => listeners.length > 0)
    for (let count = 0; count < 5; count++) {
      const earlier = gateways.replaceVersion()
      await listeners.splice(0)[0]!.replaced()
      await released(earlier)
    }
    close()
  })

  test('an earlier configuration is released', async () => {
    const listeners: SubscriptionListener[] = []
    const gateways = gatewaysWith(listeners)
    const close = await open(gateways)
    await until(() => listeners.length > 0)
    for (let count = 0; count < 5; count++) {
      const earlier = gateways.reconfigure()
      await gateways.connections.checkAll()
      await listeners.splice(0)[0]!.replaced()
      await released(earlier)
    }
    close()
  })
})
