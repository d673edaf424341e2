/** Rates that several processes share: the workers of one machine, and machines with one Redis. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Pool } from 'undici'
import { bucketTable, MemoryBuckets } from '../../gateway/rates/memory-buckets.ts'
import { keyText, rateKeys } from '../../gateway/rates/rate-key.ts'
import { redisStore } from '../../gateway/rates/redis-store.ts'
import type { Rate } from '../../gateway/rates/rate.ts'
import { compose } from '../support/compose.ts'
import { freePort } from '../support/free-port.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const folder = scratchFolder()
const supergraph = join(folder, 'supergraph.graphql')
const sdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@cost"])
  type Query { number: Int report: Int @cost(weight: 40) }`
/** A rate of cost that lets 100 of these pass. */
const costs =
  '{ by: subject, name: costs, count: cost, limit: 4000, per: 1h, when: { operations: [Query.report] } }'
const costly = '{ number: report }'
const redisServer = '/usr/bin/redis-server'

let issuer: TestIssuer
let subgraph: Server

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end('{"data":{"number":1}}')
    })
  }).listen(0, '127.0.0.1')
  await once(subgraph, 'listening')
  const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/`
  writeFileSync(supergraph, compose([{ name: 'numbers', url, sdl }]))
})
afterAll(async () => {
  await issuer.close()
  subgraph.close()
})

interface TestGateway extends GatewayProcess {
  readonly pool: Pool
  /** Returns the statuses of so many requests at a time. */
  flood(count: number, token: string, query?: string): Promise<number[]>
  stop(): Promise<void>
}

async function start(workers: number, rates: string): Promise<TestGateway> {
  const config = `workers: ${workers}
authentication:
  issuers: [{ issuer: ${issuer.issuer}, jwks_uri: ${issuer.jwksUri}, audiences: [portcullis] }]
