/** Two subgraphs of the kit, one of which sends prices as they change, behind a gateway of their own. */
import { EventEmitter, on } from 'node:events'
import { createClient as createSseClient } from 'graphql-sse'
import type { Client as SseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import type { Client as WsClient, ClientOptions } from 'graphql-ws'
import WebSocket from 'ws'
import { deriveClaimsKey, requireClaims, serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { compose } from '../support/compose.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { until } from '../support/until.ts'

export const productsSdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requiresScopes", "@policy"])
  type Query { products: [Product!]! me: String }
  type Mutation { rename(id: ID!, name: String!): Product }
  type Subscription { priceChanged(id: ID): Product failing: Int counter(to: Int!): Int }
  type Product @key(fields: "id") { id: ID! name: String price: Int viewer: String secret: String @requiresScopes(scopes: [["secrets"]]) vault: String @policy(policies: [["recent login"]]) }
`
export const reviewsSdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { reviews: Int }
  type Product @key(fields: "id") { id: ID! stars: Int reader: String audience: String slow: String }
`

export interface LiveGraph {
  readonly gateway: RunningGateway
  readonly issuer: TestIssuer
  readonly urls: { readonly products: string; readonly reviews: string }
  /** Sends an event to all who listen. */
  changePrice(price: number, id?: string): void
  /** How many subscriptions are open at the subgraph. */
  listeners(): number
  /** Resolves when that many are open. */
  listening(count: number): Promise<unknown>
  /** The operations that the subgraph was asked for as subscriptions. */
  readonly subscribed: string[]
  /** How many entity fetches the other subgraph got, and in whose name. */
  readonly readers: (string | null)[]
  /** How many wait for the field `slow`. */
  waiting(): number
  /** Lets them be resolved. */
  release(): void
  authorization(claims?: Record<string, unknown>): Promise<string>
  sse(
    headers?: Record<string, string> | (() => Promise<Record<string, string>>),
    url?: string,
  ): SseClient
  ws(options?: Partial<ClientOptions>): WsClient
  /** The text of gateway.yaml, for a gateway of the test's own. */
  readonly config: string
  /** Serves the supergraph with another field of Query. */
  replaceSupergraph(field: string): void
  /** The text of the composed supergraph. */
  readonly supergraph: string
  /** Returns the sum of a metric's values. */
  metric(name: string): Promise<number>
  stopProducts(): Promise<void>
  close(): Promise<void>
}

/** @param config what gateway.yaml has beside the issuer */
export async function openLiveGraph(config = '', issuerConfig = ''): Promise<LiveGraph> {
  const issuer = await startIssuer()
  const prices = new EventEmitter().setMaxListeners(0)
  const readers: (string | null)[] = []
  const subscribed: string[] = []
  const waiting: (() => void)[] = []
  const clients: (SseClient | WsClient)[] = []
  let open = 0
  const { log } = recordedLog()
  const common = { host: '127.0.0.1', port: 0, log }
  const products = await serveSubgraph({
    ...common,
    name: 'products',
    keys: [deriveClaimsKey(gatewaySecret, 'products')],
    typeDefs: productsSdl,
    resolvers: {
      Query: {
        products: () => [{ id: '1', name: 'Table', price: 1 }],
        me: (_parent, _args, context) => requireClaims(context).sub,
      },
      Mutation: { rename: (_parent, { id, name }) => ({ id, name, price: 1 }) },
      Product: {
        __resolveReference: ({ id }: { id: string }) => ({ id, name: 'Table' }),
        secret: () => 'hidden',
        viewer: (_parent, _args, { claims }) => JSON.stringify(claims),
        vault: () => 'gold',
      },
    },
    subscriptions: {
      async *priceChanged(_parent, { id }, { signal }) {
        open++
        try {
          for await (const [product] of on(prices, 'price', { signal })) {
            if (id === undefined || product.id === id) yield product
          }
        } catch (error) {
          if (!signal.aborted) throw error
        } finally {
          open--
        }
      },
      async *failing() {
        yield 1
        throw new Error('the password of the database is hunter2')
      },
      async *counter(_parent, { to }) {
        for (let count = 1; count <= to; count++) yield count
      },
    },
    validationRules: [
      (context) => ({
        OperationDefinition(node) {
          const { body = '' } = node.loc?.source ?? {}
          if (node.operation === 'subscription') subscribed.push(body)
          void context
        },
      }),
    ],
  })
  const reviews = await serveSubgraph({
    ...common,
    name: 'reviews',
    keys: [deriveClaimsKey(gatewaySecret, 'reviews')],
    typeDefs: reviewsSdl,
    resolvers: {
      Query: { reviews: () => 1 },
      Product: {
        __resolveReference({ id }: { id: string }, { claims }: { claims: { sub: string } | null }) {
          readers.push(claims?.sub ?? null)
          return { id, stars: 5, reader: claims?.sub ?? null, audience: JSON.stringify(claims) }
        },
        slow: () => new Promise((resolve) => waiting.push(() => resolve('at last'))),
      },
    },
  })
  const urls = { products: products.url, reviews: reviews.url }
  const sources = (field: string) => [
    { name: 'products', url: urls.products, sdl: productsSdl },
    {
      name: 'reviews',
      url: urls.reviews,
      sdl: reviewsSdl.replace('type Query {', `type Query { ${field}: Int `),
    },
  ]
  const text = `authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
      clock_tolerance: 0s
${issuerConfig}${config}
`
  const gateway = await runGateway(sources('first'), text)
  const stopProducts = once(products)

  return {
    gateway,
    issuer,
    urls,
    changePrice: (price, id = '1') => void prices.emit('price', { id, name: 'Table', price }),
    listeners: () => open,
    listening: (count) => until(() => open === count, { pause: 5 }),
    subscribed,
    readers,
    waiting: () => waiting.length,
    release: () => waiting.splice(0).forEach((resolve) => resolve()),
    config: text,
    supergraph: compose(sources('first')),
    replaceSupergraph: (field) => gateway.replaceSupergraph(sources(field)),
    authorization: async (claims) => `Bearer ${await issuer.accessToken(claims)}`,
    sse(headers = {}, url = gateway.url) {
      const client = createSseClient({
        url,
        headers,
        retryAttempts: 3,
        retry: shortly,
      })
      clients.push(client)
      return client
    },
    ws(options) {
      const client = createWsClient({
        url: gateway.url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        retryAttempts: 3,
        retryWait: shortly,
        ...options,
      })
      clients.push(client)
      return client
    },
    async metric(name) {
      const line = gateway.log.find((line) => line.includes('serving metrics'))!
      const { url } = JSON.parse(line) as { url: string }
      const text = await (await fetch(url)).text()
      const values = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)`, 'gm'))
      return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
    },
    stopProducts,
    async close() {
      await Promise.all(clients.map((client) => client.dispose()))
      await gateway.close()
      await Promise.all([stopProducts(), reviews.close()])
      await issuer.close()
    },
  }
}

function shortly(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50))
}

function once(process: RunningProcess): () => Promise<void> {
  let closed: Promise<void> | undefined
  return () => (closed ??= process.close())
}
