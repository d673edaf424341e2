/** Clients that read more slowly than events come, where the oldest events are dropped. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { until } from '../support/until.ts'
import { openLiveGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'

let graph: LiveGraph
beforeAll(async () => {
  graph = await openLiveGraph(`
subscriptions: { queue: { events: 10, bytes: 1MB, overflow: drop_oldest } }
metrics: { port: 0 }
`)
})
afterAll(() => graph.close())

async function dropped(): Promise<number> {
  const line = graph.gateway.log.find((line) => line.includes('serving metrics'))!
  const { url } = JSON.parse(line) as { url: string }
  const text = await (await fetch(url)).text()
  const [, count] = /^portcullis_dropped_subscription_events_total (\d+)/m.exec(text) ?? []
  return Number(count)
}

test('a client that pauses gets the newest events when it reads again', async () => {
  const sent = request(graph.gateway.url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
  })
  sent.end(JSON.stringify({ query: 'subscription { priceChanged { id price } }' }))
  const [stream] = (await once(sent, 'response')) as [IncomingMessage]
  stream.pause()
  await graph.listening(1)
  const id = 'x'.repeat(100_000)
  let last = 0
  while ((await dropped()) < 20) graph.changePrice(++last, id)
  graph.changePrice(++last, id)
  const prices: number[] = []
  let rest = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const [, price] = /"price":(\d+)\}/.exec(line) ?? []
      if (price !== undefined) prices.push(Number(price))
    }
  })
  stream.resume()
  await until(() => prices.includes(last))
  expect(prices).toEqual([...new Set(prices)].sort((one, other) => one - other))
  expect(prices.length).toBeLessThanOrEqual(last - 20)
  stream.destroy()
  await graph.listening(0)
})
