/** What ends a subscription, and what its client sees of that. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { asker } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes, loggedIn } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'
import type WebSocket from 'ws'
import { openLiveGraph, productsSdl, reviewsSdl } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'

const [database] = await testDatabases()
const scratch = await database!.make()
const auth = await startAuth(authEnvironment(scratch.url), { hashParameters: cheapHashes })
const at = (path: string) => new URL(path, auth.url).href
const ask = asker('auth', auth.url)

let graph: LiveGraph
beforeAll(async () => {
  graph = await openLiveGraph(
    `
authorization: { step_up: { recent login: { max_age: 2s } } }
subscriptions: { heartbeat: 1s }
`,
    `    - issuer: http://127.0.0.1:4001
      jwks_uri: ${at('/.well-known/jwks.json')}
      audiences: [portcullis]
      algorithms: [ES256]
      revocation:
        status_lists: ['${at('/status-lists/')}']
        not_before: ${at('/revocations')}
`,
  )
})
afterEach(() => graph.listening(0))
afterAll(async () => {
  await graph.close()
  await auth.close()
  await scratch.drop()
})

const query = 'subscription { priceChanged { price reader } }'
/** A new access token each time, which is valid for two seconds. */
const shortLived = () =>
  graph.authorization({ exp: Math.floor(Date.now() / 1000) + 2, sub: 'short' })

/** Sends an event now and then; returns how to stop. */
function keepChanging(): () => void {
  let price = 0
  const timer = setInterval(() => graph.changePrice(++price), 50)
  return () => clearInterval(timer)
}

describe('expiry', () => {
  test('a WebSocket is closed with 4403, and the client comes back with a fresh token', async () => {
    const closes: unknown[] = []
    let asked = 0
    const client = graph.ws({
      connectionParams: async () => {
        asked++
        return { authorization: await shortLived() }
      },
      on: { closed: (event) => closes.push(event) },
    })
    const stop = keepChanging()
    const readers = new Set<unknown>()
    for await (const { data, errors } of client.iterate<any>({ query })) {
      expect(errors).toBeUndefined()
      readers.add(data!['priceChanged'].reader)
      if (closes.length >= 2 && asked >= 3) break
    }
    stop()
    expect(readers).toEqual(new Set(['short']))
    expect(closes.slice(0, 2)).toMatchObject([
      { code: 4403, reason: 'TOKEN_EXPIRED' },
      { code: 4403, reason: 'TOKEN_EXPIRED' },
    ])
  })

  test('an event stream ends without `complete`, and the client comes back with a fresh token', async () => {
    let asked = 0
    const client = graph.sse(async () => {
      asked++
      return { authorization: await shortLived() }
    })
    const stop = keepChanging()
    for await (const { data, errors } of client.iterate({ query })) {
      expect(errors).toBeUndefined()
      expect(data).toMatchObject({ priceChanged: { reader: 'short' } })
      if (asked >= 3) break
    }
    stop()
  })

  test('a silent stream ends as well', async () => {
    const response = await openStream('text/event-stream', await shortLived())
    expect(await response.text()).toMatch(/^(:\n\n)+$/)
  })

  test('a multipart response ends with the reason', async () => {
    const response = await openStream(multipart, await shortLived())
    const text = await response.text()
    expect(text).toMatch(
      /^\r\n--graphql(\r\ncontent-type: application\/json\r\n\r\n\{\}\r\n--graphql){2,}/,
    )
    expect(lastPart(text)).toEqual({
      payload: null,
      errors: [
        {
          message: 'The access token has expired: request a new one',
          extensions: { code: 'SUBSCRIPTION_JWT_EXPIRED', reason: 'TOKEN_EXPIRED' },
        },
      ],
    })
  })
})

const multipart = 'multipart/mixed;subscriptionSpec="1.0"'

function openStream(accept: string, authorization: string): Promise<Response> {
  return fetch(graph.gateway.url, {
    method: 'POST',
    headers: { accept, 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query }),
  })
}

/** Returns the last part of a multipart response that has ended. */
function lastPart(text: string): unknown {
  const [, json] =
    /\r\n--graphql\r\ncontent-type: application\/json\r\n\r\n([^\r]*)\r\n--graphql--\r\n$/.exec(
      text,
    )!
  return JSON.parse(json!)
}

