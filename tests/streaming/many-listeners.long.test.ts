/** Many listeners of one subscription: what is equal is opened and executed once, and nothing else is. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { until } from '../support/until.ts'
import { openLiveGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'
import { openListeners } from './open-listeners.ts'

let graph: LiveGraph
beforeAll(async () => {
  graph = await openLiveGraph(`
subgraphs: { products: { deduplicate_subscriptions: true } }
subscriptions: { connections_per_caller: 100, operations_per_caller: 2000, queue: { bytes: 300KB } }
metrics: { port: 0 }
claims: { subgraphs: { products: { anonymous: true } } }
`)
})
afterEach(() => graph.listening(0))
afterAll(() => graph.close())

const query = 'subscription { priceChanged { price stars } }'
const listeners = (count: number, text = query) =>
  openListeners(graph, { count, payload: () => ({ query: text }) })
const metric = (name: string) => graph.metric(name)
const open = () => metric('portcullis_subscriptions')
const opened = (count: number) => until(async () => (await open()) === count)

test('a thousand listeners are one stream and one entity fetch per event', async () => {
  const before = graph.subscribed.length
  const all = await Promise.all(Array.from({ length: 10 }, () => listeners(100)))
  await opened(1_000)
  await graph.listening(1)
  expect(graph.subscribed.length - before).toBe(1)
  expect(await metric('portcullis_subscription_upstreams')).toBe(1)
  const [fetches, executions] = [graph.readers.length, await metric(executed)]
  const received = all.flatMap(({ received }) => received)
  for (let price = 1; price <= 5; price++) {
    graph.changePrice(price)
    await until(() => received.every(({ length }) => length === price))
  }
  for (const events of received) {
    expect(events).toEqual([1, 2, 3, 4, 5].map((price) => event({ price, stars: 5 })))
  }
  expect(graph.readers.length - fetches).toBe(5)
  expect((await metric(executed)) - executions).toBe(5)

  all[0]!.complete(0)
  await opened(999)
  graph.changePrice(6)
  await until(() => received.slice(1).every(({ length }) => length === 6))
  expect(received[0]).toHaveLength(5)
  for (const { close } of all) close()
  await graph.listening(0)
  expect(graph.subscribed.length - before).toBe(1)
  await until(async () => (await metric('portcullis_subscription_upstreams')) === 0)
})

test('a thousand listeners move to a new supergraph, and keep their streams', async () => {
  const query = 'subscription ($id: ID) { priceChanged(id: $id) { price stars } }'
  const payload = (operation: number) => ({ query, variables: { id: `${operation % 5}` } })
  const all = await Promise.all(
    Array.from({ length: 10 }, () => openListeners(graph, { count: 100, payload })),
  )
  await opened(1_000)
  await graph.listening(5)
  const before = graph.subscribed.length
  graph.replaceSupergraph('another')
  await until(() => graph.gateway.log.some((line) => line.includes('serving the new supergraph')))
  const received = all.flatMap(({ received }) => received)
  for (let price = 1; price <= 5; price++) {
    for (let id = 0; id < 5; id++) graph.changePrice(price, `${id}`)
    await until(() => received.every(({ length }) => length === price))
  }
  for (const events of received) {
    expect(events).toEqual([1, 2, 3, 4, 5].map((price) => event({ price, stars: 5 })))
  }
  expect(graph.subscribed).toHaveLength(before)
  for (const { close } of all) close()
})

const executed = 'portcullis_subscription_executions_total'
const event = (priceChanged: object) => ({ data: { priceChanged } })

test('a stream without listeners is open for a second, for a client that comes back', async () => {
  const before = graph.subscribed.length
  const first = await listeners(1)
  await graph.listening(1)
  first.close()
  await opened(0)
  const second = await listeners(1)
  await opened(1)
  graph.changePrice(7)
  await until(() => second.received[0]!.length === 1)
  expect(graph.subscribed.length - before).toBe(1)
  second.close()
})

test('a subgraph to which all are anonymous has one stream for all; others learn who listens', async () => {
  const before = graph.subscribed.length
  const subs = ['1', '2', '3']
  const text = 'subscription { priceChanged { viewer reader } }'
  const all = await Promise.all(
    subs.map(async (sub) =>
      openListeners(graph, {
        count: 2,
        authorization: await graph.authorization({ sub }),
        payload: () => ({ query: text }),
      }),
    ),
  )
  await opened(6)
  await graph.listening(1)
  const fetches = graph.readers.length
  graph.changePrice(8)
  await until(() => all.every(({ received }) => received.every(({ length }) => length === 1)))
  for (const [index, { received, close }] of all.entries()) {
    const right = event({ viewer: 'null', reader: subs[index] })
    expect(received).toEqual([[right], [right]])
    close()
  }
  expect(graph.subscribed.length - before).toBe(1)
  expect(graph.readers.slice(fetches).toSorted()).toEqual(subs)
})

test('a new supergraph keeps a stream that is the same, and no event is lost or comes twice', async () => {
  const before = graph.subscribed.length
  const all = await listeners(50)
  await opened(50)
  await graph.listening(1)
  for (const [index, field] of ['second', 'third'].entries()) {
    const served = await metric('portcullis_supergraphs_served_total')
    graph.replaceSupergraph(field)
    await until(async () => (await metric('portcullis_supergraphs_served_total')) > served)
    for (let price = 1; price <= 20; price++) {
      graph.changePrice(price)
      await until(() => all.received.every(({ length }) => length === index * 20 + price))
    }
  }
  expect(graph.subscribed.length - before).toBe(1)
  expect(await open()).toBe(50)
  all.close()
})

test('the end of a stream, and its failure, reach all listeners', async () => {
  const failing = await listeners(50, 'subscription { failing }')
  await until(() => failing.received.every((events) => events.at(-1)?.['errors'] !== undefined))
  failing.close()
  await opened(0)
})

test('a client that does not read delays nobody', async () => {
  const sent = request(graph.gateway.url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
  })
  const text = 'subscription { priceChanged { id price } }'
  sent.end(JSON.stringify({ query: text }))
  const [slow] = (await once(sent, 'response')) as [IncomingMessage]
  slow.pause()
  let isEnded = false
  slow.on('close', () => (isEnded = true)).on('error', () => {})
  const quick = await listeners(20, text)
  await opened(21)
  await graph.listening(1)
  const id = 'x'.repeat(100_000)
  for (let price = 1; (await open()) === 21; price++) {
    graph.changePrice(price, id)
    await until(() => quick.received.every(({ length }) => length === price))
  }
  slow.resume()
  await until(() => isEnded)
  quick.close()
})
