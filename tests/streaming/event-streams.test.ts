/** Subscriptions by server-sent events: from the client's connection to the subgraph's iterator. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { openLiveGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'

let graph: LiveGraph
beforeAll(async () => {
  graph = await openLiveGraph()
})
afterEach(() => graph.listening(0))
afterAll(() => graph.close())

test('an event is executed as the response to a first fetch, in the name of its caller', async () => {
  const authorization = await graph.authorization({ sub: '7' })
  const events = graph
    .sse({ authorization })
    .iterate({ query: 'subscription { priceChanged { price cost: price stars reader } }' })
  const first = events.next()
  await graph.listening(1)
  graph.changePrice(10)
  const data = (price: number) => ({
    data: { priceChanged: { price, cost: price, stars: 5, reader: '7' } },
  })
  expect((await first).value).toEqual(data(10))
  graph.changePrice(11)
  graph.changePrice(12)
  expect((await events.next()).value).toEqual(data(11))
  expect((await events.next()).value).toEqual(data(12))
  expect(graph.readers).toEqual(['7', '7', '7'])
  await events.return?.()
})
