/** What a subscription keeps in memory of the schema versions that it has left: nothing. */
import { PassThrough } from 'node:stream'
import type { ServerResponse } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from '@jest/globals'
import { getOperationAST, parse } from 'graphql'
import { pino } from 'pino'
import { createGateway } from '../../gateway/gateway.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import type { HttpRequest } from '../../gateway/http/http-message.ts'
import { RequestSignal } from '../../gateway/http/request-signal.ts'
import { liveConnections } from '../../gateway/streaming/live-connections.ts'
import { LiveOperation } from '../../gateway/streaming/live-operation.ts'
import type { SubscriptionListener } from '../../gateway/streaming/live-subscription.ts'
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

/** A gateway of which only the schema version is made up: it opens streams that send nothing. */
function gatewayWith(listeners: SubscriptionListener[]): {
  gateway: Gateway
  replace(): WeakRef<object>
} {
  let stages = stagesOf(listeners)
  const nothing = () => {}
  const gateway = createGateway({
    authenticate: () => ({ claims: null }),
    schema: { current: () => versionOf(stages) },
    tokenCookie: () => undefined,
    realm: { name: 'test' },
    live: {
      connections: liveConnections({
        connections: 10,
        connectionsPerCaller: 10,
        operationsPerCaller: 10,
      }),
      recheck: () => undefined,
      isSameLogin: () => true,
      heartbeat: 60_000,
      queue: { events: 10, bytes: 10_000, overflow: 'end' },
      observer: {
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
      },
      log: pino({ level: 'silent' }),
    },
    log: pino({ level: 'silent' }),
  })
  return {
    gateway,
    /** Serves another version; returns the earlier one. */
    replace() {
      const earlier = new WeakRef<object>(stages)
      stages = stagesOf(listeners)
      return earlier
    },
  }
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

async function overHttp(gateway: Gateway): Promise<() => void> {
  const response = await gateway.respond(request)
  const stream = new PassThrough()
  response.stream!(stream as unknown as ServerResponse)
  return () => stream.destroy()
}

async function overConnection(gateway: Gateway): Promise<() => void> {
  const session = await gateway.connect({ ...request, isConnection: true })
  const performed = await session.perform({ query }, new RequestSignal())
  if (performed.outcome !== 'subscribed') throw new Error(performed.outcome)
  const { onEnded, ...started } = performed.started
  const operation = new LiveOperation({
    ...started,
    refusal: () => session.refusal(),
    client: { next() {}, ended() {}, refused() {}, unread: () => 0 },
  })
  return () => {
    operation.close()
    onEnded('client gone')
  }
}

test.each([
  ['an event stream', overHttp],
  ['a connection', overConnection],
])('over %s, an earlier version is released', async (_name, open) => {
  const listeners: SubscriptionListener[] = []
  const { gateway, replace } = gatewayWith(listeners)
  const close = await open(gateway)
  for (let count = 0; count < 5; count++) {
    const earlier = replace()
    await listeners.splice(0)[0]!.replaced()
    await until(() => {
      collectGarbage()
      return earlier.deref() === undefined
    })
  }
  close()
})
