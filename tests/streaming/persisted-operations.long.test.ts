/** Documents by their ids over each transport, and with Apollo Client. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { createPersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { print } from '@apollo/client/utilities'
import type { DocumentNode } from 'graphql'
import type WebSocket from 'ws'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { openLiveGraph, productsSdl, reviewsSdl } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'

const folder = scratchFolder()
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const counter = 'subscription Counter($to: Int!) { counter(to: $to) }'
const changes = 'subscription Changes { priceChanged { id price } }'
const products = 'query Products { products { name } }'
const rename = 'mutation Rename { rename(id: 1, name: "Chair") { name } }'

let graph: LiveGraph
beforeAll(async () => {
  const path = join(folder, 'operations.json')
  const texts = [counter, changes, products, rename]
  writeFileSync(path, JSON.stringify(Object.fromEntries(texts.map((text) => [sha256(text), text]))))
  const exempt = 'exempt: { scopes: [operations:free] }'
  graph = await openLiveGraph(`\noperations: { accept: ids, ${exempt}, manifests: ["${path}"] }\n`)
})
afterEach(() => graph.listening(0))
afterAll(() => graph.close())

/** The client of graphql-ws insists on `query`: an empty text is none. */
const byId = (text: string, variables = {}) => ({
  query: '',
  documentId: sha256(text),
  variables,
})

describe('over a WebSocket', () => {
  test('queries, mutations and subscriptions have ids', async () => {
    const client = graph.ws()
    const all = async (payload: { query: string }) => {
      const results: unknown[] = []
      for await (const result of client.iterate(payload)) results.push(result)
      return results
    }
    expect(await all(byId(counter, { to: 2 }))).toEqual([
      { data: { counter: 1 } },
      { data: { counter: 2 } },
    ])
    expect(await all(byId(products))).toEqual([{ data: { products: [{ name: 'Table' }] } }])
    expect(await all(byId(rename))).toEqual([{ data: { rename: { name: 'Chair' } } }])
  })

  test('texts and unknown ids are refused', async () => {
    const refused = async (payload: { query: string }) =>
      graph
        .ws()
        .iterate(payload)
        .next()
        .catch((errors: unknown) => errors)
    for (const query of [counter, products]) {
      expect(await refused({ query })).toMatchObject([
        { extensions: { code: 'PERSISTED_QUERY_ID_REQUIRED' } },
      ])
    }
    expect(await refused(byId('unknown'))).toMatchObject([
      { extensions: { code: 'PERSISTED_QUERY_NOT_IN_LIST' } },
    ])
  })
})

test('who is exempt no longer, by another access token on the connection, keeps only known operations', async () => {
  const closes: unknown[] = []
  let socket: WebSocket | undefined
  const client = graph.ws({
    connectionParams: async () => ({
      authorization: await graph.authorization({ sub: '7', scope: 'operations:free' }),
    }),
    on: {
      opened: (opened) => (socket = opened as WebSocket),
      closed: (event) => closes.push(event),
    },
  })
  const text = client.iterate({ query: 'subscription { priceChanged { price } }' })
  const known = client.iterate(byId(changes))
  const [refused, event] = [text.next(), known.next()]
  await graph.listening(2)
  const authorization = await graph.authorization({ sub: '7', scope: 'read' })
  socket!.send(JSON.stringify({ type: 'ping', payload: { authorization } }))
  await expect(refused).rejects.toMatchObject([
    { extensions: { code: 'PERSISTED_QUERY_ID_REQUIRED' } },
  ])
  await graph.listening(1)
  graph.changePrice(11)
  expect((await event).value).toEqual({ data: { priceChanged: { id: '1', price: 11 } } })
  expect(closes).toEqual([])
  await known.return?.()
})

describe('over a response', () => {
  test.each(['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0'])(
    'of %s, subscriptions have ids, by POST, GET and in the path',
    async (accept) => {
      const { url } = graph.gateway
      const id = sha256(counter)
      const variables = { to: 2 }
      const search = new URLSearchParams({ variables: JSON.stringify(variables) })
      const posted = await fetch(url, {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json' },
        body: JSON.stringify({ documentId: `sha256:${id}`, variables }),
      })
      const responses = [
        posted,
        await fetch(`${url}?documentId=${id}&${search}`, { headers: { accept } }),
        await fetch(`${url}/${id}?${search}`, { headers: { accept } }),
      ]
      for (const response of responses) {
        expect(response.status).toBe(200)
        expect(await response.text()).toMatch(/"counter":1[^]*"counter":2/)
      }
      const text = await fetch(`${url}?${new URLSearchParams({ query: products })}`, {
        headers: { accept },
      })
      expect(await text.text()).toContain('PERSISTED_QUERY_ID_REQUIRED')
    },
  )

  test('an event stream of an id has the events', async () => {
    const events = graph.sse().iterate(byId(changes))
    const first = events.next()
    await graph.listening(1)
    graph.changePrice(10)
    expect((await first).value).toEqual({ data: { priceChanged: { id: '1', price: 10 } } })
    await events.return?.()
  })
})

