import { answered } from '../support/response-bytes.ts'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { markAsUntransferable } from 'node:worker_threads'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, expect, jest, test } from '@jest/globals'
import type { CallSpan } from '../../gateway/client-request.ts'
import type { GatewayError } from '../../gateway/errors.ts'
import { circuitBreaker } from '../../gateway/execution/circuit-breaker.ts'
import { deduplicatedRequests } from '../../gateway/execution/deduplicate-requests.ts'
import { valueEnd } from '../../gateway/values/json-bytes.ts'
import { ResponseReceiver } from '../../gateway/execution/receive-response.ts'
import type { RawResponse } from '../../gateway/execution/receive-response.ts'
import { failureOfResponse } from '../../gateway/execution/response-failure.ts'
import { responseHeaders } from '../../gateway/forwarding/response-headers.ts'
import { readEnvelope } from '../../gateway/execution/response-envelope.ts'
import { subgraphClient } from '../../gateway/execution/subgraph-client.ts'
import type {
  SubgraphClientOptions,
  SubgraphResponse,
} from '../../gateway/execution/subgraph-client.ts'
import type { SubgraphRequest, SubgraphResult } from '../../gateway/execution/subgraph-request.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections?.()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function clientOf(listener: RequestListener, options: Partial<SubgraphClientOptions> = {}) {
  const port = await listening(createServer(listener))
  return clientAt(`http://127.0.0.1:${port}/graphql`, options)
}

function clientAt(url: string, options: Partial<SubgraphClientOptions>) {
  const client = subgraphClient(url, { timeout: 5_000, connections: 2, ...options })
  closing.push(() => client.close())
  return client
}

const headers = { 'content-type': 'application/json' }
const answer = JSON.stringify({ data: { word: 'grüße' } })

test('a response is read with its status', async () => {
  const client = await clientOf((_, response) => response.writeHead(203).end(answer))
  const response = await client.post(headers, '{}')
  expect(response.status).toBe(203)
  expect(bodyOf(response)).toEqual({ data: { word: 'grüße' } })
})

