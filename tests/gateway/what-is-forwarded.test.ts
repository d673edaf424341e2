/** What of the client reaches a subgraph under the shipped configuration, and that the documents say so. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'

const shipped = readFileSync('gateway/gateway.yaml', 'utf8')
const documented = readFileSync('docs/authentication.md', 'utf8')

let issuer: TestIssuer
let gateway: RunningGateway
const servers: Server[] = []
const seen: Record<string, IncomingHttpHeaders> = {}

beforeAll(async () => {
  issuer = await startIssuer()
  const subgraphs = await Promise.all(
    ['auth', 'users'].map(async (name) => ({
      name,
      url: await subgraphThatRecords(name),
      sdl: `type Query { ${name}: String }`,
    })),
  )
  gateway = await runGateway(subgraphs, shippedFor(issuer))
})

afterAll(async () => {
  await gateway?.close()
  servers.forEach((server) => server.close())
  await issuer.close()
})

/** The shipped file, with another issuer, whose status lists are not asked for. */
function shippedFor({ issuer, jwksUri }: TestIssuer): string {
  return shipped
    .replace(/issuer: \$\{.*$/m, `issuer: ${issuer}`)
    .replace(/jwks_uri: .*$/m, `jwks_uri: ${jwksUri}`)
    .replace(/^ +revocation:\n( {8}.*\n)+/m, '')
}

async function subgraphThatRecords(name: string): Promise<string> {
  const server = createServer((request, response) => {
    seen[name] = request.headers
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ data: { [name]: 'here' } }))
    })
  })
  servers.push(server)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
}

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
/** The headers that the gateway writes for every request, for any caller. */
const ofGateway = [
  'accept',
  'connection',
  'content-length',
  'content-type',
  'gateway-claims',
  'host',
]

/** Asks both subgraphs, with all that a client could wish to be passed on. */
async function askWith(headers: Record<string, string>): Promise<void> {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'accept-language': 'de',
      'gateway-claims': 'forged',
      'gateway-client-address': '203.0.113.1',
      'gateway-client-agent': 'forged',
      forwarded: 'for=203.0.113.1',
      origin: 'https://page.example',
      referer: 'https://page.example/',
      tracestate: 'a=b',
      baggage: 'a=b',
      'x-forwarded-for': '203.0.113.1',
      'x-request-id': '7',
      'x-user-id': '1',
      ...headers,
    },
    body: JSON.stringify({ query: '{ auth users }' }),
  })
  expect(await response.json()).toEqual({ data: { auth: 'here', users: 'here' } })
}

/** The rows of the table below that heading: header, subgraphs. */
function documentedHeaders(): [header: string, subgraphs: string][] {
  const [, table = ''] = /\| header +\| reaches[^]*?\n([^]*?)\n\n/.exec(documented) ?? []
  return table
    .split('\n')
    .slice(1)
    .map((row) => row.split('|').map((cell) => cell.trim()))
    .map(([, header, subgraphs]) => [header!.replaceAll('`', ''), subgraphs!])
}

test('every header that holds something of the client is in the table of the documents, and no other reaches a subgraph', async () => {
  const token = await issuer.accessToken()
  const cookies = [
    'a=1',
    `__Host-access=${token}`,
    'session=2',
    '__Host-refresh=3',
    '__host-refresh=4',
  ]
  await askWith({
    cookie: cookies.join('; '),
    'user-agent': 'The Client/1',
    traceparent,
    tracestate: 'vendor=1',
    baggage: 'a=b',
  })

  const rows = documentedHeaders()
  const everywhere = rows.flatMap(([header, reaches]) => (reaches === 'every one' ? [header] : []))
  const auth = rows.flatMap(([header, reaches]) => (reaches.includes('auth') ? [header] : []))
  expect(everywhere).toEqual(['traceparent', 'tracestate', 'x-request-id'])
  expect(Object.keys(seen.users!).sort()).toEqual([...ofGateway, ...everywhere].sort())
  expect(Object.keys(seen.auth!).sort()).toEqual([...ofGateway, ...everywhere, ...auth].sort())

  expect(seen.auth).toMatchObject({
    cookie: `__Host-access=${token}; __Host-refresh=3`,
    'gateway-client-address': '127.0.0.1',
    'gateway-client-agent': 'The Client/1',
    traceparent,
  })
  expect(JSON.stringify([seen.auth!['gateway-claims'], seen.users])).not.toContain(token)
})

test('a token in Authorization reaches no subgraph, nor does a malformed traceparent', async () => {
  const token = await issuer.accessToken()
  await askWith({
    authorization: `Bearer ${token}`,
    traceparent: 'anything; else',
    tracestate: 'vendor=1',
    'user-agent': 'x',
  })
  for (const headers of [seen.auth, seen.users]) {
    expect(JSON.stringify(headers)).not.toContain(token)
    expect(headers).not.toHaveProperty('traceparent')
    expect(headers).not.toHaveProperty('tracestate')
    expect(headers).not.toHaveProperty('cookie')
  }
})

test('SECURITY.md names each of them', () => {
  const security = readFileSync('SECURITY.md', 'utf8')
  for (const [header] of documentedHeaders()) expect(security).toContain(`\`${header}\``)
  for (const cookie of ['__Host-access', '__Host-refresh']) expect(security).toContain(cookie)
})

// The same suite: loading the gateway again takes half a second of CPU time.
await import('./client-address.ts')
