/** Compressed responses and compressed requests, over real HTTP (RFC 9110, sections 8.4 and 12.5.3). */
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
} from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'

const sdl = `type Query { text(length: Int): String login: String }`

let issuer: TestIssuer
let subgraph: Server
let gateway: RunningGateway
let without: RunningGateway

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    response.setHeader('content-type', 'application/json')
    const length = Number(/length: ?(\d+)/.exec(body)?.[1] ?? 10)
    if (body.includes('login')) response.setHeader('set-cookie', 'session=1')
    const data = { text: 'x'.repeat(length), login: 'y'.repeat(5_000) }
    response.end(JSON.stringify({ data }))
  })
  await new Promise<void>((resolve) => subgraph.listen(0, '127.0.0.1', resolve))
  gateway = await startedGateway('claims: { subgraphs: { one: { cookies: [session] } } }')
  without = await startedGateway('http: { compression: false }')
})
afterAll(async () => {
  await gateway?.close()
  await without?.close()
  subgraph?.closeAllConnections()
  subgraph?.close()
  await issuer?.close()
})

function startedGateway(more: string): Promise<RunningGateway> {
  const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/`
  return runGateway(
    [{ name: 'one', url, sdl }],
    `authentication:
  issuers:
    - { issuer: ${issuer.issuer}, jwks_uri: ${issuer.jwksUri}, audiences: [portcullis] }
${more}
`,
  )
}

interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}

function send(
  method: string,
  body: string | Buffer,
  headers: Record<string, string>,
  to = gateway,
  search = '',
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = method === 'POST' ? { 'content-type': 'application/json', ...headers } : headers
    httpRequest(to.url + search, { method, headers: sent })
      .on('error', reject)
      .on('response', async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, bytes: Buffer.concat(chunks) })
      })
      .end(body)
  })
}

const ofLength = (length: number) => JSON.stringify({ query: `{ text(length: ${length}) }` })
const textOf = (length: number) => `{"data":{"text":"${'x'.repeat(length)}"}}\n`
const decode = { gzip: gunzipSync, br: brotliDecompressSync } as const

describe('responses', () => {
  test.each([
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br', 'gzip'],
    ['gzip;q=0.5, br', 'br'],
    ['br;q=0, gzip;q=0.001', 'gzip'],
    ['gzip;q=0, *', 'br'],
    ['*', 'gzip'],
    ['GZIP', 'gzip'],
  ] as const)('Accept-Encoding: %s gets %s', async (accepted, coding) => {
    for (const length of [2_000, 200_000]) {
      const { headers, bytes } = await send('POST', ofLength(length), {
        'accept-encoding': accepted,
      })
      expect(headers['content-encoding']).toBe(coding)
      expect(headers.vary).toBe('Accept-Encoding')
      expect(Number(headers['content-length'])).toBe(bytes.length)
      expect(bytes.length).toBeLessThan(1_000)
      expect(decode[coding](bytes).toString()).toBe(textOf(length))
    }
  })

  test.each([
    [undefined],
    [''],
    ['identity'],
    ['deflate'],
    ['gzip;q=0'],
    ['gzip;q=0.5, identity'],
    // Nothing is acceptable: the header is disregarded (section 12.4.1).
    ['identity;q=0'],
    ['*;q=0'],
  ])('Accept-Encoding: %s gets identity', async (accepted) => {
    const header = accepted === undefined ? {} : { 'accept-encoding': accepted }
    const { headers, bytes } = await send('POST', ofLength(2_000), header)
    expect(headers['content-encoding']).toBeUndefined()
    expect(headers.vary).toBe('Accept-Encoding')
    expect(bytes.toString()).toBe(textOf(2_000))
  })

  test('a small response is compressed only where identity is refused', async () => {
    const small = await send('POST', ofLength(900), { 'accept-encoding': 'gzip' })
    expect(small.headers).toMatchObject({ vary: 'Accept-Encoding' })
    expect(small.bytes.toString()).toBe(textOf(900))
    for (const accepted of ['gzip, identity;q=0', 'gzip, *;q=0']) {
      const { headers } = await send('POST', ofLength(10), { 'accept-encoding': accepted })
      expect(headers['content-encoding']).toBe('gzip')
    }
    const { headers } = await send('POST', ofLength(10), {
      'accept-encoding': 'gzip, identity;q=0.5, *;q=0',
    })
    expect(headers['content-encoding']).toBeUndefined()
  })

  test('by GET, and an error as well; HEAD has no content', async () => {
    const accepted = { 'accept-encoding': 'gzip' }
    const search = `?query=${encodeURIComponent('{ text(length: 2000) }')}`
    const got = await send('GET', '', accepted, gateway, search)
    expect(gunzipSync(got.bytes).toString()).toBe(textOf(2_000))
    const unknown = JSON.stringify({ query: `{ ${'a'.repeat(2_000)} }` })
    const refused = await send('POST', unknown, accepted)
    expect(refused.status).toBe(400)
    expect(JSON.parse(gunzipSync(refused.bytes).toString()).errors).toHaveLength(1)
    const head = await send('HEAD', '', accepted, gateway, search)
    expect(head).toMatchObject({ status: 405, headers: { vary: 'Accept-Encoding' } })
    expect(head.bytes).toHaveLength(0)
  })

  test('where cookies identify callers, neither with a cookie nor when one is set', async () => {
    const accepted = { 'accept-encoding': 'gzip' }
    const withCookie = await send('POST', ofLength(2_000), { ...accepted, cookie: 'session=1' })
    expect(withCookie.headers['content-encoding']).toBeUndefined()
    const login = await send('POST', '{"query":"{ login }"}', accepted)
    expect(login.headers['set-cookie']).toHaveLength(1)
    expect(login.headers['content-encoding']).toBeUndefined()
    const elsewhere = await runGatewayWithoutCookies()
    expect(elsewhere.headers['content-encoding']).toBe('gzip')
  })

  async function runGatewayWithoutCookies(): Promise<Received> {
    const another = await startedGateway('')
    const headers = { 'accept-encoding': 'gzip', cookie: 'session=1' }
    const received = await send('POST', ofLength(2_000), headers, another)
    await another.close()
    return received
  }

  test('many large ones at once all arrive, compressed or not', async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, () =>
        send('POST', ofLength(300_000), { 'accept-encoding': 'gzip' }),
      ),
    )
    const texts = all.map(({ headers, bytes }) =>
      (headers['content-encoding'] ? gunzipSync(bytes) : bytes).toString(),
    )
    expect(new Set(texts)).toEqual(new Set([textOf(300_000)]))
  })

  test('compression: false', async () => {
    const { headers } = await send('POST', ofLength(2_000), { 'accept-encoding': 'gzip' }, without)
    expect(headers['content-encoding']).toBeUndefined()
    expect(headers.vary).toBeUndefined()
  })
})

describe('requests', () => {
  test.each([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('Content-Encoding: %s', async (coding, encode) => {
    const body = encode(ofLength(10))
    const { status, bytes } = await send('POST', body, { 'content-encoding': coding })
    expect(bytes.toString()).toBe(textOf(10))
    expect(status).toBe(200)
  })

  test('the limit counts the decoded bytes, and ends the decoding', async () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, ' '))
    const { status, bytes } = await send('POST', bomb, { 'content-encoding': 'gzip' })
    expect(status).toBe(413)
    expect(JSON.parse(bytes.toString()).errors[0]).toMatchObject({
      message: 'The request body is larger than 100 KB',
      extensions: { code: 'PAYLOAD_TOO_LARGE' },
    })
  })

  test.each([
    ['no gzip at all', Buffer.from(ofLength(10))],
    ['gzip that ends too early', gzipSync(ofLength(10)).subarray(0, -12)],
  ])('%s is 400', async (_name, body) => {
    const { status, bytes } = await send('POST', body, { 'content-encoding': 'gzip' })
    expect(JSON.parse(bytes.toString()).errors[0]).toMatchObject({
      message: 'The request body is not complete and valid gzip, as Content-Encoding says',
      extensions: { code: 'BAD_REQUEST' },
    })
    expect(status).toBe(400)
    expect(gateway.log.filter((line) => line.includes('"level":50'))).toEqual([])
  })

  // The body reader accepts zstd on Node.js 22.
  test.each(['compress', 'gzip, gzip', 'zstd', 'x'])(
    'Content-Encoding: %s is 415',
    async (coding) => {
      const { status, headers } = await send('POST', gzipSync(ofLength(10)), {
        'content-encoding': coding,
      })
      expect(status).toBe(415)
      expect(headers['accept-encoding']).toBe('gzip, deflate, br')
    },
  )
})