test('a client that is reminded sends another access token, and keeps its connection', async () => {
  const closes: unknown[] = []
  const reminders: unknown[] = []
  let socket: WebSocket | undefined
  const client = graph.ws({
    connectionParams: async () => ({ authorization: await shortLived() }),
    on: {
      opened: (opened) => (socket = opened as WebSocket),
      closed: (event) => closes.push(event),
      ping: async (isOfGateway, payload) => {
        if (!isOfGateway || !payload?.['tokenExpiresIn']) return
        reminders.push(payload['tokenExpiresIn'])
        const again = { type: 'ping', payload: { authorization: await shortLived() } }
        socket?.send(JSON.stringify(again))
      },
    },
  })
  const stop = keepChanging()
  let last = 0
  for await (const { data, errors } of client.iterate<any>({ query })) {
    expect(errors).toBeUndefined()
    const { price, reader } = data!['priceChanged']
    expect([price, reader]).toEqual([last === 0 ? price : last + 1, 'short'])
    last = price
    if (reminders.length >= 4) break
  }
  stop()
  expect(closes).toEqual([])
  expect(Math.max(...(reminders as number[]))).toBeLessThanOrEqual(2)
})

describe('revocation', () => {
  test('a logout ends a WebSocket with 4401, event streams and multipart responses with its reason', async () => {
    const { token, claims } = await loggedIn(ask)
    const authorization = `Bearer ${token}`
    const client = graph.ws({ connectionParams: { authorization } })
    const overSocket = client.iterate({ query })
    const closed = overSocket.next()
    const results: unknown[] = []
    const overStream = (async () => {
      for await (const result of graph.sse({ authorization }).iterate({ query }))
        results.push(result)
    })()
    const inParts = openStream(multipart, authorization).then((response) => response.text())
    await graph.listening(3)
    await ask(claims, 'mutation { logout }')
    await expect(closed).rejects.toMatchObject({ code: 4401, reason: 'TOKEN_REVOKED' })
    await overStream
    const errors = [{ extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_REVOKED' } }]
    expect(results).toMatchObject([{ errors }])
    expect(lastPart(await inParts)).toMatchObject({ payload: null, errors })
  })

  test('a logout ends a response in parts before the next part', async () => {
    const { token, claims } = await loggedIn(ask)
    const authorization = `Bearer ${token}`
    const post = (text: string, accept: string) =>
      fetch(graph.gateway.url, {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json', authorization },
        body: JSON.stringify({ query: text }),
      })
    const accept = 'multipart/mixed;deferSpec=20220824'
    const response = await post('{ products { id ... @defer { slow } } }', accept)
    await until(() => graph.waiting() === 1)
    await ask(claims, 'mutation { logout }')
    await until(async () => (await post('{ me }', 'application/json')).status === 401)
    graph.release()
    const text = await response.text()
    expect(text).toContain('{"data":{"products":[{"id":"1"}]},"hasNext":true}')
    expect(text).not.toContain('at last')
    expect(lastPart(text)).toMatchObject({
      errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_REVOKED' } }],
      hasNext: false,
    })
  })
})

test('a field that needs a recent login is denied once the login is too long ago', async () => {
  const authorization = await graph.authorization({ auth_time: Math.floor(Date.now() / 1000) })
  const stop = keepChanging()
  const seen: unknown[] = []
  const prices: number[] = []
  const subscribed = graph.subscribed.length
  for await (const { data, errors } of graph
    .sse({ authorization })
    .iterate<any>({ query: 'subscription { priceChanged { price vault } }' })) {
    const { price, vault } = data!['priceChanged']
    seen.push(vault)
    prices.push(price)
    if (!errors) continue
    expect(errors).toMatchObject([{ path: ['priceChanged', 'vault'] }])
    if (graph.subscribed.length > subscribed + 1 && graph.listeners() === 1) break
  }
  stop()
  expect(seen.at(0)).toBe('gold')
  expect(seen.at(-1)).toBeNull()
  const last = prices.at(-1)!
  const all = Array.from({ length: last - prices[0]! + 1 }, (_, index) => prices[0]! + index)
  expect([...new Set(prices)]).toEqual(all)
  const asked = graph.subscribed.slice(subscribed)
  expect(asked).toHaveLength(2)
  expect(asked[0]).toContain('vault')
  expect(asked[1]).not.toContain('vault')
})

test('a connection without events gets heartbeats', async () => {
  const response = await fetch(graph.gateway.url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  let text = ''
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString()
    if (text === ':\n\n:\n\n:\n\n') break
    expect(text).toMatch(/^(:\n\n)+$/)
  }
})

describe('a new supergraph', () => {
  const sources = (products: string, reviews = reviewsSdl) => [
    { name: 'products', url: graph.urls.products, sdl: products },
    { name: 'reviews', url: graph.urls.reviews, sdl: reviews },
  ]
  const withField = (field: string) =>
    reviewsSdl.replace('type Query {', `type Query { ${field}: Int `)
  const replace = async (products: string, field: string) => {
    graph.gateway.replaceSupergraph(sources(products, withField(field)))
    await until(() => serves(field))
  }

  test('passes five times without the clients noticing, and no event is lost or comes twice', async () => {
    let connections = 0
    const events = [
      graph.ws({ on: { connected: () => void connections++ } }).iterate<any>({ query }),
      graph.sse().iterate<any>({ query }),
    ]
    const received = events.map(async (iterator) => {
      const prices: number[] = []
      for await (const { data, errors } of iterator) {
        expect(errors).toBeUndefined()
        prices.push(data!['priceChanged'].price)
        if (prices.at(-1) === 0) break
      }
      return prices
    })
    await graph.listening(2)
    const subscribed = graph.subscribed.length
    let price = 0
    const timer = setInterval(() => graph.changePrice(++price), 40)
    for (const field of ['a', 'b', 'c', 'd', 'e']) await replace(productsSdl, field)
    clearInterval(timer)
    graph.changePrice(0)
    for (const prices of await Promise.all(received)) {
      const sent = Array.from({ length: price }, (_, index) => index + 1)
      expect(prices).toEqual([...sent, 0])
    }
    expect(connections).toBe(1)
    // What is asked of the subgraph is the same: its streams are kept.
    expect(graph.subscribed).toHaveLength(subscribed)
  })

  test('ends a subscription that is not valid any longer, with the reason', async () => {
    const overStream = graph
      .sse()
      .iterate({ query: 'subscription { failing2: priceChanged { price } }' })
    const stream = overStream.next()
    const socket = graph.ws().iterate({ query: 'subscription { priceChanged { price } }' }).next()
    await graph.listening(2)
    await replace(productsSdl.replaceAll('price: Int', 'cost: Int'), 'f')
    const reload = {
      message: expect.stringMatching(
        /^The subscription is not valid for the new schema: Cannot query field "price"/,
      ),
      extensions: { code: 'SUBSCRIPTION_SCHEMA_RELOAD', reason: 'SUBSCRIPTION_SCHEMA_RELOAD' },
    }
    expect((await stream).value).toMatchObject({ errors: [reload] })
    expect(await overStream.next()).toMatchObject({ done: true })
    await expect(socket).rejects.toMatchObject([reload])
    await replace(productsSdl, 'g')
  })

  test('decides by its own guards what the caller may see', async () => {
    const events = graph
      .sse()
      .iterate<any>({ query: 'subscription { priceChanged { price name } }' })
    const first = events.next()
    await graph.listening(1)
    graph.changePrice(1)
    expect((await first).value).toEqual({ data: { priceChanged: { price: 1, name: 'Table' } } })
    const asked = graph.subscribed.length
    const guarded = productsSdl.replace(
      'name: String price',
      'name: String @requiresScopes(scopes: [["names"]]) price',
    )
    await replace(guarded, 'h')
    await until(() => graph.subscribed.length > asked && graph.listeners() === 1)
    graph.changePrice(2)
    expect((await events.next()).value).toMatchObject({
      data: { priceChanged: { price: 2, name: null } },
      errors: [{ path: ['priceChanged', 'name'] }],
    })
    expect(graph.subscribed.at(-1)).not.toContain('name')
    await replace(productsSdl, 'i')
    await events.return?.()
  })
})

async function serves(field: string): Promise<boolean> {
  const response = await fetch(graph.gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ __type(name: "Query") { fields { name } } }' }),
  })
  return (await response.text()).includes(`"${field}"`)
}

