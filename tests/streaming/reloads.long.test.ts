/** Gateways that get other supergraphs and settings while clients listen, by the public clients. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ApolloClient, CombinedProtocolErrors, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { compose } from '../support/compose.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { gatewaySecret } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import { openLiveGraph, productsSdl, reviewsSdl } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'

const folder = scratchFolder()
const query = 'subscription { priceChanged { price reader } }'
let other: TestIssuer
let graph: LiveGraph
beforeAll(async () => {
  other = await startIssuer()
  graph = await openLiveGraph('', issuerEntry())
})
afterEach(() => graph.listening(0))
afterAll(async () => {
  await graph.close()
  await other.close()
})

/** Returns the entry of the other issuer in gateway.yaml. */
function issuerEntry(): string {
  return `    - issuer: ${other.issuer}
      jwks_uri: ${other.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
`
}

describe.each([1, 2])('with %i workers', (workers) => {
  const supergraph = join(folder, `supergraph-${workers}.graphql`)
  const config = (change = (text: string) => text) => `${change(graph.config)}workers: ${workers}\n`
  let gateway: GatewayProcess
  beforeAll(async () => {
    writeFileSync(supergraph, graph.supergraph)
    gateway = await startGatewayProcess({
      folder,
      supergraph,
      config: config(),
      environment: { GATEWAY_SECRET: gatewaySecret },
    })
  })
  afterAll(async () => {
    gateway.child.kill('SIGTERM')
    expect(await gateway.ended).toBe(0)
  })

  const logged = (message: string) => gateway.log().filter(({ msg }) => msg === message).length

  async function replaceSupergraph(field: string): Promise<void> {
    const served = logged('serving the new supergraph')
    const reviews = reviewsSdl.replace('type Query {', `type Query { ${field}: Int `)
    const sources = [
      { name: 'products', url: graph.urls.products, sdl: productsSdl },
      { name: 'reviews', url: graph.urls.reviews, sdl: reviews },
    ]
    writeFileSync(`${supergraph}.new`, compose(sources))
    renameSync(`${supergraph}.new`, supergraph)
    await until(() => logged('serving the new supergraph') >= served + workers)
  }

  async function reload(text: string): Promise<void> {
    const before = logged('serving with the new configuration')
    gateway.configure(text)
    gateway.child.kill('SIGHUP')
    await until(() => logged('serving with the new configuration') > before)
  }

  /** Events of one subscription, by one of the public clients. */
  interface Listener {
    readonly prices: number[]
    readonly readers: Set<unknown>
    /** Resolves with why it has ended. */
    readonly ended: Promise<unknown>
    leave(): void
  }

  function overWebSocket(authorization: string): Listener {
    const url = `${gateway.origin.replace('http', 'ws')}/graphql`
    return iterated(
      graph.ws({ url, connectionParams: { authorization }, retryAttempts: 0 }).iterate({ query }),
    )
  }

  function overEventStream(authorization: string): Listener {
    const url = `${gateway.origin}/graphql`
    return iterated(graph.sse({ authorization }, url).iterate({ query }))
  }

  function iterated(events: AsyncIterableIterator<{ data?: any; errors?: unknown }>): Listener {
    const [prices, readers]: [number[], Set<unknown>] = [[], new Set()]
    const ended = (async () => {
      for await (const { data, errors } of events) {
        if (errors) return errors
        prices.push(data.priceChanged.price)
        readers.add(data.priceChanged.reader)
      }
      return undefined
    })().catch((error: unknown) => error)
    return { prices, readers, ended, leave: () => void events.return?.() }
  }

  function overParts(authorization: string): Listener {
    const [prices, readers]: [number[], Set<unknown>] = [[], new Set()]
    const link = new HttpLink({ uri: `${gateway.origin}/graphql`, headers: { authorization } })
    const client = new ApolloClient({ link, cache: new InMemoryCache() })
    let leave = () => {}
    const ended = new Promise((resolve) => {
      const subscribed = client.subscribe<any>({ query: gql(query) }).subscribe({
        next({ data, error }) {
          if (error) return resolve(CombinedProtocolErrors.is(error) ? error.errors : error)
          prices.push(data.priceChanged.price)
          readers.add(data.priceChanged.reader)
        },
        complete: () => resolve(undefined),
      })
      leave = () => subscribed.unsubscribe()
    })
    return { prices, readers, ended, leave }
  }

  /** Sends events, not many more than have been received; returns how to stop, which returns how many there were. */
  function keepChanging(listeners: readonly Listener[]): () => Promise<number> {
    let isStopped = false
    let price = 0
    const ended = (async () => {
      while (!isStopped) {
        graph.changePrice(++price)
        await until(() => listeners.every(({ prices }) => prices.length > price - 20), { pause: 1 })
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return price
    })()
    return () => {
      isStopped = true
      return ended
    }
  }

  const transports = [overWebSocket, overEventStream, overParts]

  test('five supergraphs and a SIGHUP pass, and each event comes once', async () => {
    const authorization = await graph.authorization({ sub: '7' })
    const listeners = transports.map((over) => over(authorization))
    let end: unknown
    for (const { ended } of listeners) void ended.then((why) => (end = why ?? 'completed'))
    await graph.listening(3)
    const subscribed = graph.subscribed.length
    const stop = keepChanging(listeners)
    for (const field of ['a', 'b', 'c', 'd', 'e']) {
      await replaceSupergraph(field)
      // More often than earlier configurations may wait for their end.
      await reload(config((text) => text.replace(issuerEntry(), '')))
      await reload(config())
    }
    const price = await stop()
    await until(() => listeners.every(({ prices }) => prices.at(-1) === price))
    const all = Array.from({ length: price }, (_, index) => index + 1)
    for (const { prices, readers } of listeners) {
      expect(prices).toEqual(all)
      expect(readers).toEqual(new Set(['7']))
    }
    // Nothing was opened again, neither by the clients nor at the subgraph.
    expect(graph.subscribed).toHaveLength(subscribed)
    expect(end).toBeUndefined()
    for (const { leave } of listeners) leave()
  })

  test('a SIGHUP ends no stream of a network of which too many credentials have failed', async () => {
    const limited = config(
      (text) => `${text}rates: { failed_authentications: { limit: 8, per: 1h } }\n`,
    )
    await reload(limited)
    const authorization = await graph.authorization({ sub: '9' })
    const listeners = transports.map((over) => over(authorization))
    await graph.listening(3)
    const bad = async () => {
      const headers = { 'content-type': 'application/json', authorization: 'Bearer a.b.c' }
      const request = { method: 'POST', headers, body: '{"query":"{ __typename }"}' }
      return (await fetch(`${gateway.origin}/graphql`, request)).status
    }
    await until(async () => (await bad()) === 429)
    await reload(limited)
    for (const price of [1, 2]) {
      graph.changePrice(price)
      await until(() => listeners.every(({ prices }) => prices.includes(price)))
    }
    expect(listeners.map(({ prices }) => prices)).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    expect(await bad()).toBe(429)
    for (const { leave } of listeners) leave()
    await reload(config())
  })

  test('a SIGHUP that takes out an issuer ends the streams of its callers, and no others', async () => {
    const theirs = `Bearer ${await other.accessToken({ sub: '8' })}`
    const ending = transports.map((over) => over(theirs))
    const staying = transports.map((over) => over(''))
    await graph.listening(6)
    graph.changePrice(1)
    await until(() => [...ending, ...staying].every(({ prices }) => prices.length === 1))
    await reload(config((text) => text.replace(issuerEntry(), '')))
    const [overSocket, overStream, inParts] = await Promise.all(ending.map(({ ended }) => ended))
    expect(overSocket).toMatchObject({ code: 4403, reason: 'ISSUER_UNKNOWN' })
    // The stream ended without `complete`, so the client came back, and was refused.
    expect(overStream).toMatchObject({ response: { status: 401 } })
    expect(inParts).toMatchObject([
      { extensions: { code: 'UNAUTHENTICATED', reason: 'ISSUER_UNKNOWN' } },
    ])
    await graph.listening(3)
    graph.changePrice(2)
    await until(() => staying.every(({ prices }) => prices.length === 2))
    expect(ending.map(({ prices }) => prices)).toEqual([[1], [1], [1]])
    for (const { leave } of staying) leave()
    await reload(config())
  })

  test('a SIGHUP after which only known operations are accepted ends the others, and nothing else', async () => {
    const manifest = join(folder, `known-${workers}.json`)
    writeFileSync(manifest, JSON.stringify({ prices: query }))
    const exempt = await graph.authorization({ sub: '7', scope: 'operations:free' })
    const operations = (accept: string) =>
      config((text) => `${text}operations: { accept: ${accept}, ${exemptions}, ${manifests} }\n`)
    const exemptions = 'exempt: { scopes: [operations:free] }'
    const manifests = `manifests: ["${manifest}"]`
    await reload(operations('any'))
    const url = `${gateway.origin}/graphql`
    const texts = transports.map((over) => over(''))
    const exempted = transports.map((over) => over(exempt))
    const byId = iterated(graph.sse({}, url).iterate({ query: '', documentId: 'prices' } as never))
    await graph.listening(7)
    await reload(operations('ids'))
    const refused = [{ extensions: { code: 'PERSISTED_QUERY_ID_REQUIRED' } }]
    for (const { ended } of texts) expect(await ended).toMatchObject(refused)
    await graph.listening(4)
    graph.changePrice(1)
    await until(() => [...exempted, byId].every(({ prices }) => prices.length === 1))
    expect(texts.map(({ prices }) => prices)).toEqual([[], [], []])

    // The id has another text now: what the client listens to is no longer known.
    writeFileSync(`${manifest}.new`, JSON.stringify({ prices: `${query} ` }))
    renameSync(`${manifest}.new`, manifest)
    await reload(operations('known'))
    expect(await byId.ended).toMatchObject([
      { extensions: { code: 'PERSISTED_QUERY_NOT_IN_LIST' } },
    ])
    await graph.listening(3)
    for (const { leave } of exempted) leave()
    await reload(config())
  })
})