test.each([
  ['gzip', gzipSync],
  ['GZIP', gzipSync],
  ['x-gzip', gzipSync],
  ['X-GZip', gzipSync],
  [' gzip ', gzipSync],
  ['br', brotliCompressSync],
  ['Br', brotliCompressSync],
  ['deflate', deflateSync],
  ['Deflate', deflateRawSync],
  ['gzip, br', (text: string) => brotliCompressSync(gzipSync(text))],
  ['identity, gzip', gzipSync],
  ['identity', Buffer.from],
  ['Identity', Buffer.from],
  ['', Buffer.from],
])(
  'a response in the content coding %p is read',
  async (encoding, encode: (text: string) => Buffer) => {
    for (const text of [answer, `\ufeff${answer}`]) {
      const client = await clientOf((_, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end(encode(text)),
      )
      expect(bodyOf(await client.post(headers, '{}'))).toEqual({ data: { word: 'grüße' } })
    }
  },
)

test.each([
  ['', Buffer.from],
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
])(
  'a response that arrives byte by byte is read, and one that ends before its last byte is not: %p',
  async (encoding, encode: (text: string) => Buffer) => {
    const bytes = encode(answer)
    for (const length of [bytes.length, bytes.length - 1]) {
      const client = await clientOf(async (_, response) => {
        response.writeHead(200, { 'content-encoding': encoding })
        response.socket?.setNoDelay()
        for (const byte of bytes.subarray(0, length)) {
          await new Promise((written) => response.write(Buffer.of(byte), written))
        }
        response.end()
      })
      const reading = client.post(headers, '{}').then(bodyOf)
      if (length === bytes.length) expect(await reading).toEqual({ data: { word: 'grüße' } })
      else expect(await reading.catch(() => undefined)).toBeUndefined()
    }
  },
)

test.each(['zstd', 'gzip, gzip, gzip, gzip', 'gzip'])(
  'content that is not in the coding %p, or not known to us, is refused',
  async (encoding) => {
    const client = await clientOf((_, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(answer),
    )
    await expect(client.post(headers, '{}')).rejects.toMatchObject({
      reason: 'SUBGRAPH_RESPONSE_INVALID',
    })
  },
)

test('a byte order mark before the JSON is ignored', async () => {
  const client = await clientOf((_, response) => response.end(`\ufeff${answer}`))
  expect(bodyOf(await client.post(headers, '{}'))).toEqual({ data: { word: 'grüße' } })
})

test('a response larger than the limit is refused, also when it grows by decompression', async () => {
  const long = JSON.stringify({ data: 'x'.repeat(100_000) })
  const plain = await clientOf((_, response) => response.end(long), { responseLimit: 50_000 })
  await expect(plain.post(headers, '{}')).rejects.toMatchObject({
    reason: 'SUBGRAPH_RESPONSE_INVALID',
  })
  const packed = await clientOf(
    (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(long)),
    { responseLimit: 50_000 },
  )
  await expect(packed.post(headers, '{}')).rejects.toMatchObject({
    reason: 'SUBGRAPH_RESPONSE_INVALID',
  })
})

test('a subgraph that does not respond in time is a timeout', async () => {
  const client = await clientOf(() => {}, { timeout: 50 })
  await expect(client.post(headers, '{}')).rejects.toMatchObject({ reason: 'SUBGRAPH_TIMEOUT' })
})

test('a call ends when its signal does, and the subgraph sees the connection end', async () => {
  const control = new AbortController()
  let gone: () => void
  const left = new Promise<void>((resolve) => (gone = resolve))
  const client = await clientOf((request: IncomingMessage) => {
    request.socket.on('close', () => gone())
    control.abort()
  })
  const posting = client.post(headers, '{}', { signal: control.signal })
  await expect(posting).rejects.toMatchObject({ reason: 'SUBGRAPH_TIMEOUT' })
  await left
})

/** Breaks the connection of the first request. */
function breaksOnce(): RequestListener {
  let requests = 0
  return (request: IncomingMessage, response: ServerResponse) =>
    requests++ === 0 ? request.socket.destroy() : response.end(answer)
}

test('a query is sent again when the connection broke, a mutation is not', async () => {
  const query = await clientOf(breaksOnce())
  expect((await query.post(headers, '{}', { mayRetry: true })).status).toBe(200)
  const mutation = await clientOf(breaksOnce())
  await expect(mutation.post(headers, '{}')).rejects.toMatchObject({
    reason: 'SUBGRAPH_UNREACHABLE',
  })
})

/** Lets the first request time out as a server of Node does whose process has stalled. */
function timesOutOnce(requests: string[]): RequestListener {
  return (request, response) => {
    requests.push(`${request.socket.remotePort}`)
    if (requests.length > 1) return response.end(answer)
    request.socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n')
  }
}

test('a query that the subgraph did not receive in time (408) is sent again on another connection', async () => {
  const ports: string[] = []
  const client = await clientOf(timesOutOnce(ports))
  let retries = 0
  const span = { retried: () => retries++ } as unknown as CallSpan
  const response = await client.post(headers, '{}', { mayRetry: true, span })
  expect(bodyOf(response)).toEqual({ data: { word: 'grüße' } })
  expect([new Set(ports).size, ports.length, retries]).toEqual([2, 2, 1])
})

test.each([
  ['408', timesOutOnce([])],
  ['a connection that breaks', breaksOnce()],
])('after %s, a query has only the time that is left', async (_, once) => {
  const { now } = performance
  let requests = 0
  const client = await clientOf(
    (request, response) => {
      if (requests++ > 0) return
      jest.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 3_599_990)
      once(request, response)
    },
    { timeout: 3_600_000 },
  )
  const asked = client.post(headers, '{}', { mayRetry: true })
  await expect(asked.finally(() => jest.restoreAllMocks())).rejects.toMatchObject({
    reason: 'SUBGRAPH_TIMEOUT',
    cause: new Error('no complete response within 3600000 ms'),
  })
})

test('a mutation is not, and what remains is unreachable, with the reason', async () => {
  const ports: string[] = []
  const mutation = await (await clientOf(timesOutOnce(ports))).post(headers, '{}')
  expect(ports).toHaveLength(1)
  const always = await clientOf((_, response) => response.writeHead(408).end())
  const query = await always.post(headers, '{}', { mayRetry: true })
  for (const response of [mutation, query]) {
    expect(failureOfResponse(response, undefined)).toEqual({
      reason: 'SUBGRAPH_UNREACHABLE',
      why: expect.stringContaining('did not receive the complete request in time'),
    })
  }
})

test('traceparent is passed on', async () => {
  const seen: unknown[] = []
  const client = await clientOf((request: IncomingMessage, response) => {
    seen.push(request.headers.traceparent)
    response.end(answer)
  })
  await client.post(headers, '{}', { traceContext: { traceparent: '00-a-b-01' } })
  await client.post(headers, '{}')
  expect(seen).toEqual(['00-a-b-01', undefined])
})

test('a request that was not received in time is no success of a subgraph that fails', async () => {
  let requests = 0
  const listener: RequestListener = (request, response) =>
    requests++ % 2 === 0 ? response.writeHead(408).end() : request.socket.destroy()
  const client = await clientOf(listener, { circuitBreaker: { failures: 3, pause: 600_000 } })
  for (let count = 0; count < 5; count++) {
    const asked = client.post(headers, '{}', { mayRetry: true })
    await expect(asked).rejects.toMatchObject({ reason: 'SUBGRAPH_UNREACHABLE' })
  }
  expect(requests).toBe(6)
})

test('a subgraph that fails again and again is left alone, then tried by one call', async () => {
  let requests = 0
  let isUp = false
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    requests++
    if (isUp) response.end(answer)
    else request.socket.destroy()
  }
  const client = await clientOf(listener, { circuitBreaker: { failures: 3, pause: 60 } })
  const attempt = () =>
    client.post(headers, '{}').then(
      () => 'answered',
      () => 'failed',
    )
  for (let count = 0; count < 6; count++) expect(await attempt()).toBe('failed')
  expect(requests).toBe(3)
  isUp = true
  const deadline = performance.now() + 5_000
  while ((await attempt()) === 'failed' && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect(await attempt()).toBe('answered')
  expect(requests).toBe(5)
})

test('an open circuit lets one probe through, and a failed one opens it anew', () => {
  let time = 0
  const circuit = circuitBreaker({ failures: 1, pause: 10, now: () => time })
  circuit.failed()
  expect(circuit.allows()).toBe(false)
  time = 10
  expect([circuit.allows(), circuit.allows()]).toEqual([true, false])
  circuit.failed()
  time = 19
  expect(circuit.allows()).toBe(false)
  time = 20
  expect(circuit.allows()).toBe(true)
  circuit.succeeded()
  expect([circuit.allows(), circuit.allows()]).toEqual([true, true])
})

const large = JSON.stringify({ data: { word: 'grüße'.repeat(60_000) } })

test.each([0, -1])(
  'a large response whose length is known is read, %d bytes of it',
  async (more) => {
    const bytes = Buffer.from(large)
    const client = await clientOf((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, bytes.length + more))
      if (more === 0) response.end()
      else response.write('', () => response.socket!.end())
    })
    const reading = client
      .post(headers, '{}')
      .then(({ bytes: read }) => Buffer.from(read).equals(bytes))
    if (more === 0) expect(await reading).toBe(true)
    else await expect(reading).rejects.toMatchObject({ name: 'GatewayError' })
  },
)

