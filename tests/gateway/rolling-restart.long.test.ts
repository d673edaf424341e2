/** No request is lost by what an operator does: gateways are replaced one by one, workers end. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Pool } from 'undici'
import { compose } from '../support/compose.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { startTcpBalancer } from '../support/tcp-balancer.ts'
import { until } from '../support/until.ts'

const folder = scratchFolder()
const supergraph = join(folder, 'supergraph.graphql')
let subgraph: Server
let issuer: TestIssuer
/** How long the subgraph takes, in milliseconds. */
let subgraphTime = 5
/** How many requests to the subgraph ended because the gateway went away. */
let aborted = 0
let inFlight = 0

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = createServer((request, response) => {
    inFlight++
    response.once('close', () => {
      inFlight--
      if (!response.writableFinished) aborted++
    })
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      setTimeout(() => response.end('{"data":{"name":"Alice"}}'), subgraphTime)
    })
  })
  subgraph.listen(0, '127.0.0.1')
  await once(subgraph, 'listening')
  const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/`
  writeFileSync(supergraph, compose([{ name: 'people', url, sdl: 'type Query { name: String }' }]))
})

afterAll(async () => {
  subgraph.closeAllConnections()
  subgraph.close()
  await issuer.close()
})

function start(workers: number, http: string): Promise<GatewayProcess> {
  const config = `workers: ${workers}
authentication:
  issuers: [{ issuer: '${issuer.issuer}', jwks_uri: '${issuer.jwksUri}', audiences: [portcullis] }]
