/** The protocol graphql-transport-ws: with its public client, and message by message. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { request } from 'node:http'
import WebSocket from 'ws'
import { until } from '../support/until.ts'
import { openLiveGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'

let graph: LiveGraph
beforeAll(async () => {
  graph = await openLiveGraph(`
subscriptions: { init_timeout: 300ms, operations_per_connection: 3, connections_per_caller: 1000 }
http: { cors: { origins: ['https://app.example'], credentials: false } }
telemetry: { access_log: { sample: 1, errors: 1 } }
`)
})
afterEach(() => graph.listening(0))
afterAll(() => graph.close())

describe('with graphql-ws', () => {
  test('a token in connection_init identifies the caller of queries, mutations and events', async () => {
    const client = graph.ws({
      connectionParams: async () => ({ authorization: await graph.authorization({ sub: '8' }) }),
    })
    const only = async (query: string) => (await client.iterate({ query }).next()).value
    expect(await only('{ me products { name } }')).toEqual({
      data: { me: '8', products: [{ name: 'Table' }] },
    })
    expect(await only('mutation { rename(id: 1, name: "Chair") { name reader } }')).toEqual({
      data: { rename: { name: 'Chair', reader: '8' } },
    })
    const events = client.iterate({ query: 'subscription { priceChanged { price reader } }' })
    const first = events.next()
    await graph.listening(1)
    graph.changePrice(3)
    expect((await first).value).toEqual({ data: { priceChanged: { price: 3, reader: '8' } } })
    await events.return?.()
  })

  test('the end of the events ends the operation', async () => {
    const received: unknown[] = []
    for await (const result of graph.ws().iterate({ query: 'subscription { counter(to: 3) }' })) {
      received.push(result.data?.['counter'])
    }
    expect(received).toEqual([1, 2, 3])
  })

  test('variables, aliases and conditions are those of the client', async () => {
    const events = graph.ws().iterate({
      query: `subscription Of($id: ID!, $with: Boolean!) {
        changed: priceChanged(id: $id) { id: name cost: price stars @include(if: $with) }
      }`,
      variables: { id: '2', with: false },
    })
    const first = events.next()
    await graph.listening(1)
    graph.changePrice(1, '1')
    graph.changePrice(2, '2')
    expect((await first).value).toEqual({ data: { changed: { id: 'Table', cost: 2 } } })
    await events.return?.()
  })

  test('a denied field is null with an error in each event, and not asked for', async () => {
    const before = graph.subscribed.length
    const events = graph.ws().iterate({ query: 'subscription { priceChanged { price secret } }' })
    const first = events.next()
    await graph.listening(1)
    graph.changePrice(4)
    expect((await first).value).toMatchObject({
      data: { priceChanged: { price: 4, secret: null } },
      errors: [
        {
          path: ['priceChanged', 'secret'],
          extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' },
        },
      ],
    })
    expect(graph.subscribed.slice(before).join()).not.toContain('secret')
    await events.return?.()
  })

  test.each([
    ['an invalid document', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a query that is no GraphQL', 'subscription {', 'GRAPHQL_PARSE_FAILED'],
  ])('%s is an error of the operation', async (_name, query, code) => {
    await expect(graph.ws().iterate({ query }).next()).rejects.toMatchObject([
      { extensions: { code } },
    ])
  })

  test('a refused token closes with 4403 and the reason', async () => {
    const client = graph.ws({
      connectionParams: { authorization: 'Bearer garbage' },
      retryAttempts: 0,
    })
    await expect(client.iterate({ query: '{ me }' }).next()).rejects.toMatchObject({
      code: 4403,
      reason: 'TOKEN_MALFORMED',
    })
  })
})

/** A socket of which every message is read. */
class RawSocket {
  readonly socket: WebSocket
  readonly received: unknown[] = []

  constructor(protocols: string | string[] = 'graphql-transport-ws', headers = {}) {
    this.socket = new WebSocket(graph.gateway.url.replace('http', 'ws'), protocols, { headers })
    this.socket.on('message', (data) => this.received.push(JSON.parse(String(data))))
  }

  async send(...messages: unknown[]): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) await once(this.socket, 'open')
    for (const message of messages) {
      const isRaw = typeof message === 'string' || Buffer.isBuffer(message)
      this.socket.send(isRaw ? message : JSON.stringify(message))
    }
    return this
  }

  async closed(): Promise<[code: number, reason: string]> {
    const [code, reason] = (await once(this.socket, 'close')) as [number, Buffer]
    return [code, reason.toString()]
  }

  async receives(count: number): Promise<unknown[]> {
    while (this.received.length < count) await once(this.socket, 'message')
    return this.received
  }
}