test.each([
  [300_000, 'read'],
  [299_999, 'SUBGRAPH_RESPONSE_INVALID'],
  [300_001, 'SUBGRAPH_RESPONSE_INVALID'],
])('%d bytes where the head says 300,000: %s', async (length, outcome) => {
  const receiving = new Promise<RawResponse>((resolve, reject) => {
    const options = { timeout: 60_000, limit: 1_000_000, signal: undefined, ownsChunks: true }
    const receiver = new ResponseReceiver(resolve, reject, options)
    receiver.onConnect(() => {})
    receiver.onHeaders(200, [Buffer.from('Content-Length'), Buffer.from('300000')])
    for (let sent = 0; sent < length; sent += 1_000) {
      receiver.onData(Buffer.alloc(Math.min(1_000, length - sent), 'x'))
    }
    receiver.onComplete()
  })
  const read = await receiving.then(
    ({ body }) => (String(body) === 'x'.repeat(300_000) ? 'read' : 'other bytes'),
    ({ reason }: GatewayError) => reason,
  )
  expect(read).toBe(outcome)
})

test.each([
  ['whose length is known', { known: true, ownsChunks: true, size: 20_000 }, [0, 0, 20_000]],
  ['whose length is not known', { known: false, ownsChunks: true, size: 20_000 }, [0, 0, 20_000]],
  ['in small chunks', { known: true, ownsChunks: true, size: 15_000 }, [15_000, 15_000, 15_000]],
  ['by HTTP/2', { known: true, ownsChunks: false, size: 20_000 }, [20_000, 20_000, 20_000]],
])('a large response %s: what is left of its chunks', async (_, parts, left) => {
  const { known, ownsChunks, size } = parts
  // The parser gives the first chunk in two pieces.
  const chunks = ['a', 'b', 'c'].map((letter) => Buffer.alloc(size, letter))
  const receiving = new Promise<RawResponse>((resolve, reject) => {
    const options = { timeout: 60_000, limit: 1_000_000, signal: undefined, ownsChunks }
    const receiver = new ResponseReceiver(resolve, reject, options)
    receiver.onConnect(() => {})
    const length = [Buffer.from('content-length'), Buffer.from(String(3 * size))]
    receiver.onHeaders(200, known ? length : [])
    for (const chunk of chunks) {
      receiver.onData(chunk.subarray(0, 100))
      receiver.onData(chunk.subarray(100))
    }
    receiver.onComplete()
  })
  const { body } = await receiving
  expect(String(body)).toBe('a'.repeat(size) + 'b'.repeat(size) + 'c'.repeat(size))
  expect(chunks.map((chunk) => chunk.length)).toEqual(left)
})

