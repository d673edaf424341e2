/** Subscriptions at subgraphs by HTTP callbacks: what subgraphs may send, and what ends a subscription. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openCallbacks } from '../../gateway/streaming/callbacks.ts'
import type { Callbacks } from '../../gateway/streaming/callbacks.ts'
import { upstreamByCallback } from '../../gateway/streaming/upstream-by-callback.ts'
import type { UpstreamClient, UpstreamOptions } from '../../gateway/streaming/upstream.ts'
import { until } from '../support/until.ts'

interface Place {
  readonly callbackUrl: string
  readonly subscriptionId: string
  readonly verifier: string
  readonly heartbeatIntervalMs: number
}

let callbacks: Callbacks
let client: UpstreamClient
let subgraph: Server
let listener: Server
/** What the subgraph was asked for, and how it responds. */
let asked: { place: Place; query: string; headers: IncomingHttpHeaders } | undefined
let respond: (response: ServerResponse) => unknown
const accept = (response: ServerResponse) => response.end('{"data":null}')

const portOf = (server: Server) => (server.address() as AddressInfo).port
const clientFor = (given: Partial<UpstreamOptions> = {}) =>
  upstreamByCallback(`http://127.0.0.1:${portOf(subgraph)}/graphql`, {
    timeout: 10_000,
    silence: 30_000,
    eventLimit: 1_000,
    callbacks,
    connections: 10,
    ...given,
  })

beforeAll(async () => {
  subgraph = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      const { query, extensions } = JSON.parse(text)
      asked = { query, place: extensions.subscription, headers: request.headers }
      respond(response)
    })
  })
  listener = createServer((request, response) => callbacks.listener(request, response))
  for (const server of [subgraph, listener]) {
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  }
  callbacks = openCallbacks(`http://127.0.0.1:${portOf(listener)}/callback`)
  client = clientFor()
})
afterAll(async () => {
  await client.close()
  for (const server of [subgraph, listener]) {
    server.close()
    server.closeAllConnections()
  }
})

/** Subscribes; returns what the listener gets, and the place once the subgraph knows it. */
async function subscribed(from = client) {
  asked = undefined
  const all: unknown[] = []
  const upstream = from.open(
    () => ({ 'gateway-claims': 'signed' }),
    '{"query":"subscription{n}"}',
    {
      opened: () => all.push('opened'),
      next: (bytes) => all.push(bytes.toString()),
      completed: () => all.push('completed'),
      lost: (...why) => all.push(why),
      responded: ({ status, bytes }) => all.push([status, bytes.toString()]),
    },
  )
  const { place, query, headers } = await until(() => asked, { pause: 1 })
  const send = (message: object | string, url = place.callbackUrl) =>
    fetch(url, {
      method: 'POST',
      body:
        typeof message === 'string'
          ? message
          : JSON.stringify({
              kind: 'subscription',
              id: place.subscriptionId,
              verifier: place.verifier,
              ...message,
            }),
    })
  return { upstream, all, place, query, headers, send }
}

test('events are delivered in their order, as they were sent, until the end', async () => {
  respond = accept
  const { all, send, query, headers, place } = await subscribed()
  expect(query).toBe('subscription{n}')
  expect(headers).toMatchObject({
    accept: 'application/json;callbackSpec=1.0',
    'gateway-claims': 'signed',
  })
  expect(place).toMatchObject({ heartbeatIntervalMs: 10_000 })
  expect(place.callbackUrl).toBe(
    `http://127.0.0.1:${portOf(listener)}/callback/${place.subscriptionId}`,
  )
  const check = await send({ action: 'check' })
  expect([check.status, check.headers.get('subscription-protocol')]).toEqual([204, 'callback/1.0'])
  const { subscriptionId: id, verifier } = place
  const raw = `{"kind":"subscription","action":"next","id":"${id}","verifier":"${verifier}","payload":{"data":{"n":1.00}}}`
  expect((await send(raw)).status).toBe(204)
  expect((await send({ action: 'next', payload: { data: { n: 2 } } })).status).toBe(204)
  expect((await send({ action: 'complete' })).status).toBe(204)
  expect((await send({ action: 'next', payload: {} })).status).toBe(404)
  expect(all).toEqual(['opened', '{"data":{"n":1.00}}', '{"data":{"n":2}}', 'completed'])
})

