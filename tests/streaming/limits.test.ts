/** What bounds the connections, the operations and the memory of clients. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import WebSocket from 'ws'
import { liveConnections } from '../../gateway/streaming/live-connections.ts'
import { webSocketUpgrade } from '../../gateway/streaming/websocket-upgrade.ts'
import type { WebSocketUpgradeParts } from '../../gateway/streaming/websocket-upgrade.ts'
import { until } from '../support/until.ts'
import { openLiveGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'

let graph: LiveGraph
beforeAll(async () => {
  graph = await openLiveGraph(`
subscriptions: { connections: 4, connections_per_caller: 2, operations_per_caller: 4, queue: { events: 20, bytes: 300KB } }
`)
})
afterEach(() => graph.listening(0))
afterAll(() => graph.close())

const query = 'subscription { priceChanged { price } }'

async function openStream(
  headers: Record<string, string> = {},
  text = query,
): Promise<IncomingMessage> {
  const sent = request(graph.gateway.url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
  })
  sent.end(JSON.stringify({ query: text }))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  return response
}

test('a caller has so many connections, of either kind, and the process so many', async () => {
  const alice = { authorization: await graph.authorization({ sub: 'alice' }) }
  const bob = { authorization: await graph.authorization({ sub: 'bob' }) }
  const open = [await openStream(alice)]
  const socket = new WebSocket(graph.gateway.url.replace('http', 'ws'), 'graphql-transport-ws', {
    headers: alice,
  })
  await once(socket, 'open')
  const refused = await openStream(alice)
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '60'])
  await expect(
    graph.ws({ connectionParams: alice, retryAttempts: 0 }).iterate({ query }).next(),
  ).rejects.toMatchObject({ code: 1013, reason: 'TOO_MANY_REQUESTS' })
  open.push(await openStream(bob), await openStream(bob))
  expect((await openStream()).statusCode).toBe(429)
  socket.close()
  await once(socket, 'close')
  await until(async () => {
    const next = await openStream(alice)
    open.push(next)
    return next.statusCode === 200
  })
  for (const stream of open) stream.destroy()
})

test('a caller has so many subscriptions on all its connections', async () => {
  const alice = { authorization: await graph.authorization({ sub: 'alice' }) }
  const client = graph.ws({ connectionParams: alice, lazy: false })
  const iterators = Array.from({ length: 3 }, () => client.iterate({ query }))
  for (const iterator of iterators) void iterator.next()
  await graph.listening(3)
  const stream = await openStream(alice)
  expect(stream.statusCode).toBe(200)
  const message = 'Too many open subscriptions of one caller: retry after 60 seconds'
  const extensions = { code: 'TOO_MANY_REQUESTS', reason: 'TOO_MANY_REQUESTS' }
  await expect(client.iterate({ query }).next()).rejects.toMatchObject([{ message, extensions }])
  stream.destroy()
  // The subgraph may learn of the end before the gateway has a place again.
  const next = await until(async () => {
    const opened = await openStream(alice)
    return opened.statusCode === 200 && opened
  })
  await graph.listening(4)
  const refused = await openStream(alice)
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '60'])
  next.destroy()
  for (const iterator of iterators) await iterator.return?.()
})

test('a connection that ends while its caller is identified is not counted', async () => {
  const connections = liveConnections(() => ({
    connections: 1,
    connectionsPerCaller: 1,
    operationsPerCaller: 1,
  }))
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws', {
    headers: { authorization: 'Bearer token' },
  })
  client.on('error', () => {})
  const [asked, socket, head] = await once(server, 'upgrade')
  let sessions = 0
  const upgrade = webSocketUpgrade({
    live: { connections, credentialHeaders: ['authorization'] },
    async connect() {
      sessions++
      await once(socket, 'close')
      return { close: () => sessions-- }
    },
    originOf: () => ({ clientAddress: '127.0.0.1', isFromTrustedProxy: false }),
  } as unknown as WebSocketUpgradeParts)
  upgrade(asked, socket, head)
  expect(sessions).toBe(1)
  socket.destroy()
  await until(() => sessions === 0)
  expect(() => connections.place()).not.toThrow()
  server.close()
})

test('a refused WebSocket has a request id and a standard status line', async () => {
  const sent = request(graph.gateway.url, {
    headers: { connection: 'upgrade', upgrade: 'websocket', authorization: 'Bearer x' },
  }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  expect([response.statusCode, response.statusMessage]).toEqual([401, 'Unauthorized'])
  expect(response.headers['x-request-id']).toMatch(/^[\w-]{36}$/)
  response.resume()
})

test('the subgraph learns that a client has gone', async () => {
  const stream = await openStream()
  await graph.listening(1)
  stream.destroy()
  await graph.listening(0)
})

test('a client that does not read ends, and delays nobody', async () => {
  const slow = await openStream({}, 'subscription { priceChanged { id } }')
  slow.pause()
  const quick = graph.ws().iterate({ query })
  const first = quick.next()
  await graph.listening(2)
  const id = 'x'.repeat(100_000)
  let price = 0
  let isEnded = false
  slow.on('close', () => (isEnded = true))
  graph.changePrice(++price, id)
  await first
  while (graph.listeners() === 2) {
    graph.changePrice(++price, id)
    expect((await quick.next()).value).toMatchObject({ data: { priceChanged: { price } } })
  }
  slow.resume()
  await until(() => isEnded)
  await quick.return?.()
})