subgraphs: { people: { deduplicate_requests: false } }
http: { ${http} }`
  return startGatewayProcess({ folder, config, supergraph })
}

/** Returns the HTTP status, or why there is none. */
async function ask(pool: Pool, token: string): Promise<string> {
  try {
    const response = await pool.request({
      method: 'POST',
      path: '/graphql',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: '{"query":"{ name }"}',
    })
    const body = await response.body.text()
    return body === '{"data":{"name":"Alice"}}\n' ? String(response.statusCode) : body
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code ?? String(cause)
  }
}

test('two gateways behind a balancer are replaced one by one: 0 of 5,000 requests are lost', async () => {
  const launch = () => start(1, 'drain: { announce: 1s }')
  const balancer = await startTcpBalancer()
  let gateways: GatewayProcess[] = await Promise.all([launch(), launch()])
  for (const { origin } of gateways) balancer.backends.add(origin)
  await until(() => balancer.healthy().length === 2)

  const token = await issuer.accessToken()
  const outcomes: string[] = []
  let asking = true
  /** The pauses of each client, in ms: busy ones, some that often find an unused connection, and one without. */
  const pauses = [0, 0, 0, 0, 5, 20, 100, 300, 700]
  const load = pauses.map(async (pause) => {
    const pool = new Pool(balancer.origin, { connections: 1 })
    while (asking) {
      outcomes.push(await ask(pool, token))
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    }
    await pool.close()
  })
  const newConnections = (async () => {
    while (asking) {
      const pool = new Pool(balancer.origin)
      outcomes.push(await ask(pool, token))
      await pool.close()
    }
  })()

  const more = (count: number) => {
    const before = outcomes.length
    return until(() => outcomes.length >= before + count, { atMost: 60_000 })
  }
  await more(1_000)
  for (const [index, old] of gateways.entries()) {
    const next = await launch()
    balancer.backends.add(next.origin)
    await until(() => balancer.healthy().includes(next.origin))
    old.child.kill('SIGTERM')
    expect(await old.ended).toBe(0)
    balancer.backends.delete(old.origin)
    gateways = gateways.with(index, next)
    await more(1_000)
  }
  if (outcomes.length < 5_000) await more(5_000 - outcomes.length)
  asking = false
  await Promise.all([...load, newConnections])
  await balancer.close()
  for (const { child } of gateways) child.kill('SIGTERM')
  expect(await Promise.all(gateways.map(({ ended }) => ended))).toEqual([0, 0])

  expect(outcomes.filter((outcome) => outcome !== '200')).toEqual([])
  expect(outcomes.length).toBeGreaterThanOrEqual(5_000)
})

test('a worker that is killed loses only the requests that it was responding to', async () => {
  const gateway = await start(2, '')
  const { processes } = await until(() => gateway.log().find((line) => line.processes))
  const token = await issuer.accessToken()
  const pools = Array.from({ length: 20 }, () => new Pool(gateway.origin, { connections: 1 }))
  // Every worker has unused connections, and some with a request.
  expect(new Set(await Promise.all(pools.map((pool) => ask(pool, token))))).toEqual(
    new Set(['200']),
  )
  subgraphTime = 2_000
  const busy = pools.slice(0, 12).map((pool) => ask(pool, token))
  await until(() => inFlight === 12)
  subgraphTime = 5
  aborted = 0
  process.kill((processes as number[])[0]!, 'SIGKILL')
  await until(() => aborted > 0)
  const meanwhile = await Promise.all(pools.slice(12).map((pool) => ask(pool, token)))

  const lost = (await Promise.all(busy)).filter((outcome) => outcome !== '200')
  expect(lost.length).toBe(aborted)
  expect(lost.length).toBeLessThan(12)
  expect(new Set(meanwhile)).toEqual(new Set(['200']))
  await until(() => gateway.log().some(({ msg }) => msg === 'a worker has taken its place'))
  expect(new Set(await Promise.all(pools.map((pool) => ask(pool, token))))).toEqual(
    new Set(['200']),
  )
  await Promise.all(pools.map((pool) => pool.close()))
  gateway.child.kill('SIGTERM')
  expect(await gateway.ended).toBe(0)
})

test('a connection that a killed worker was being handed is closed: its client can try again', async () => {
  const gateway = await start(2, '')
  const token = await issuer.accessToken()
  const outcomes: string[] = []
  let asking = true
  const clients = Array.from({ length: 24 }, async () => {
    while (asking) {
      const pool = new Pool(gateway.origin, { headersTimeout: 20_000 })
      outcomes.push(await ask(pool, token))
      await pool.close()
    }
  })
  const { processes } = await until(() => gateway.log().find((line) => line.processes))
  const replacements = () =>
    gateway.log().filter(({ msg }) => msg === 'a worker has taken its place')
  let [worker] = processes as number[]
  for (let killed = 0; killed < 4; killed++) {
    const before = outcomes.length
    await until(() => outcomes.length > before + 200, { atMost: 60_000 })
    process.kill(worker!, 'SIGKILL')
    const replacement = await until(() => replacements()[killed], { atMost: 60_000 })
    worker = replacement.worker as number
  }
  asking = false
  await Promise.all(clients)
  const lost = outcomes.filter((outcome) => outcome !== '200')
  const isReset = (outcome: string) => ['ECONNRESET', 'UND_ERR_SOCKET'].includes(outcome)
  expect(lost.filter((outcome) => !isReset(outcome))).toEqual([])
  expect(lost.length).toBeLessThanOrEqual(4 * clients.length)
  gateway.child.kill('SIGTERM')
  expect(await gateway.ended).toBe(0)
})

test('a proxy that keeps connections for less time than the gateway loses no request', async () => {
  const gateway = await start(1, 'keep_alive: 3s')
  const token = await issuer.accessToken()
  const outcomes: string[] = []
  const clients = Array.from({ length: 40 }, async (_, client) => {
    const pool = new Pool(gateway.origin, {
      connections: 1,
      keepAliveTimeout: 2_000,
      keepAliveMaxTimeout: 2_000,
    })
    for (let sent = 0; sent < 6; sent++) {
      outcomes.push(await ask(pool, token))
      // Around the moment at which the proxy gives up the connection.
      await new Promise((resolve) => setTimeout(resolve, 1_800 + 10 * client))
    }
    await pool.close()
  })
  await Promise.all(clients)
  expect(new Set(outcomes)).toEqual(new Set(['200']))
  gateway.child.kill('SIGTERM')
  expect(await gateway.ended).toBe(0)
})