test('an end with errors is an event with them, then the end', async () => {
  respond = accept
  const { all, send } = await subscribed()
  await send({ action: 'complete', errors: [{ message: 'broken' }] })
  expect(all).toEqual(['opened', '{"errors":[{"message":"broken"}]}', 'completed'])
})

test.each<[string, object | string, number]>([
  ['text that is not JSON', '{"kind"', 400],
  ['a list', '[]', 400],
  ['another kind', { kind: 'query', action: 'check' }, 400],
  ['another action', { action: 'hello' }, 400],
  ['no action', {}, 400],
  ['a next without a payload', { action: 'next' }, 400],
  ['the id of another subscription', { action: 'check', id: 'x' }, 400],
  ['a wrong verifier', { action: 'complete', verifier: 'x' }, 401],
  ['no verifier', { action: 'complete', verifier: undefined }, 401],
  ['a verifier that is no text', { action: 'complete', verifier: { length: 1 } }, 401],
])('%s is refused, and changes nothing', async (_name, message, status) => {
  respond = accept
  const { all, send, upstream } = await subscribed()
  await until(() => all.length === 1, { pause: 1 })
  const response = await send(message)
  expect(response.status).toBe(status)
  expect(await response.text()).toMatch(/^The /)
  expect(all).toEqual(['opened'])
  upstream.close()
})

test('other paths, methods and ids are not found', async () => {
  respond = accept
  const { send, upstream, place } = await subscribed()
  const { origin } = new URL(place.callbackUrl)
  const urls = ['/', '/callback', '/callback/', '/callback/x', `/${place.subscriptionId}`]
  for (const path of urls) {
    expect((await send({ action: 'check' }, origin + path)).status).toBe(404)
  }
  expect((await fetch(place.callbackUrl)).status).toBe(404)
  upstream.close()
  expect((await send({ action: 'check' })).status).toBe(404)
})

test('an event that is too large ends the subscription', async () => {
  respond = accept
  const { all, send } = await subscribed()
  await until(() => all.length === 1, { pause: 1 })
  await send({ action: 'next', payload: 'x'.repeat(2_000) }).catch(() => {})
  await until(() => all.length === 2, { pause: 1 })
  expect(all[1]).toEqual(['SUBGRAPH_RESPONSE_INVALID', 'an event larger than the limit'])
  expect((await send({ action: 'check' })).status).toBe(404)
})

test('an event that comes before the response is delivered', async () => {
  let late: ServerResponse | undefined
  respond = (response) => (late = response)
  const { all, send, upstream } = await subscribed()
  await send({ action: 'next', payload: 1 })
  accept(late!)
  expect(all).toEqual(['opened', '1'])
  upstream.close()
})

test.each<[string, (response: ServerResponse) => unknown, unknown]>([
  ['a refusal', (response) => response.writeHead(400).end('{"errors":[]}'), [400, '{"errors":[]}']],
  [
    'an error with status 200',
    (response) => response.end('{"data":null,"errors":[]}'),
    [200, '{"data":null,"errors":[]}'],
  ],
  [
    'the data of a query',
    (response) => response.end('{"data":{"n":1}}'),
    [200, '{"data":{"n":1}}'],
  ],
  [
    'a response that is too large',
    (response) => response.end('x'.repeat(300_000)),
    ['SUBGRAPH_RESPONSE_INVALID', 'not an acceptance'],
  ],
  [
    'a connection that breaks twice',
    (response) => response.destroy(),
    ['SUBGRAPH_UNREACHABLE', expect.stringMatching(/^UND_ERR_SOCKET|^ECONNRESET/)],
  ],
])('%s is the end', async (_name, send, expected) => {
  respond = send
  const { all } = await subscribed()
  await until(() => all.length > 0, { pause: 1 })
  expect(all).toEqual([expected])
})

test('a subgraph that does not respond, and one that is silent, are timeouts', async () => {
  respond = () => {}
  const late = clientFor({ timeout: 50 })
  const unanswered = await subscribed(late)
  respond = accept
  const silent = await subscribed(clientFor({ silence: 50 }))
  await until(() => unanswered.all.length === 1 && silent.all.length === 2)
  expect(unanswered.all).toEqual([['SUBGRAPH_TIMEOUT', 'no response within 50 ms']])
  expect(silent.all).toEqual(['opened', ['SUBGRAPH_TIMEOUT', 'no event and no check within 50 ms']])
})
