/** Clients that read more slowly than events come: the oldest events are dropped, or the subscription ends. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
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

/** Returns a stream of which nothing is read. */
async function pausedStream(accept: string): Promise<IncomingMessage> {
  const sent = request(graph.gateway.url, {
    method: 'POST',
    headers: { accept, 'content-type': 'application/json' },
  })
  sent.end(JSON.stringify({ query: 'subscription { priceChanged { id price } }' }))
  const [stream] = (await once(sent, 'response')) as [IncomingMessage]
  stream.on('error', () => {})
  stream.pause()
  await graph.listening(1)
  return stream
}

const transports = [
  ['an event stream', 'text/event-stream'],
  ['a multipart response', 'multipart/mixed;subscriptionSpec=1.0'],
] as const

describe.each(transports)('over %s', (_name, accept) => {
  test('a client that pauses gets the newest events when it reads again', async () => {
    const stream = await pausedStream(accept)
    const before = await dropped()
    const id = 'x'.repeat(100_000)
    let last = 0
    while ((await dropped()) < before + 20) graph.changePrice(++last, id)
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

  test('a client that pauses loses its subscription where the settings say so, at once', async () => {
    const stream = await pausedStream(accept)
    // They count for streams that are open, too.
    graph.gateway.configure((config) => config.replace('drop_oldest', 'end'))
    await graph.gateway.reload()
    const before = await dropped()
    const id = 'x'.repeat(100_000)
    let price = 0
    while (graph.listeners() > 0) {
      graph.changePrice(++price, id)
      await new Promise((resolve) => setImmediate(resolve))
    }
    let received = 0
    stream.on('data', (chunk: Buffer) => (received += chunk.length))
    stream.resume()
    await until(() => stream.closed)
    // What the sockets hold, the queue, and one event that was being written.
    expect(received).toBeLessThan(20_000_000)
    expect(await dropped()).toBe(before)
    graph.gateway.configure(() => graph.config)
    await graph.gateway.reload()
  })
})