test('memory that others have bytes in is not freed, and its response is read', async () => {
  // As Node.js marks the memory of its pool, which holds chunks that its streams join.
  const pool = new ArrayBuffer(64 * 1024)
  markAsUntransferable(pool)
  const other = Buffer.from(pool, 0, 5)
  other.write('other')
  const chunk = Buffer.from(pool, 100, 20_000).fill('a')
  const receiving = new Promise<RawResponse>((resolve, reject) => {
    const options = { timeout: 60_000, limit: 1_000_000, signal: undefined, ownsChunks: true }
    const receiver = new ResponseReceiver(resolve, reject, options)
    receiver.onConnect(() => {})
    receiver.onHeaders(200, [Buffer.from('content-length'), Buffer.from('20001')])
    receiver.onData(chunk)
    receiver.onData(Buffer.from('b'))
    receiver.onComplete()
  })
  const { body } = await receiving
  expect(String(body)).toBe(`${'a'.repeat(20_000)}b`)
  expect(String(other)).toBe('other')
})

test('HTTP/2 over TLS, with an authority and a client certificate of our own', async () => {
  const pem = (name: string) => readFileSync(new URL(`tls/${name}`, import.meta.url), 'utf8')
  const [certificate, key] = [pem('certificate.pem'), pem('key.pem')]
  const server = createSecureServer(
    { cert: certificate, key, ca: certificate, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      response.writeHead(200, { 'x-list': ['a', 'b'], 'x-acme': '1' })
      response.end(JSON.stringify({ data: { version: request.httpVersion } }))
    },
  )
  const port = await listening(server as unknown as Server)
  const url = `https://127.0.0.1:${port}/graphql`
  const readPassedHeaders = responseHeaders(
    [{ propagate: { named: ['x-list', 'x-acme'] } }],
    'not read',
  )
  const tls = { ca: certificate, certificate, key }
  const client = clientAt(url, { http2: true, tls, readPassedHeaders })
  const response = await client.post(headers, '{}')
  expect(bodyOf(response)).toEqual({ data: { version: '2.0' } })
  expect(response.passed).toMatchObject([
    { name: 'x-list', value: 'a, b' },
    { name: 'x-acme', value: '1' },
  ])
  const stranger = clientAt(url, { http2: true, tls: { ca: certificate } })
  await expect(stranger.post(headers, '{}')).rejects.toMatchObject({
    reason: 'SUBGRAPH_UNREACHABLE',
  })
})

test('identical concurrent queries are one request; each receiver reads its response', async () => {
  let calls = 0
  const fetch = deduplicatedRequests<{ request: object }>(
    async (_, request): Promise<SubgraphResult> => {
      calls++
      await new Promise((resolve) => setImmediate(resolve))
      return answered(request, { list: [1] })
    },
    ({ request }) => request,
  )
  const [one, other] = [{ request: {} }, { request: {} }]
  const read: string[] = []
  const query = (): SubgraphRequest => ({
    operationKind: 'query',
    body: '{}',
    readData(bytes, at) {
      read.push(Buffer.from(bytes.subarray(at, bytes.length - 1)).toString())
      return bytes.length - 1
    },
  })
  await Promise.all([
    fetch('a', query(), one),
    fetch('a', query(), one),
    fetch('a', query(), other),
    fetch('b', query(), one),
  ])
  expect(calls).toBe(3)
  expect(read).toEqual(Array(4).fill('{"list":[1]}'))
  const mutation = { ...query(), operationKind: 'mutation' } as const
  await Promise.all([fetch('a', mutation, one), fetch('a', mutation, one)])
  expect(calls).toBe(5)
  const reading = { ...query(), isAfterMutation: true } as const
  await Promise.all([fetch('a', reading, one), fetch('a', reading, one)])
  expect(calls).toBe(7)
})

function bodyOf({ bytes }: SubgraphResponse): unknown {
  const data: string[] = []
  const envelope = readEnvelope(bytes, (all, at) => {
    const end = valueEnd(all, at)
    data.push(Buffer.from(all.subarray(at, end)).toString())
    return end
  })
  return envelope && { data: JSON.parse(data.join()) }
}
