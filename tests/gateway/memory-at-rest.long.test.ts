/** What a gateway holds in memory at rest: its code, its supergraph, its caches, and little else. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { compose } from '../support/compose.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { until } from '../support/until.ts'

/** In bytes. */
const largeSize = 8 * 1024 * 1024

interface Held {
  /** The paths of the modules that are loaded. */
  readonly modules: readonly string[]
  /** The room for new objects, in MB. */
  readonly room: number
  /** Bytes of messages, in MB. */
  readonly bytes: number
  /** How many complete collections of garbage the gateway has asked for. */
  readonly complete: number
  /** What the heap has grown since its last complete collection, in MB. */
  readonly garbage: number
}

/** Makes the gateway report what it holds, on request. */
const reporting = `data:text/javascript,${encodeURIComponent(`
  import module from 'node:module'
  import { constants, PerformanceObserver } from 'node:perf_hooks'
  import { getHeapSpaceStatistics } from 'node:v8'
  let complete = 0
  let afterComplete = Infinity
  new PerformanceObserver((list) => {
    for (const { detail: { kind, flags } } of list.getEntries()) {
      if (kind !== constants.NODE_PERFORMANCE_GC_MAJOR) continue
      afterComplete = process.memoryUsage().heapUsed
      if (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) complete++
    }
  }).observe({ entryTypes: ['gc'] })
  process.on('message', (message) => {
    if (message !== 'report') return
    const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    const bytes = process.memoryUsage().arrayBuffers / 1e6
    const room = space.space_size / 1e6
    const garbage = (process.memoryUsage().heapUsed - afterComplete) / 1e6
    process.send({ modules: Object.keys(module._cache), room, bytes, complete, garbage })
  })`)}`

const folder = mkdtempSync(join(tmpdir(), 'portcullis-memory-'))
let issuer: TestIssuer
let subgraph: Server
let gateway: GatewayProcess
let pool: Pool

beforeAll(async () => {
  issuer = await startIssuer()
  const large = JSON.stringify({ data: { large: 'x'.repeat(largeSize) } })
  subgraph = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(body.includes('large') ? large : '{"data":{"small":"x"}}')
    })
  })
  await new Promise<void>((ready) => subgraph.listen(0, '127.0.0.1', ready))
  const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/`
  const supergraph = join(folder, 'supergraph.graphql')
  const sdl = 'type Query { large: String small: String }'
  writeFileSync(supergraph, compose([{ name: 'texts', url, sdl }]))
  const config = `http: { body_limit: 10MB }
authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
`
  const environment = { NODE_OPTIONS: `--max-semi-space-size=16 --import=${reporting}` }
  gateway = await startGatewayProcess({ folder, supergraph, config, environment })
  pool = new Pool(gateway.origin, { connections: 10 })
})
afterAll(async () => {
  await pool.close()
  gateway.child.kill('SIGTERM')
  await gateway.ended
  subgraph.close()
  await issuer.close()
  rmSync(folder, { recursive: true, force: true })
})

test('after many requests, the room for new objects and the bytes of responses are given back', async () => {
  await send('{ large }', 20)
  // V8 makes the room larger when objects outlive a collection, which depends on what is under way just then.
  await until(async () => {
    await send('{ small }', 2_000)
    return (await held()).room > 8
  })
  await until(
    async () => {
      const { room, bytes } = await held()
      return room < 4 && bytes < 8
    },
    { pause: 500 },
  )
  // A complete collection would discard the optimized code of most functions that serve.
  expect((await held()).complete).toBe(0)
  // It serves as before.
  await send('{ large }', 1)
})

test('modules that serving does not need are not loaded', async () => {
  const { modules } = await held()
  const names = modules.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
  expect(names).toContain('@apollo/query-planner')
  for (const name of ['@apollo/composition', '@apollo/gateway', '@apollo/server', 'typescript']) {
    expect(names).not.toContain(name)
  }
})

test('after more than 128 MB of garbage, a complete collection is worth what it costs', async () => {
  const { complete } = await held()
  // Their variables are parsed, and outlive collections of young objects while they are: the garbage is old.
  const variables = { unused: Array.from({ length: 200_000 }, (_, index) => [index]) }
  const makeGarbage = async () => {
    await send('{ small }', 4, variables)
    // Up to 32 MB of it are young.
    return (await held()).garbage > 180
  }
  await until(
    async () => {
      await until(makeGarbage, { pause: 0 })
      await until(async () => (await held()).garbage < 100, { pause: 500 })
      // V8 may have been first.
      return (await held()).complete > complete
    },
    { atMost: 100_000, pause: 0 },
  )
  expect((await held()).garbage).toBeLessThan(50)
})

/** Sends the query so many times, over all connections. */
async function send(query: string, times: number, variables = {}): Promise<void> {
  const request = JSON.stringify({ query, variables })
  let left = times
  const sendOn = async () => {
    while (left-- > 0) {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/graphql',
        headers: { 'content-type': 'application/json' },
        body: request,
      })
      const text = Buffer.from(await body.arrayBuffer())
      expect([statusCode, text.includes('"data":{')]).toEqual([200, true])
    }
  }
  await Promise.all(Array.from({ length: query.includes('large') ? 4 : 10 }, sendOn))
}

async function held(): Promise<Held> {
  gateway.child.send('report')
  const [message] = (await once(gateway.child, 'message')) as [Held]
  return message
}