describe('Apollo Client', () => {
  const query = gql`
    query Stars {
      products {
        id
        stars
      }
    }
  `
  /** The text that Apollo Client sends: with `__typename`. */
  const sent = `query Stars {
  products {
    id
    stars
    __typename
  }
}`
  const data = { products: [{ __typename: 'Product', id: '1', stars: 5 }] }
  let gateway: RunningGateway
  afterEach(() => gateway.close())

  async function start(operations: string): Promise<void> {
    const { urls } = graph
    const subgraphs = [
      { name: 'products', url: urls.products, sdl: productsSdl },
      { name: 'reviews', url: urls.reviews, sdl: reviewsSdl },
    ]
    const config = graph.config.replace(/^operations:.*$/m, operations)
    gateway = await runGateway(subgraphs, config)
  }

  /** The requests of one client, and the codes of its responses. */
  function apollo(options: { useGETForHashedQueries?: boolean } = {}, ids?: Map<string, string>) {
    const requests: string[] = []
    const hash = (document: DocumentNode) => ids?.get(print(document)) ?? sha256(print(document))
    const link = createPersistedQueryLink({ generateHash: hash, ...options }).concat(
      new HttpLink({
        uri: () => gateway.url,
        async fetch(url, init) {
          const body = String(init?.body ?? url)
          const response = await fetch(url, init)
          const { errors } = (await response.clone().json()) as {
            errors?: { extensions: { code: string } }[]
          }
          const what = /"query":|[?&]query=/.test(body) ? 'text' : 'id'
          requests.push(`${init?.method} ${what}: ${errors?.[0]?.extensions.code ?? 'ok'}`)
          return response
        },
      }),
    )
    const client = new ApolloClient({ link, cache: new InMemoryCache() })
    const ask = () => client.query({ query, fetchPolicy: 'network-only' })
    return { requests, ask }
  }

  const manifest = (name: string, entries: Record<string, string>) => {
    const path = join(folder, name)
    writeFileSync(path, JSON.stringify(entries))
    return path
  }

  test('registers a text once, where it may', async () => {
    await start('operations: { automatic: {} }')
    const first = apollo()
    expect((await first.ask()).data).toEqual(data)
    expect((await first.ask()).data).toEqual(data)
    expect(first.requests).toEqual([
      'POST id: PERSISTED_QUERY_NOT_FOUND',
      'POST text: ok',
      'POST id: ok',
    ])
    const second = apollo({ useGETForHashedQueries: true })
    expect((await second.ask()).data).toEqual(data)
    expect(second.requests).toEqual(['GET id: ok'])
  })

  test('asks by the ids of a manifest', async () => {
    const path = manifest('ids.json', { 'stars-1': sent })
    await start(`operations: { accept: ids, manifests: ["${path}"] }`)
    const { ask, requests } = apollo({ useGETForHashedQueries: true }, new Map([[sent, 'stars-1']]))
    expect((await ask()).data).toEqual(data)
    expect(requests).toEqual(['GET id: ok'])
  })

  test('sends the text of an operation that is in no manifest yet, while every text is accepted', async () => {
    const path = manifest('others.json', { other: '{ me }' })
    await start(`operations: { manifests: ["${path}"] }`)
    const { ask, requests } = apollo()
    expect((await ask()).data).toEqual(data)
    expect((await ask()).data).toEqual(data)
    expect(requests).toEqual([
      'POST id: PERSISTED_QUERY_NOT_SUPPORTED',
      'POST text: ok',
      'POST text: ok',
    ])
  })

  test('sends the text without a setting, too', async () => {
    await start('')
    const { ask, requests } = apollo()
    expect((await ask()).data).toEqual(data)
    expect(requests).toEqual(['POST id: PERSISTED_QUERY_NOT_SUPPORTED', 'POST text: ok'])
  })

  test('gets the error where only known operations are accepted', async () => {
    const path = manifest('known.json', { other: '{ me }' })
    await start(`operations: { accept: known, manifests: ["${path}"] }`)
    const { ask, requests } = apollo()
    await expect(ask()).rejects.toThrow(/status code 404|No operation with this id is known/)
    expect(requests).toEqual(['POST id: PERSISTED_QUERY_NOT_IN_LIST'])
  })
})
