/** The address of a client behind proxies, in the one spelling in which subgraphs can compare it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { SubgraphContext } from '../../subgraphs/kit/index.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'

const sdl = 'type Query { address: String }'
let subgraph: RunningProcess
let gateway: RunningGateway

beforeAll(async () => {
  subgraph = await serveSubgraph({
    name: 'mirror',
    typeDefs: parse(sdl),
    resolvers: {
      Query: { address: (_: unknown, __: unknown, { client }: SubgraphContext) => client.address },
    },
    keys: [deriveClaimsKey(gatewaySecret, 'mirror')],
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
  })
  gateway = await runGateway(
    [{ name: 'mirror', url: subgraph.url, sdl }],
    `authentication: { issuers: [{ issuer: https://id.example, discovery: true, audiences: [x], required: false }] }
http: { trusted_proxies: ['::ffff:7f00:1', 10.0.0.0/8] }
claims: { subgraphs: { mirror: { client_headers: true } } }
`,
  )
})
afterAll(async () => {
  await gateway?.close()
  await subgraph?.close()
})

async function addressOf(forwardedFor: string): Promise<unknown> {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': forwardedFor },
    body: '{"query":"{ address }"}',
  })
  return ((await response.json()) as { data: { address: unknown } }).data.address
}

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:cb00:7109', '203.0.113.9'],
  ['::FFFF:203.0.113.9', '203.0.113.9'],
  ['0:0:0:0:0:ffff:cb00:7109', '203.0.113.9'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['203.0.113.9:4711', '203.0.113.9'],
  ['[2001:db8::1]:4711', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['203.0.113.9, ::ffff:a01:203', '203.0.113.9'],
  ['198.51.100.1, 203.0.113.9, ::ffff:10.1.2.3', '203.0.113.9'],
  ['unknown', null],
])('X-Forwarded-For: %s is the client %s', async (header, address) => {
  expect(await addressOf(header)).toBe(address)
})

describe('the log says once of an X-Forwarded-For that it is not believed, whichever way it came', () => {
  const unasked = {
    name: 'things',
    url: 'http://127.0.0.1:9/',
    sdl: 'type Query { thing: String }',
  }
  let gateway: RunningGateway | undefined

  afterEach(() => gateway?.close())

  /** Sends what a proxy would, by each way into the gateway, twice; returns what the log says of it. */
  async function reported(http: string): Promise<{ level: number; from: string }[]> {
    gateway = await runGateway(
      [unasked],
      `authentication: { issuers: [{ issuer: https://id.example, discovery: true, audiences: [x], required: false }] }
http: ${http}
`,
    )
    const forwarded = { 'x-forwarded-for': '203.0.113.9' }
    const json = { 'content-type': 'application/json' }
    const query = '{ __typename }'
    const post = (headers: Record<string, string>) =>
      fetch(gateway!.url, {
        method: 'POST',
        headers: { ...json, ...headers },
        body: JSON.stringify({ query }),
      })
    await post({})
    for (let round = 0; round < 2; round++) {
      for (const extra of [{}, { origin: 'https://page.example' }]) {
        expect((await post({ ...forwarded, ...extra })).status).toBe(200)
      }
      await fetch(`${gateway.url}?query=${encodeURIComponent(query)}`, {
        headers: { ...forwarded, ...json },
      })
    }
    return gateway.log
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => String(msg).startsWith('X-Forwarded-For arrives'))
  }

  test.each(['{ trusted_proxies: 0 }', '{ trusted_proxies: [10.0.0.0/8] }'])(
    'with %s it is reported once, as a warning',
    async (http) => {
      expect(await reported(http)).toMatchObject([{ level: 40, from: '127.0.0.1' }])
    },
  )

  test.each(['{ trusted_proxies: 1 }', '{ trusted_proxies: [127.0.0.1] }'])(
    'with %s it is believed',
    async (http) => {
      expect(await reported(http)).toEqual([])
    },
  )
})
