/** Subscriptions by HTTP responses: from the client's connection to the subgraph's iterator. */
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
  const events = graph.sse({ authorization }).iterate({
    query: 'subscription { priceChanged { price cost: price ... @defer { stars reader } } }',
  })
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

test('queries and mutations are answered in a stream as well', async () => {
  const client = graph.sse()
  const only = async (query: string) => (await client.iterate({ query }).next()).value
  expect(await only('{ products { name stars } }')).toEqual({
    data: { products: [{ name: 'Table', stars: 5 }] },
  })
  expect(await only('mutation { rename(id: 1, name: "Chair") { name } }')).toEqual({
    data: { rename: { name: 'Chair' } },
  })
})

test('the bytes of a stream are those of GraphQL over SSE, by POST and GET', async () => {
  const query = 'subscription { counter(to: 2) }'
  const accept = { accept: 'text/event-stream' }
  const expected =
    ':\n\n' +
    'event: next\ndata: {"data":{"counter":1}}\n\n' +
    'event: next\ndata: {"data":{"counter":2}}\n\n' +
    'event: complete\ndata: \n\n'
  const posted = await fetch(graph.gateway.url, {
    method: 'POST',
    headers: { ...accept, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  expect(Object.fromEntries(posted.headers)).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  expect(await posted.text()).toBe(expected)
  const search = new URLSearchParams({ query })
  const got = await fetch(`${graph.gateway.url}?${search}`, { headers: accept })
  expect(await got.text()).toBe(expected)
})

test('what a client accepts decides: a wildcard is no stream, a list with it is', async () => {
  const ask = (accept: string, query = 'subscription { counter(to: 1) }') =>
    fetch(`${graph.gateway.url}?${new URLSearchParams({ query })}`, { headers: { accept } })
  expect((await ask('*/*')).status).toBe(406)
  expect((await ask('application/json')).status).toBe(406)
  const list = 'application/graphql-response+json, application/json, text/event-stream'
  expect(await (await ask(list)).text()).toContain('event: complete')
  const json = await ask(list, '{ products { name } }')
  expect(json.headers.get('content-type')).toMatch(/^application\/graphql-response\+json/)
})

test('an invalid document is a stream of its errors; a refused caller gets 401', async () => {
  const ask = (query: string, headers = {}) =>
    fetch(graph.gateway.url, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query }),
    })
  const invalid = await ask('subscription { nothing }')
  expect(invalid.status).toBe(200)
  expect(await invalid.text()).toMatch(
    /^event: next\ndata: \{"errors":\[.*GRAPHQL_VALIDATION_FAILED.*\]\}\n\nevent: complete\ndata: \n\n$/,
  )
  const refused = await ask('subscription { counter(to: 1) }', { authorization: 'Bearer x' })
  expect(refused.status).toBe(401)
  expect(refused.headers.get('www-authenticate')).toMatch(/invalid_token/)
})

const multipart = 'multipart/mixed;subscriptionSpec="1.0"'
const post = (query: string, headers: Record<string, string>) =>
  fetch(graph.gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}\r\n--graphql`

test('the bytes of a multipart response are those of Apollo, by POST and GET', async () => {
  const query = 'subscription { counter(to: 2) }'
  const expected =
    '\r\n--graphql' +
    part('{}') +
    part('{"payload":{"data":{"counter":1}}}') +
    part('{"payload":{"data":{"counter":2}}}') +
    '--\r\n'
  const accepted = [
    multipart,
    'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9',
  ]
  for (const accept of accepted) {
    const posted = await post(query, { accept })
    expect(posted.status).toBe(200)
    expect(Object.fromEntries(posted.headers)).toMatchObject({
      'content-type': 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': expect.any(String),
    })
    expect(await posted.text()).toBe(expected)
    const search = new URLSearchParams({ query })
    const got = await fetch(`${graph.gateway.url}?${search}`, { headers: { accept } })
    expect(await got.text()).toBe(expected)
  }
})

test('multipart responses are for clients that name the specification', async () => {
  const query = 'subscription { counter(to: 1) }'
  for (const accept of [
    'multipart/mixed, application/json',
    'multipart/mixed;deferSpec=20220824, application/json',
    'multipart/mixed;subscriptionSpec=2.0, application/json',
    'text/html;subscriptionSpec=1.0, application/json',
  ]) {
    const refused = await post(query, { accept })
    expect(refused.status).toBe(406)
    expect(await refused.text()).toContain('SUBSCRIPTION_TRANSPORT_NEEDED')
  }
  const both = await post(query, { accept: `${multipart}, text/event-stream` })
  expect(both.headers.get('content-type')).toBe('text/event-stream')
  await both.text()
})

test('a query of a client that accepts multipart responses is JSON, or a single part', async () => {
  const query = '{ products { name } }'
  const json = await post(query, { accept: `${multipart}, application/json` })
  expect(json.headers.get('content-type')).toMatch(/^application\/json/)
  const data = '{"data":{"products":[{"name":"Table"}]}}'
  expect((await json.text()).trimEnd()).toBe(data)
  const only = await post(query, { accept: multipart })
  expect(only.headers.get('content-type')).toMatch(/^multipart\/mixed;boundary="graphql"/)
  expect(await only.text()).toBe(`\r\n--graphql${part(data)}--\r\n`)
})

test('a subscription by multipart response is refused before it begins, with a status', async () => {
  const invalid = await post('subscription { nothing }', { accept: multipart })
  expect(invalid.status).toBe(400)
  expect(invalid.headers.get('content-type')).toMatch(/^application\/json/)
  const token = { accept: multipart, authorization: 'Bearer x' }
  const refused = await post('subscription { counter(to: 1) }', token)
  expect(refused.status).toBe(401)
  expect(refused.headers.get('www-authenticate')).toMatch(/invalid_token/)
})

test('what ends a multipart response is in its last part', async () => {
  const failing = await post('subscription { failing }', { accept: multipart })
  expect(await failing.text()).toMatch(
    /\{"payload":\{"errors":\[.*SUBGRAPH_ERROR.*\],"data":\{"failing":null\}\}\}\r\n--graphql--\r\n$/,
  )
})

test('a fault of the subgraph is an error of the client, without its text', async () => {
  const results = []
  for await (const result of graph.sse().iterate({ query: 'subscription { failing }' })) {
    results.push(result)
  }
  expect(results).toEqual([
    { data: { failing: 1 } },
    {
      data: { failing: null },
      errors: [
        {
          message: expect.any(String),
          extensions: expect.objectContaining({ code: 'SUBGRAPH_ERROR' }),
        },
      ],
    },
  ])
})