describe('a new configuration', () => {
  const configured = async (change: (config: string) => string) => {
    graph.gateway.configure(change)
    await graph.gateway.reload()
  }
  afterEach(() => configured(() => graph.config))

  test('passes without a client noticing, and decides by its own authorization', async () => {
    const closes: unknown[] = []
    const authorization = await graph.authorization({ auth_time: Date.now() / 1_000 - 3_600 })
    const connected = { connectionParams: { authorization }, retryAttempts: 0 }
    const on = { closed: (event: unknown) => closes.push(event) }
    const vault = 'subscription { priceChanged { price vault } }'
    const streams = [
      graph.ws({ ...connected, on }).iterate<any>({ query: vault }),
      graph.sse({ authorization }).iterate<any>({ query: vault }),
    ]
    let price = 0
    const changes = setInterval(() => graph.changePrice(++price), 20)
    const received = streams.map(async (stream) => {
      const events: any[] = []
      for await (const event of stream) {
        events.push(event)
        if (event.data.priceChanged.vault === 'gold') return events
      }
      throw new Error(`the stream has ended after ${JSON.stringify(events.at(-1))}`)
    })
    await graph.listening(2)
    await configured((config) => config)
    await configured((config) => config.replace('max_age: 2s', 'max_age: 2h'))
    for (const events of await Promise.all(received)) {
      const first = events[0].data.priceChanged.price
      const prices = new Set(events.map(({ data }) => data.priceChanged.price))
      expect([...prices]).toEqual([...prices].map((_, index) => first + index))
      expect(events[0].errors).toMatchObject([{ path: ['priceChanged', 'vault'] }])
    }
    clearInterval(changes)
    expect(closes.map((close) => (close as { code: number }).code)).not.toContain(1012)
  })

  test('that has the revocations of an issuer ends what they concern', async () => {
    const revocation = /      revocation:\n(        .*\n)+/
    expect(graph.config).toMatch(revocation)
    await configured((config) => config.replace(revocation, ''))
    const { token, claims } = await loggedIn(ask)
    const authorization = `Bearer ${token}`
    const socket = graph.ws({ connectionParams: { authorization } }).iterate({ query })
    const closed = socket.next()
    const inParts = openStream(multipart, authorization).then((response) => response.text())
    const other = graph.sse({ authorization: await graph.authorization() }).iterate({ query })
    const next = other.next()
    await graph.listening(3)
    await ask(claims, 'mutation { logout }')
    await configured(() => graph.config)
    await expect(closed).rejects.toMatchObject({ code: 4401, reason: 'TOKEN_REVOKED' })
    const errors = [{ extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_REVOKED' } }]
    expect(lastPart(await inParts)).toMatchObject({ payload: null, errors })
    await graph.listening(1)
    graph.changePrice(7)
    expect((await next).value).toMatchObject({ data: { priceChanged: { price: 7 } } })
    await other.return?.()
  })

  test('that refuses anonymous callers ends their streams, and those of an ignored token', async () => {
    const ends = [{}, { authorization: await graph.authorization() }].map(
      (connectionParams) =>
        new Promise((resolve) => {
          const client = graph.ws({ connectionParams, retryAttempts: 0, on: { closed: resolve } })
          client
            .iterate({ query })
            .next()
            .catch(() => {})
        }),
    )
    await graph.listening(2)
    await configured((config) =>
      config
        .replace('authentication:', 'authentication:\n  on_invalid: anonymous')
        .replace(/    - issuer: .*\n/, `    - issuer: https://elsewhere.example\n`),
    )
    expect(await ends[1]).toMatchObject({ code: 4403, reason: 'SUBJECT_CHANGED' })
    await configured(() =>
      graph.config.replace('authentication:', 'authentication:\n  require: true'),
    )
    expect(await ends[0]).toMatchObject({ code: 4403, reason: 'TOKEN_MISSING' })
  })

  test('without subscriptions sends the clients away', async () => {
    const closed = new Promise((resolve) => {
      const client = graph.ws({ retryAttempts: 0, on: { closed: resolve } })
      client
        .iterate({ query })
        .next()
        .catch(() => {})
    })
    const inParts = openStream(multipart, '').then((response) => response.text())
    await graph.listening(2)
    await configured((config) => config.replace('heartbeat: 1s', 'enabled: false'))
    expect(await closed).toMatchObject({ code: 1012 })
    const errors = [{ extensions: { reason: 'SUBSCRIPTIONS_NOT_SUPPORTED' } }]
    expect(lastPart(await inParts)).toMatchObject({ payload: null, errors })
  })
})