warm_up: { time: 0s }
limits: { cost: { max: 1000 } }
metrics: { port: 0 }
rates:
${rates}`
  const gateway = await startGatewayProcess({ folder, config, supergraph })
  const pool = new Pool(gateway.origin, { connections: 100 })
  const ask = async (token: string, query: string) => {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/graphql',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
    })
    await body.text()
    return statusCode
  }
  return {
    ...gateway,
    pool,
    flood: (count, token, query = '{ number }') =>
      Promise.all(Array.from({ length: count }, () => ask(token, query))),
    async stop() {
      await pool.close()
      gateway.child.kill('SIGTERM')
      await gateway.ended
    },
  }
}

async function metricOf(gateway: TestGateway, name: string): Promise<number> {
  const { url } = gateway.log().find(({ msg }) => String(msg).includes('serving metrics'))! as {
    url: string
  }
  const text = await (await fetch(url)).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

const served = (statuses: readonly number[]) => statuses.filter((status) => status === 200).length
const tokenOf = (sub: string) => issuer.accessToken({ sub })

/** How many points flow into a bucket in that time, rounded up. */
const inflow = (since: number, perSecond: number) =>
  Math.ceil(((performance.now() - since) / 1_000) * perSecond)

/** Between the rate and what the processes have of it in advance. */
function expectCosts(statuses: readonly number[], since: number): void {
  expect(served(statuses)).toBeGreaterThanOrEqual(100 - 2 * 13)
  expect(served(statuses)).toBeLessThanOrEqual((4_000 + inflow(since, 4_000 / 3_600)) / 40)
  expect(statuses.filter((status) => status === 429)).toHaveLength(
    statuses.length - served(statuses),
  )
}

describe('two workers', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await start(
      2,
      `  rules: [{ by: subject, limit: 240, per: 1h }, { by: client, name: fast, limit: 1000000, per: 1s }, ${costs}]
  failed_authentications: { limit: 20, per: 1h }`,
    )
  }, 60_000)
  afterAll(() => gateway.stop())

  test('100 requests at a time get exactly the rate, and one tenant takes nothing from another', async () => {
    const since = performance.now()
    const [noisy, quiet] = [await tokenOf('noisy'), await tokenOf('quiet')]
    const statuses: number[] = []
    for (let round = 0; round < 6; round++) {
      statuses.push(...(await gateway.flood(100, noisy)))
      expect(await gateway.flood(2, quiet)).toEqual([200, 200])
    }
    // The points that one worker has taken in advance and not used may be missing: at most an eighth.
    expect(served(statuses)).toBeGreaterThanOrEqual(240 - 30)
    expect(served(statuses)).toBeLessThanOrEqual(240 + inflow(since, 240 / 3_600))
    expect(statuses.filter((status) => status === 429)).toHaveLength(600 - served(statuses))
    expect(await metricOf(gateway, 'portcullis_rate_limited_total{rate="subject"}')).toBe(
      600 - served(statuses),
    )
  }, 30_000)

  test('costs are exact to what each worker has in advance, and the refused ones take none', async () => {
    const since = performance.now()
    const statuses = await gateway.flood(200, await tokenOf('expensive'), costly)
    expectCosts(statuses, since)
    expect(await metricOf(gateway, 'portcullis_rate_limited_total{rate="costs"}')).toBe(
      200 - served(statuses),
    )
  }, 30_000)

  test('bad tokens that both workers get are limited together', async () => {
    const [header, payload] = (await tokenOf('victim')).split('.')
    let count = 0
    const bad = () => {
      const signature = Buffer.alloc(64, 1)
      signature.writeUInt32BE(count++, 0)
      return `${header}.${payload}.${signature.toString('base64url')}`
    }
    const statuses: number[] = []
    for (let round = 0; round < 5; round++) {
      const responses = await Promise.all(
        Array.from({ length: 100 }, () => gateway.flood(1, bad())),
      )
      statuses.push(...responses.flat())
    }
    const refused = statuses.filter((status) => status === 401).length
    expect(refused).toBeGreaterThanOrEqual(20 - 4)
    expect(refused).toBeLessThanOrEqual(21)
    expect(statuses.filter((status) => status === 429)).toHaveLength(500 - refused)
    expect(served(await gateway.flood(1, await tokenOf('quiet')))).toBe(0)
  }, 30_000)
})

if (!existsSync(redisServer)) {
  console.log('skipped: there is no Redis (apt-get install redis-server)')
}
const withRedis = existsSync(redisServer) ? describe : describe.skip

withRedis('two gateways with one Redis', () => {
  let port: number
  let redis: ChildProcess
  const gateways: TestGateway[] = []
  const url = () => `redis://:a-password@127.0.0.1:${port}/2`

  async function startRedis(): Promise<void> {
    redis = spawn(
      redisServer,
      [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'no',
        '--requirepass',
        'a-password',
      ],
      { stdio: 'ignore', cwd: folder },
    )
    const client = new Redis(url(), { retryStrategy: () => 20, maxRetriesPerRequest: null })
    client.on('error', () => {})
    await client.ping()
    client.disconnect()
  }

  async function stopRedis(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = once(redis, 'exit')
    redis.kill(signal)
    await ended
  }

  beforeAll(async () => {
    port = await freePort()
    await startRedis()
    const rates = `  store: { redis: '${url()}', timeout: 2s }
  rules: [{ by: subject, limit: 240, per: 1h }, ${costs}]`
    gateways.push(await start(1, rates), await start(2, rates))
  }, 60_000)
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await stopRedis()
  })

  const floodBoth = async (token: string, rounds: number, query?: string) => {
    const statuses: number[] = []
    for (let round = 0; round < rounds; round++) {
      const both = await Promise.all(gateways.map((gateway) => gateway.flood(100, token, query)))
      statuses.push(...both.flat())
    }
    return statuses
  }

  test('100 requests at a time at each get exactly the rate', async () => {
    const since = performance.now()
    const statuses = await floodBoth(await tokenOf('noisy'), 4)
    expect(served(statuses)).toBeGreaterThanOrEqual(240 - 60)
    expect(served(statuses)).toBeLessThanOrEqual(240 + inflow(since, 240 / 3_600))
    expect(await metricOf(gateways[0]!, 'portcullis_rate_store_away_total')).toBe(0)
  }, 30_000)

  test('costs are counted together', async () => {
    const since = performance.now()
    expectCosts(await floodBoth(await tokenOf('expensive'), 1, costly), since)
  }, 30_000)

  test('the store has no identities, and forgets keys whose bucket is full', async () => {
    const client = new Redis(url())
    const keys = await client.keys('*')
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) {
      expect(key).toMatch(
        /^portcullis:rate:(subject:240:3600000:240|costs:4000:3600000:4000):[0-9a-f]{16}$/,
      )
      expect(await client.pttl(key)).toBeGreaterThan(0)
    }
    client.disconnect()
  })

  test('a store that dies in the middle refuses nobody: each process counts by itself, and says so once', async () => {
    const token = await tokenOf('another')
    expect(served(await gateways[0]!.flood(10, token))).toBe(10)
    await stopRedis()
    const statuses = await floodBoth(token, 8)
    // Three processes, each with a bucket of its own, and what they had in advance.
    expect(served(statuses)).toBeGreaterThanOrEqual(2 * 240)
    expect(served(statuses)).toBeLessThanOrEqual(3 * (240 + 30) + 3)
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
    expect(await metricOf(gateways[0]!, 'portcullis_rate_store_away_total')).toBeGreaterThan(0)
    await startRedis()
    const back = () =>
      gateways[0]!.log().filter(({ msg }) => msg === 'the store of the rates is back')
    let users = 0
    await until(async () => {
      await gateways[0]!.flood(1, await tokenOf(`user ${users++}`))
      return back().length > 0
    })
    const away = gateways[0]!
      .log()
      .filter(({ msg }) => String(msg).includes('store of the rates is away'))
    expect(away).toHaveLength(1)
    expect(gateways[0]!.output()).not.toContain('a-password')
    expect(served(await floodBoth(await tokenOf('late'), 4))).toBeGreaterThanOrEqual(240 - 60)
  }, 60_000)

  test('a store that hangs costs one time-out, and a clock of it that jumps back empties no bucket further', async () => {
    // No point flows in while the test runs.
    const point = 360_000
    const rate: Rate = { name: 'direct', limit: 10, per: 10 * point, burst: 5 }
    const [a, b] = ['a', 'b'].map(rateKeys('a secret'))
    const wanted = (points: number, each = 1) => ({ points, each })
    const store = await redisStore({ url: url(), timeout: 200 })
    const grantPoints = store.grantsOf(rate)
    // As memory has it.
    const buckets = new MemoryBuckets(rate, bucketTable(1024 * 1024))
    const grants: readonly (readonly [{ points: number; each: number }, object])[] = [
      [wanted(3), { points: 3, left: 2, wait: 0, full: 3 * point }],
      [wanted(4, 2), { points: 2, left: 0, wait: 2 * point, full: 5 * point }],
      [wanted(3, 3), { points: 0, left: 0, wait: 3 * point, full: 5 * point }],
    ]
    for (const [request, expected] of grants) {
      expect(buckets.grant(a!, request, 0)).toEqual(expected)
      const { points, left } = await grantPoints(a!, request)
      expect({ points, left }).toEqual({ points: buckets.grant(b!, request, 0).points, left })
      expect(expected).toMatchObject({ points, left })
    }
    const returning = { points: 0, each: 1, returned: 3 }
    expect(await grantPoints(a!, returning)).toMatchObject({ points: 0, left: 3, wait: 0 })
    expect(buckets.grant(a!, returning, 0)).toMatchObject({ points: 0, left: 3, wait: 0 })
    const client = new Redis(url())
    const key = `portcullis:rate:direct:10:${10 * point}:5:${keyText(a!)}`
    await client.set(key, String(Date.now() + 86_400_000))
    const { points, wait, full } = await grantPoints(a!, wanted(1))
    expect({ points, wait, full }).toEqual({ points: 0, wait: point, full: 5 * point })
    client.disconnect()
    redis.kill('SIGSTOP')
    await expect(grantPoints(b!, wanted(1))).rejects.toThrow('Command timed out')
    redis.kill('SIGCONT')
    await until(() =>
      grantPoints(b!, wanted(1)).then(
        () => true,
        () => false,
      ),
    )
    store.close()
  }, 30_000)
})

test('a million networks take the memory of a table, and no bucket that is emptier than theirs', () => {
  const memory = 8 * 1024 * 1024
  const table = bucketTable(memory)
  const buckets = new MemoryBuckets({ name: 'test', limit: 1, per: 60_000, burst: 10 }, table)
  const keyOf = rateKeys('a secret')
  const victim = keyOf('over its limit')
  buckets.take(victim, 10, 1)
  for (let index = 0; index < 1_000_000; index++) {
    const network = `2001:db8:${index >> 16}:${index & 0xffff}::/64`
    buckets.take(keyOf(network), 1, 1 + index / 100)
  }
  expect(table.bytes).toBe(memory)
  expect(buckets.take(victim, 1, 10_001)).toMatchObject({ granted: false })
}, 60_000)