const init = { type: 'connection_init' }
const subscribe = (id: string, query = 'subscription { priceChanged { price } }') => ({
  id,
  type: 'subscribe',
  payload: { query },
})

describe('message by message', () => {
  test.each([
    ['no JSON', ['{'], 4400],
    ['JSON that is no object', ['[]'], 4400],
    ['a binary message', [Buffer.from('{"type":"connection_init"}')], 4400],
    ['an unknown type', [{ type: 'start' }], 4400],
    ['a type of the server', [init, { type: 'next', id: '1', payload: {} }], 4400],
    ['connection_init with a payload that is no object', [{ ...init, payload: 'token' }], 4400],
    ['subscribe without an id', [init, { type: 'subscribe', payload: { query: '{ me }' } }], 4400],
    ['subscribe with an empty id', [init, subscribe('')], 4400],
    ['subscribe without a payload', [init, { type: 'subscribe', id: '1' }], 4400],
    ['subscribe before connection_init', [subscribe('1')], 4401],
    ['complete before connection_init', [{ type: 'complete', id: '1' }], 4401],
    ['an id that is in use', [init, subscribe('1'), subscribe('1')], 4409],
    ['a second connection_init', [init, init], 4429],
  ])('%s', async (_name, messages, code) => {
    const raw = await new RawSocket().send(...messages)
    expect((await raw.closed())[0]).toBe(code)
  })

  test('no connection_init in time', async () => {
    expect(await new RawSocket().closed()).toEqual([4408, 'Connection initialisation timeout'])
  })

  test('no subprotocol closes with 4406, and another one is not agreed upon', async () => {
    expect((await new RawSocket([]).closed())[0]).toBe(4406)
    const legacy = new RawSocket('graphql-ws')
    const [error] = await once(legacy.socket, 'error')
    expect(String(error)).toMatch(/Server sent no subprotocol/)
  })

  test('a ping is answered at any time, with its payload', async () => {
    const raw = await new RawSocket().send({ type: 'ping', payload: { a: 1 } }, { type: 'pong' })
    expect(await raw.receives(1)).toEqual([{ type: 'pong', payload: { a: 1 } }])
    raw.socket.close()
  })

  test('messages that arrive before connection_ack wait for it, but not too many', async () => {
    const raw = await new RawSocket().send(init, subscribe('1', '{ products { name } }'))
    const response = { data: { products: [{ name: 'Table' }] } }
    expect(await raw.receives(3)).toEqual([
      { type: 'connection_ack' },
      { id: '1', type: 'next', payload: response },
      { id: '1', type: 'complete' },
    ])
    raw.socket.close()
  })

  test('a completed operation gets nothing more, and its id may be used again', async () => {
    const raw = await new RawSocket().send(init, subscribe('1'))
    await graph.listening(1)
    await raw.send({ type: 'complete', id: '1' })
    await graph.listening(0)
    await raw.send(subscribe('1', '{ products { name } }'))
    expect(await raw.receives(3)).toMatchObject([
      { type: 'connection_ack' },
      { id: '1', type: 'next' },
      { id: '1', type: 'complete' },
    ])
    raw.socket.close()
  })

  test('operations beyond the limit are refused one by one', async () => {
    const raw = await new RawSocket().send(init, ...['1', '2', '3', '4'].map((id) => subscribe(id)))
    expect(await raw.receives(2)).toMatchObject([
      { type: 'connection_ack' },
      { id: '4', type: 'error', payload: [{ extensions: { code: 'TOO_MANY_REQUESTS' } }] },
    ])
    raw.socket.close()
  })

  test('a message that is too large closes the connection', async () => {
    const raw = await new RawSocket().send(init, { type: 'ping', payload: 'x'.repeat(200_000) })
    expect((await raw.closed())[0]).toBe(1009)
  })
})

