/** Streams that are lost and opened again. */
import { expect, test } from '@jest/globals'
import { reconnectingUpstream } from '../../gateway/streaming/reconnecting-upstream.ts'
import type { UpstreamClient, UpstreamListener } from '../../gateway/streaming/upstream.ts'
import { until } from '../support/until.ts'

const lossOf = ['SUBGRAPH_UNREACHABLE', 'reset'] as const

/** Returns a client, what its listener gets, and the streams that the subgraph sees. */
function opened({ reconnect = 10_000 } = {}) {
  const streams: { headers: Record<string, string>; listener: UpstreamListener; open: boolean }[] =
    []
  const inner: UpstreamClient = {
    open(headers, _body, listener) {
      const stream = { headers: headers(), listener, open: true }
      streams.push(stream)
      return { close: () => void (stream.open = false) }
    },
    close: async () => {},
  }
  const observed: unknown[] = []
  const client = reconnectingUpstream(inner, {
    reconnect,
    pauses: { first: 2, longest: 20 },
    observer: {
      lost: (...why) => observed.push(why),
      decided: (outcome) => observed.push(outcome),
      settled: () => observed.push('settled'),
    },
  })
  const got: unknown[] = []
  let asked = 0
  const open = () =>
    client.open(() => ({ number: String(++asked) }), '{}', {
      opened: () => got.push('opened'),
      next: (bytes) => got.push(bytes.toString()),
      completed: () => got.push('completed'),
      lost: (...why) => got.push(why),
      responded: ({ status }) => got.push(status),
    })
  const upstream = open()
  /** Resolves with the stream of that number. */
  const stream = (number: number) => until(() => streams[number - 1], { pause: 1 })
  return { client, upstream, open, streams, stream, got, observed }
}

const event = (text: string) => Buffer.from(text)
const refusal = (status: number) => ({ status, retryAfter: undefined, bytes: event('') })

test('a lost stream is opened again with fresh headers, and the listener does not notice', async () => {
  const { stream, got, observed } = opened()
  const { listener: first } = await stream(1)
  first.opened()
  first.next(event('1'))
  first.lost(...lossOf)
  const { listener: second, headers } = await stream(2)
  second.opened()
  second.next(event('2'))
  second.completed()
  expect(headers).toEqual({ number: '2' })
  expect(got).toEqual(['opened', '1', '2', 'completed'])
  expect(observed).toEqual([lossOf, 'reconnected', 'settled'])
})

test('attempts that fail, and a proxy without a subgraph behind it, are followed by others', async () => {
  const { stream, got } = opened()
  const { listener } = await stream(1)
  listener.opened()
  listener.lost(...lossOf)
  ;(await stream(2)).listener.lost('SUBGRAPH_TIMEOUT', 'no response')
  ;(await stream(3)).listener.responded(refusal(503))
  ;(await stream(4)).listener.responded(refusal(429))
  ;(await stream(5)).listener.opened()
  expect(got).toEqual(['opened'])
})

test.each<[string, (listener: UpstreamListener) => void, unknown]>([
  ['a connection that fails', (listener) => listener.lost(...lossOf), lossOf],
  ['an error', (listener) => listener.responded(refusal(500)), 500],
  ['an end', (listener) => listener.completed(), 'completed'],
])('%s before the first acceptance is final', async (_name, fail, expected) => {
  const { stream, streams, got, observed } = opened()
  fail((await stream(1)).listener)
  expect(got).toEqual([expected])
  expect([streams.length, observed]).toEqual([1, []])
})

test('a message that is invalid ends an open stream', async () => {
  const { stream, got } = opened()
  const { listener } = await stream(1)
  listener.opened()
  listener.lost('SUBGRAPH_RESPONSE_INVALID', 'too large')
  expect(got).toEqual(['opened', ['SUBGRAPH_RESPONSE_INVALID', 'too large']])
})

test('a refusal of an open stream is tried once with fresh headers; a second one is final', async () => {
  const { stream, got, observed } = opened()
  const { listener } = await stream(1)
  listener.opened()
  listener.lost('SUBGRAPH_ERROR', 'expired')
  ;(await stream(2)).listener.lost('SUBGRAPH_ERROR', 'refused')
  expect(got).toEqual(['opened', ['SUBGRAPH_ERROR', 'refused']])
  expect(observed).toEqual([['SUBGRAPH_ERROR', 'expired'], 'failed', 'settled'])
})

test('a refusal by HTTP while it is tried is final', async () => {
  const { stream, got } = opened()
  const { listener } = await stream(1)
  listener.opened()
  listener.lost(...lossOf)
  ;(await stream(2)).listener.responded(refusal(401))
  expect(got).toEqual(['opened', 401])
})

test('after the time for it, the stream is lost', async () => {
  const { stream, streams, got, observed } = opened({ reconnect: 10 })
  const { listener } = await stream(1)
  listener.opened()
  listener.lost(...lossOf)
  for (let number = 2; got.length < 2; number++) {
    await until(() => streams.length >= number || got.length === 2, { pause: 1 })
    streams[number - 1]?.listener.lost(...lossOf)
  }
  expect(got).toEqual(['opened', lossOf])
  expect(observed).toEqual([lossOf, 'failed', 'settled'])
})

test('a stream that breaks off again and again is lost after the same time', async () => {
  const { stream, streams, got } = opened({ reconnect: 20 })
  for (let number = 1; got.length < 2; number++) {
    await until(() => streams.length >= number || got.length === 2, { pause: 1 })
    const { listener } = streams[number - 1] ?? (await stream(1))
    listener.opened()
    listener.lost(...lossOf)
  }
  expect(got).toEqual(['opened', lossOf])
  expect(streams.length).toBeLessThan(12)
})

test('with 0 it is not tried', async () => {
  const { stream, got } = opened({ reconnect: 0 })
  const { listener } = await stream(1)
  listener.opened()
  listener.lost(...lossOf)
  expect(got).toEqual(['opened', lossOf])
})

test('a listener that leaves while the stream is lost ends it', async () => {
  const { stream, streams, upstream, got, observed } = opened()
  const { listener } = await stream(1)
  listener.opened()
  listener.lost(...lossOf)
  upstream.close()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect([streams.length, got]).toEqual([1, ['opened']])
  expect(observed).toEqual([lossOf, 'settled'])
})

test('an end of the gateway while streams are lost ends them', async () => {
  const { client, stream, got, observed, open } = opened()
  open()
  for (const number of [1, 2]) (await stream(number)).listener.opened()
  for (const number of [1, 2]) (await stream(number)).listener.lost(...lossOf)
  await client.close()
  expect(got).toEqual(['opened', 'opened', lossOf, lossOf])
  expect(observed).toEqual([lossOf, 'failed', 'failed', 'settled'])
})
