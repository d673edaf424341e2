/** The address of a client behind proxies, in the one spelling in which subgraphs can compare it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
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