describe('another access token on an open connection', () => {
  const ping = (authorization: string) => ({ type: 'ping', payload: { authorization } })
  const secrets = { sub: '8', scope: 'secrets' }
  const begin = async (authorization?: string) =>
    new RawSocket().send({ ...init, payload: { authorization } })

  test('changes what the caller may see of the subscriptions that are open', async () => {
    const query = 'subscription { priceChanged { price secret } }'
    const raw = await begin(await graph.authorization({ sub: '8' }))
    await raw.send(subscribe('1', query))
    await graph.listening(1)
    graph.changePrice(1)
    expect((await raw.receives(2)).at(-1)).toMatchObject({ payload: { errors: [{}] } })
    const asked = graph.subscribed.length
    await raw.send(ping(await graph.authorization(secrets)))
    expect((await raw.receives(3)).at(-1)).toEqual({
      type: 'pong',
      payload: { tokenExpiresIn: expect.any(Number) },
    })
    await until(() => graph.subscribed.length > asked && graph.listeners() === 1, { pause: 5 })
    graph.changePrice(2)
    const withSecret = { data: { priceChanged: { price: 2, secret: 'hidden' } } }
    expect((await raw.receives(4)).at(-1)).toMatchObject({ type: 'next', payload: withSecret })
    expect(graph.subscribed.at(-1)).toContain('secret')
    await raw.send(ping(await graph.authorization({ sub: '8' })))
    await until(() => graph.subscribed.length > asked + 1 && graph.listeners() === 1, { pause: 5 })
    graph.changePrice(3)
    const without = { data: { priceChanged: { price: 3, secret: null } }, errors: [{}] }
    expect((await raw.receives(6)).at(-1)).toMatchObject({ type: 'next', payload: without })
    expect(graph.subscribed.at(-1)).not.toContain('secret')
    raw.socket.close()
  })

  test('opens no stream anew if it says the same of the caller', async () => {
    const raw = await begin(await graph.authorization(secrets))
    await raw.send(subscribe('1'))
    await graph.listening(1)
    const asked = graph.subscribed.length
    await raw.send(ping(await graph.authorization({ ...secrets, jti: 'another' })))
    await raw.send(ping(await graph.authorization(secrets)))
    await raw.receives(3)
    expect(graph.subscribed).toHaveLength(asked)
    raw.socket.close()
  })

  test('makes somebody of an anonymous caller, but nobody else of somebody', async () => {
    const raw = await begin()
    await raw.send(ping(await graph.authorization({ sub: '8' })))
    await raw.receives(2)
    await raw.send(subscribe('1', '{ me }'))
    expect((await raw.receives(3))[2]).toMatchObject({ payload: { data: { me: '8' } } })
    await raw.send(ping(await graph.authorization({ sub: '9' })))
    expect(await raw.closed()).toEqual([4403, 'SUBJECT_CHANGED'])
  })

  test.each([
    ['of the same session is accepted', '1', '1', undefined],
    ['of another session is refused', '1', '2', [4403, 'SUBJECT_CHANGED']],
    ['without a session is refused if there was one', '1', undefined, [4403, 'SUBJECT_CHANGED']],
    ['of a session is accepted if there was none', undefined, '1', undefined],
  ])('%s', async (_name, before, after, end) => {
    const raw = await begin(await graph.authorization({ sub: '8', sid: before }))
    await raw.send(ping(await graph.authorization({ sub: '8', sid: after })))
    if (end) return expect(await raw.closed()).toEqual(end)
    expect((await raw.receives(2)).at(-1)).toMatchObject({ type: 'pong' })
    raw.socket.close()
  })

  test('that is refused ends the connection as it would in connection_init', async () => {
    const raw = await begin(await graph.authorization())
    await raw.send(ping('Bearer garbage'))
    expect(await raw.closed()).toEqual([4403, 'TOKEN_MALFORMED'])
    const early = await new RawSocket().send(ping(await graph.authorization()))
    expect(await early.closed()).toEqual([4401, 'Unauthorized'])
  })

  test('comes at most ten times a minute', async () => {
    const raw = await begin(await graph.authorization())
    const authorization = await graph.authorization()
    await raw.send(...Array.from({ length: 11 }, () => ping(authorization)))
    expect((await raw.closed())[0]).toBe(1013)
  })
})

