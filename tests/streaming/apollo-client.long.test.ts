/** Apollo Client, whose HttpLink subscribes by multipart responses without anything to set up. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental'
import { ApolloClient, CombinedProtocolErrors, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { until } from '../support/until.ts'
import { openLiveGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'

let graph: LiveGraph
beforeAll(async () => {
  graph = await openLiveGraph('\nsubscriptions: { heartbeat: 1s }\n')
})
afterEach(() => graph.listening(0))
afterAll(() => graph.close())

type Handler = NonNullable<ApolloClient.Options['incrementalHandler']>

function apollo(authorization?: string, incrementalHandler?: Handler) {
  const headers = authorization === undefined ? {} : { authorization }
  const link = new HttpLink({ uri: graph.gateway.url, headers })
  const incremental = incrementalHandler && { incrementalHandler }
  return new ApolloClient({ link, cache: new InMemoryCache(), ...incremental })
}

const query = gql`
  subscription {
    priceChanged {
      id
      price
      reader
    }
  }
`

/** What a subscription has brought so far. */
function subscribe(client: ApolloClient, subscription = query) {
  const results: { data?: unknown; error?: unknown }[] = []
  let isOver = false
  const subscribed = client.subscribe({ query: subscription }).subscribe({
    next: ({ data, error }) => results.push({ data, error }),
    complete: () => (isOver = true),
  })
  return { results, unsubscribe: () => subscribed.unsubscribe(), ended: () => until(() => isOver) }
}

test('events reach the client, and unsubscribing ends the stream', async () => {
  const { results, unsubscribe } = subscribe(apollo(await graph.authorization({ sub: '7' })))
  await graph.listening(1)
  for (const price of [1, 2, 3]) graph.changePrice(price)
  await until(() => results.length === 3)
  const priceChanged = { __typename: 'Product', id: '1', reader: '7' }
  expect(results).toEqual(
    [1, 2, 3].map((price) => ({ data: { priceChanged: { ...priceChanged, price } } })),
  )
  unsubscribe()
  await graph.listening(0)
})

test('a stream whose events have all come is complete', async () => {
  const counter = gql`
    subscription {
      counter(to: 3)
    }
  `
  const { results, ended } = subscribe(apollo(), counter)
  await ended()
  expect(results.map(({ data }) => data)).toEqual([{ counter: 1 }, { counter: 2 }, { counter: 3 }])
})

test('an access token that expires is an error of the protocol, after heartbeats', async () => {
  const exp = Math.floor(Date.now() / 1000) + 3
  const { results, ended } = subscribe(apollo(await graph.authorization({ exp })))
  await ended()
  expect(protocolErrors(results)).toMatchObject([
    { extensions: { code: 'SUBSCRIPTION_JWT_EXPIRED', reason: 'TOKEN_EXPIRED' } },
  ])
})

function protocolErrors(results: readonly { error?: unknown }[]) {
  const error = results.at(-1)!.error
  if (!CombinedProtocolErrors.is(error)) throw error
  return error.errors
}

/** Of each response to a query. */
const mediaTypes: (string | null)[] = []

test.each([
  ['deferSpec=20220824', new Defer20220824Handler()],
  ['incrementalSpec=v0.2', new GraphQL17Alpha9Handler() as Handler],
])('a client that accepts parts of %s gets what is deferred later', async (spec, handler) => {
  const products = gql`
    query {
      products {
        id
        ... @defer {
          name
          stars
        }
      }
    }
  `
  const client = apollo(undefined, handler)
  client.setLink(
    new HttpLink({
      uri: graph.gateway.url,
      async fetch(...request) {
        const response = await fetch(...request)
        mediaTypes.push(response.headers.get('content-type'))
        return response
      },
    }),
  )
  const { data } = await client.query({ query: products })
  expect(mediaTypes.at(-1)).toBe(`multipart/mixed;boundary="graphql";${spec}`)
  expect(data).toEqual({
    products: [{ __typename: 'Product', id: '1', name: 'Table', stars: 5 }],
  })
})