describe('the access log', () => {
  const operation = 'Prices'
  const query = `subscription ${operation} { priceChanged { price } }`
  const lines = (requestId: unknown) =>
    graph.gateway.accessLog
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['requestId'] === requestId)
  /** Returns the two lines of the subscription that has begun last. */
  const ofLast = () =>
    until(() => {
      const { requestId } = JSON.parse(graph.gateway.accessLog.at(-1)!)
      const both = lines(requestId)
      return both.length === 2 && both
    })

  test.each([
    ['a WebSocket', () => graph.ws()],
    ['an event stream', () => graph.sse()],
  ])('has two lines for a subscription over %s', async (_name, connected) => {
    const events = connected().iterate({ query })
    for (const price of [1, 2, 3]) {
      const event = events.next()
      await graph.listening(1)
      graph.changePrice(price)
      await event
    }
    await events.return?.()
    const [start, end] = await ofLast()
    expect(start).toMatchObject({ operation, type: 'subscription', status: 200, outcome: 'ok' })
    const { hash, network } = start!
    expect(end).toMatchObject({ operation, type: 'subscription', hash, network })
    expect(end).toMatchObject({ outcome: 'ended', reason: 'client gone', events: 3 })
    expect(end!['ms']).toBeGreaterThan(0)
  })

  test('says why a subscription has ended, and whose it was', async () => {
    const payload = { authorization: await graph.authorization({ sub: '8' }) }
    const raw = await new RawSocket().send({ ...init, payload }, subscribe('1', query))
    await graph.listening(1)
    const other = { authorization: await graph.authorization({ sub: '9' }) }
    await raw.send({ type: 'ping', payload: other })
    await raw.closed()
    const [start, end] = await ofLast()
    expect(end).toMatchObject({ reason: 'SUBJECT_CHANGED', events: 0, sub: start!['sub'] })
    await graph.sse().iterate({ query: 'subscription { counter(to: 0) }' }).next()
    expect((await ofLast())[1]).toMatchObject({ reason: 'completed', events: 0 })
  })
})

describe('who may open one', () => {
  const refusal = async (headers: Record<string, string>, path = '/graphql') => {
    const socket = new WebSocket(
      `${graph.gateway.origin.replace('http', 'ws')}${path}`,
      'graphql-transport-ws',
      { headers },
    )
    const [, response] = await Promise.race([
      once(socket, 'unexpected-response'),
      once(socket, 'open').then(() => [undefined, { statusCode: 101, headers: {} }]),
    ])
    socket.on('error', () => {})
    socket.terminate()
    return response as { statusCode: number; headers: Record<string, string> }
  }

  test('a refused Authorization header is an HTTP response with a challenge', async () => {
    const { statusCode, headers } = await refusal({ authorization: 'Bearer garbage' })
    expect(statusCode).toBe(401)
    expect(headers['www-authenticate']).toMatch(/^Bearer realm=.*invalid_token/)
  })

  test('only /graphql has WebSockets', async () => {
    expect((await refusal({}, '/other')).statusCode).toBe(404)
  })

  test.each([
    ['a page of another origin', { origin: 'https://evil.example' }, 403],
    ['a page of another origin, with cookies', { origin: 'https://e.example', cookie: 'a=1' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
    ['a page of an allowed origin', { origin: 'https://app.example' }, 101],
    ['no browser', {}, 101],
  ])('%s', async (_name, headers, status) => {
    expect((await refusal(headers as Record<string, string>)).statusCode).toBe(status)
  })

  test('a page of the own host, and whoever has a token in a header', async () => {
    expect((await refusal({ origin: graph.gateway.origin })).statusCode).toBe(101)
    const authorization = await graph.authorization()
    const headers = { origin: 'https://evil.example', authorization }
    expect((await refusal(headers)).statusCode).toBe(101)
  })

  test('tokens in the header and in connection_init that differ are ambiguous', async () => {
    const [one, other] = [await graph.authorization(), await graph.authorization({ sub: '2' })]
    const raw = new RawSocket('graphql-transport-ws', { authorization: one })
    await raw.send({ ...init, payload: { authorization: other } })
    expect(await raw.closed()).toEqual([
      4400,
      expect.stringMatching(/^CREDENTIALS_AMBIGUOUS/) as unknown as string,
    ])
    const same = new RawSocket('graphql-transport-ws', { authorization: one })
    await same.send({ ...init, payload: { headers: { Authorization: one } } })
    expect(await same.receives(1)).toEqual([{ type: 'connection_ack' }])
    same.socket.close()
  })

  test('a request that asks for another protocol gets its response in HTTP/1.1', async () => {
    const sent = request(graph.gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        connection: 'Upgrade, HTTP2-Settings',
        upgrade: 'h2c',
        'http2-settings': 'AAMAAABkAAQAAP__',
      },
    }).end('{"query":"{ products { name } }"}')
    const [response] = await once(sent, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    expect(JSON.parse(text)).toEqual({ data: { products: [{ name: 'Table' }] } })
  })
})
