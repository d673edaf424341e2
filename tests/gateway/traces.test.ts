/** Traces through a real gateway, to a collector that reads OTLP, and to real subgraphs. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { describeProblem } from '../../gateway/configuration/config-problem.ts'
import { checkConfig, readConfig } from '../../gateway/configuration/read-config.ts'
import { traceSettings } from '../../gateway/process/trace-settings.ts'
import { sampling } from '../../gateway/telemetry/sampling.ts'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import { exportReport } from '../../gateway/telemetry/export-report.ts'
import { spanQueue } from '../../gateway/telemetry/span-queue.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { startCollector } from '../support/collector.ts'
import type { CollectedSpan, Collector } from '../support/collector.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const graphSdl = `
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"])
  type Query {
    one(text: String): Int
    held: Int
    broken: Int
    flaky: Int
    gone: Int
    secret: Int @requiresScopes(scopes: [["secrets:read"]])
  }
`
const otherSdl = 'type Query { two: Int }'

/** What the subgraphs received. */
const calls: { readonly subgraph: string; readonly headers: IncomingHttpHeaders }[] = []
const held: (() => void)[] = []
let failures = 0

const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  const subgraph = request.url!.slice(1).split('?')[0]!
  calls.push({ subgraph, headers: request.headers })
  const isLost = body.includes('gone') || (body.includes('flaky') && failures++ === 0)
  if (isLost) return void request.socket.destroy()
  const field = ['one', 'two', 'held', 'broken', 'flaky'].filter((name) => body.includes(name))
  const data = Object.fromEntries(field.map((name) => [name, name === 'broken' ? null : 1]))
  const errors = body.includes('broken')
    ? [{ message: 'canary of a subgraph', path: ['broken'] }]
    : undefined
  const send = () =>
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ data, ...(errors ? { errors } : {}) }))
  if (body.includes('held')) held.push(send)
  else send()
})

let issuer: TestIssuer
let collector: Collector
let gateway: RunningGateway

beforeAll(async () => {
  issuer = await startIssuer()
  collector = await startCollector()
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  gateway = await startedGateway('ratio: 1')
})
afterAll(async () => {
  held.splice(0).forEach((release) => release())
  await gateway?.close()
  await collector?.close()
  server.closeAllConnections()
  server.close()
  await issuer?.close()
})
afterEach(() => {
  collector.spans.length = 0
  calls.length = 0
  failures = 0
})

interface GatewayOptions {
  readonly more?: string
  readonly proxies?: string
  readonly environment?: Record<string, string>
}

/** @param traces settings of `telemetry.traces` besides the endpoint; undefined: the section is missing */
function startedGateway(
  traces: string | undefined,
  { more = '', proxies = '[loopback]', environment = {} }: GatewayOptions = {},
): Promise<RunningGateway> {
  const { port } = server.address() as AddressInfo
  const url = (name: string) => `http://127.0.0.1:${port}/${name}?key=canary-of-a-url`
  return runGateway(
    [
      { name: 'graph', url: url('graph'), sdl: graphSdl },
      { name: 'other', url: url('other'), sdl: otherSdl },
    ],
    `authentication:
  issuers:
    - { issuer: ${issuer.issuer}, jwks_uri: ${issuer.jwksUri}, audiences: [portcullis], algorithms: [ES256] }
http: { trusted_proxies: ${proxies} }
telemetry:
  access_log: { sample: 1 }
${traces === undefined ? '' : `  traces: { endpoint: '${collector.url}', ${traces} }`}
${more}
`,
    { environment: { OTEL_BSP_SCHEDULE_DELAY: '10', ...environment } },
  )
}

const folder = scratchFolder()

/** Returns the file with that text, which names an issuer besides. */
function configFile(text: string): string {
  const path = join(folder, 'gateway.yaml')
  const issuers = [{ issuer: 'https://id.example.com', discovery: true, audiences: ['portcullis'] }]
  writeFileSync(path, `${stringify({ authentication: { issuers } })}\n${text}\n`)
  return path
}

function problemsOf(text: string): string {
  const reading = checkConfig(configFile(text), {})
  return reading.outcome === 'invalid' ? reading.problems.map(describeProblem).join() : ''
}

function settingsOf(text: string, environment: Record<string, string>) {
  const settings = readSettings(environment)
  const traces = traceSettings(readConfig(configFile(text), {}), settings)
  settings.refuseProblems()
  return traces
}

type ExportResultCallback = Parameters<SpanExporter['export']>[1]

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'
const recorded = `00-${trace}-${parent}-01`
const notRecorded = `00-${trace}-${parent}-00`

async function post(
  body: unknown,
  headers: Record<string, string> = {},
  to = gateway,
): Promise<{ status: number; body: any }> {
  const response = await fetch(to.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}

/** Returns the spans of the next request that is complete: the span of the request ends last. */
async function spansOf(number = 1): Promise<readonly CollectedSpan[]> {
  await until(() => collector.spans.filter(({ kind }) => kind === 'SERVER').length >= number)
  return collector.spans
}

const named = (spans: readonly CollectedSpan[], name: string) =>
  spans.filter((span) => span.name === name)

async function caller(claims: Record<string, unknown> = {}): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await issuer.accessToken(claims)}` }
}

describe('the spans of a request', () => {
  test('are its steps and its calls to subgraphs, all below the span of the request', async () => {
    const { body } = await post({ query: 'query Both { one two }' }, await caller())
    expect(body).toEqual({ data: { one: 1, two: 1 } })
    const spans = await spansOf()
    const [request] = named(spans, 'POST /graphql')
    expect(request).toMatchObject({
      kind: 'SERVER',
      status: { code: 0 },
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/graphql',
        'http.response.status_code': 200,
        'url.scheme': 'http',
        'graphql.operation.type': 'query',
        'graphql.operation.name': 'Both',
        'portcullis.outcome': 'ok',
      },
      resource: { 'service.name': 'portcullis', 'telemetry.sdk.language': 'nodejs' },
    })
    expect(request!.parentSpanId).toBeUndefined()
    expect(request!.attributes).not.toHaveProperty('error.type')
    const below = spans.filter((span) => span !== request)
    expect(below.map(({ name }) => name).sort()).toEqual(
      [
        'POST',
        'POST',
        'authenticate',
        'graphql.authorize',
        'graphql.plan',
        'graphql.prepare',
      ].sort(),
    )
    for (const span of below) {
      expect(span).toMatchObject({ traceId: request!.traceId, parentSpanId: request!.spanId })
      expect(BigInt(span.startTimeUnixNano)).toBeGreaterThanOrEqual(
        BigInt(request!.startTimeUnixNano),
      )
      expect(BigInt(span.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(request!.endTimeUnixNano))
    }
    const outgoing = named(spans, 'POST')
    expect(outgoing.map(({ attributes }) => attributes['portcullis.subgraph']).sort()).toEqual([
      'graph',
      'other',
    ])
    for (const { kind, attributes } of outgoing) {
      expect(kind).toBe('CLIENT')
      expect(attributes).toMatchObject({
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
        'server.port': (server.address() as AddressInfo).port,
        'graphql.operation.type': 'query',
        'portcullis.shared': false,
      })
      expect(attributes['url.full']).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/(graph|other)$/)
    }
  })

  test('say where authentication and planning had their results', async () => {
    const headers = await caller()
    const query = 'query Twice { one }'
    for (const number of [1, 2]) {
      await post({ query }, headers)
      await spansOf(number)
    }
    const cache = (name: string) =>
      named(collector.spans, name).map(({ attributes }) => attributes['portcullis.cache'])
    expect(cache('authenticate')).toEqual(['miss', 'hit'])
    expect(cache('graphql.plan')).toEqual(['miss', 'hit'])
    expect(named(collector.spans, 'authenticate')[0]!.attributes).toMatchObject({
      'portcullis.issuer': issuer.issuer,
      'portcullis.authentication.outcome': 'accepted',
    })
  })

  test.each([
    ['{ one }', 'allowed', undefined],
    ['{ one secret }', 'reduced', 1],
    ['{ secret }', 'denied', 1],
  ])('of %s say that it is %s', async (query, outcome, denied) => {
    await post({ query })
    const spans = await spansOf()
    expect(named(spans, 'graphql.authorize')[0]!.attributes).toMatchObject({
      'portcullis.authorization.outcome': outcome,
    })
    const [request] = named(spans, 'POST /graphql')
    expect(request!.attributes['portcullis.denied_fields']).toBe(denied)
    expect(named(spans, 'authenticate')[0]!.attributes).toMatchObject({
      'portcullis.authentication.outcome': 'anonymous',
    })
  })

  test.each([
    [
      'an access token that is refused',
      { query: '{ one }' },
      { authorization: 'Bearer not.a.token' },
      401,
      'TOKEN_MALFORMED',
      ['authenticate'],
    ],
    ['a request that cannot be read', 'text', {}, 400, 'BAD_REQUEST', ['authenticate']],
    [
      'a document that is not valid',
      { query: '{ nothing }' },
      {},
      400,
      'GRAPHQL_VALIDATION_FAILED',
      ['authenticate', 'graphql.prepare'],
    ],
    ['a body that is too large', 'x'.repeat(200_000), {}, 413, 'PAYLOAD_TOO_LARGE', []],
  ])('of %s say why', async (_what, body, headers, status, reason, steps) => {
    expect((await post(body, headers as Record<string, string>)).status).toBe(status)
    const spans = await spansOf()
    const [request] = named(spans, 'POST /graphql')
    expect(request!.attributes).toMatchObject({
      'http.response.status_code': status,
      'error.type': reason,
      'portcullis.outcome': 'refused',
    })
    // The fault is the client's.
    expect(request!.status.code).toBe(0)
    expect(spans.filter((span) => span !== request).map(({ name }) => name)).toEqual(steps)
    const last = steps.at(-1)
    if (last && reason !== 'BAD_REQUEST')
      expect(named(spans, last)[0]!.attributes['error.type']).toBe(reason)
  })

  test('of a call that had to be sent twice say so', async () => {
    expect((await post({ query: '{ flaky }' })).body).toEqual({ data: { flaky: 1 } })
    const [call] = named(await spansOf(), 'POST')
    expect(call!.attributes).toMatchObject({ 'http.request.resend_count': 1 })
    expect(calls).toHaveLength(2)
  })

  test('of a subgraph that is gone say so, also where the circuit breaker is open', async () => {
    const breaking = await startedGateway('ratio: 1', {
      more: 'subgraphs: { all: { circuit_breaker: { failures: 1, pause: 10m } } }',
    })
    for (const number of [1, 2]) {
      await post({ query: '{ gone }' }, {}, breaking)
      await spansOf(number)
    }
    expect(named(collector.spans, 'POST')).toMatchObject(
      [1, 2].map(() => ({
        status: { code: 2 },
        attributes: { 'error.type': 'SUBGRAPH_UNREACHABLE', 'portcullis.shared': false },
      })),
    )
    // The second request did not reach it: the first was sent twice.
    expect(calls).toHaveLength(2)
    await breaking.close()
  })

  test('of a subgraph that fails have its reason', async () => {
    await post({ query: '{ broken }' })
    const spans = await spansOf()
    expect(named(spans, 'POST /graphql')[0]!.attributes).toMatchObject({
      'error.type': 'SUBGRAPH_ERROR',
      'portcullis.outcome': 'error',
    })
  })

  test('have the attributes of the deployment', async () => {
    const attributed = await startedGateway(
      "ratio: 1, headers: { x-key: 'of the collector' }, attributes: { deployment.environment.name: staging }",
    )
    await post({ query: '{ one }' }, {}, attributed)
    const [span] = await spansOf()
    expect(span!.resource).toMatchObject({ 'deployment.environment.name': 'staging' })
    expect(collector.requests.at(-1)).toMatchObject({
      path: '/v1/traces',
      headers: { 'x-key': 'of the collector', 'content-type': 'application/json' },
    })
    await attributed.close()
  })
})

describe('the span of a response in parts', () => {
  test('ends with the last part, and has the calls for the later ones below it', async () => {
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'multipart/mixed;deferSpec=20220824, application/json',
      },
      body: JSON.stringify({ query: 'query Later { two ... @defer { held broken } }' }),
    })
    const reader = response.body!.getReader()
    let text = ''
    const read = async () => {
      const { value, done } = await reader.read()
      text += Buffer.from(value ?? []).toString()
      return !done
    }
    while (!text.includes('"two":1')) await read()
    await until(() => held.length === 1 && collector.spans.length >= 5)
    expect(named(collector.spans, 'POST /graphql')).toEqual([])
    held.shift()!()
    while (await read());
    expect(text).toContain('"held":1')

    const spans = await spansOf()
    const [request] = named(spans, 'POST /graphql')
    expect(request!.attributes).toMatchObject({
      'graphql.operation.name': 'Later',
      'http.response.status_code': 200,
      'portcullis.outcome': 'error',
      'error.type': 'SUBGRAPH_ERROR',
    })
    expect(named(spans, 'graphql.plan')).toHaveLength(1)
    const below = named(spans, 'POST')
    expect(below.map(({ attributes }) => attributes['portcullis.subgraph'])).toEqual([
      'other',
      'graph',
    ])
    for (const span of below) {
      expect(span).toMatchObject({ traceId: request!.traceId, parentSpanId: request!.spanId })
      expect(BigInt(span.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(request!.endTimeUnixNano))
    }
    expect(calls.at(-1)!.headers.traceparent).toContain(request!.traceId)
  })

  test('ends when its client leaves between two parts', async () => {
    const leaving = new AbortController()
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'multipart/mixed;deferSpec=20220824, application/json',
      },
      body: JSON.stringify({ query: '{ two ... @defer { held } }' }),
      signal: leaving.signal,
    })
    await response.body!.getReader().read()
    await until(() => held.length === 1)
    leaving.abort()
    const [request] = named(await spansOf(), 'POST /graphql')
    expect(request!.attributes).toMatchObject({ 'portcullis.outcome': 'aborted' })
    held.splice(0)
  })
})

describe('a trace goes on', () => {
  test('in the subgraph, below the span of the call, and in the access log', async () => {
    await post(
      { query: '{ one }' },
      { traceparent: recorded, tracestate: 'vendor=1', baggage: 'a=b' },
    )
    const spans = await spansOf()
    const [request] = named(spans, 'POST /graphql')
    expect(request).toMatchObject({ traceId: trace, parentSpanId: parent, traceState: 'vendor=1' })
    const [call] = named(spans, 'POST')
    expect(calls[0]!.headers).toMatchObject({
      traceparent: `00-${trace}-${call!.spanId}-01`,
      tracestate: 'vendor=1',
    })
    expect(calls[0]!.headers).not.toHaveProperty('baggage')
    expect(JSON.parse(gateway.accessLog.at(-1)!)).toMatchObject({ trace })
  })

  test('from the gateway where none came: the access log has its id', async () => {
    await post({ query: '{ one }' })
    const [span] = await spansOf()
    expect(JSON.parse(gateway.accessLog.at(-1)!)).toMatchObject({ trace: span!.traceId })
    expect(calls[0]!.headers.traceparent).toContain(span!.traceId)
  })

  test('for two callers who share a call: one request, and the other span says that it shares', async () => {
    const traces = ['1', '2'].map((digit) => digit.repeat(32))
    const sharing = await startedGateway('ratio: 1', {
      more: 'subgraphs: { all: { share: true } }',
    })
    const responses = traces.map((id) =>
      post({ query: '{ held }' }, { traceparent: `00-${id}-${parent}-01` }, sharing),
    )
    await until(() => held.length > 0)
    // One round trip more: what was to reach the subgraph has reached it.
    await post({ query: '{ two }' }, { traceparent: notRecorded }, sharing)
    held.splice(0).forEach((release) => release())
    for (const { body } of await Promise.all(responses)) expect(body).toEqual({ data: { held: 1 } })
    const shared = named(await spansOf(2), 'POST').map(({ traceId, spanId, attributes }) => ({
      traceId,
      spanId,
      shared: attributes['portcullis.shared'],
    }))
    expect(shared.map(({ shared }) => shared).sort()).toEqual([false, true])
    const sender = shared.find(({ shared }) => !shared)!
    expect(calls.filter(({ subgraph }) => subgraph === 'graph')).toMatchObject([
      { headers: { traceparent: `00-${sender.traceId}-${sender.spanId}-01` } },
    ])
    await sharing.close()
  })
})

describe('which requests are traced', () => {
  test('is what a trusted proxy says, and the others are told that they are not', async () => {
    const none = await startedGateway('ratio: 0')
    await post({ query: '{ one }' }, {}, none)
    await post({ query: '{ one }' }, { traceparent: notRecorded, tracestate: 'vendor=1' }, none)
    await post({ query: '{ one }' }, { traceparent: recorded }, none)
    const traceparents = calls.map(({ headers }) => String(headers.traceparent))
    expect(traceparents[0]).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/)
    expect(traceparents[1]).toBe(notRecorded)
    expect(calls[1]!.headers.tracestate).toBe('vendor=1')
    const spans = await spansOf()
    expect(traceparents[2]).toBe(`00-${trace}-${named(spans, 'POST')[0]!.spanId}-01`)
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([trace]))
    expect(none.accessLog.map((line) => JSON.parse(line).trace)).toEqual([undefined, trace, trace])
    await none.close()
  })

  test.each(['0', '[10.0.0.0/8]'])(
    'is not what a client says: trusted proxies %s',
    async (proxies) => {
      const untrusting = await startedGateway('ratio: 0', { proxies })
      await post({ query: '{ one }' }, { traceparent: recorded }, untrusting)
      // Another flag needs another parent id.
      expect(calls[0]!.headers.traceparent).toMatch(
        new RegExp(`^00-${trace}-(?!${parent}).{16}-00$`),
      )
      await untrusting.close()
      expect(collector.spans).toEqual([])
    },
  )

  const random = () => 0.3
  const low = { traceparent: `00-${'f'.repeat(19)}${'1'.repeat(13)}-${parent}-00` }
  const high = { traceparent: `00-${'1'.repeat(19)}${'f'.repeat(13)}-${parent}-01` }

  test.each([
    { of: 'without a trace', brought: undefined, isTrusted: true, ratio: 0.31, sampled: true },
    { of: 'without a trace', brought: undefined, isTrusted: true, ratio: 0.29, sampled: false },
    { of: 'of a client', brought: high, isTrusted: false, ratio: 0.31, sampled: true },
    { of: 'of a client', brought: low, isTrusted: false, ratio: 0.29, sampled: false },
    { of: 'of a proxy', brought: low, isTrusted: true, ratio: 1, sampled: false },
    { of: 'of a proxy', brought: high, isTrusted: true, ratio: 0, sampled: true },
    { of: 'of a proxy', brought: low, isTrusted: true, parent: false, ratio: 0.1, sampled: true },
    { of: 'of a proxy', brought: high, isTrusted: true, parent: false, ratio: 0.9, sampled: false },
    { of: 'of a proxy', brought: high, isTrusted: true, parent: false, ratio: 1, sampled: true },
    { of: 'of a proxy', brought: low, isTrusted: true, parent: false, ratio: 0, sampled: false },
  ])('$of, ratio $ratio: $sampled', ({ brought, isTrusted, ratio, parent = true, sampled }) => {
    expect(sampling({ ratio, parent, random })(brought, isTrusted)).toBe(sampled)
  })
})

describe('without traces', () => {
  test.each([
    ['no endpoint', undefined, {}],
    ['OTEL_SDK_DISABLED', 'ratio: 1', { OTEL_SDK_DISABLED: 'true' }],
  ])(
    '(%s) nothing is exported, and a trace is passed on as it came',
    async (_why, traces, environment) => {
      const off = await startedGateway(traces, { environment })
      await post({ query: '{ one }' }, {}, off)
      await post({ query: '{ two }' }, { traceparent: recorded, tracestate: 'vendor=1' }, off)
      await off.close()
      expect(calls[0]!.headers).not.toHaveProperty('traceparent')
      expect(calls[1]!.headers).toMatchObject({ traceparent: recorded, tracestate: 'vendor=1' })
      expect(collector.spans).toEqual([])
    },
  )
})

test('a tracestate is passed on only with a well-formed traceparent, and at most 512 characters of it', async () => {
  for (const headers of [
    { tracestate: 'vendor=1' },
    { traceparent: 'anything; else', tracestate: 'vendor=1' },
    { traceparent: recorded, tracestate: `vendor=${'1'.repeat(506)}` },
  ])
    await post({ query: '{ one }' }, headers)
  expect(calls).toHaveLength(3)
  for (const { headers } of calls) expect(headers).not.toHaveProperty('tracestate')
})

test('nothing secret reaches the collector', async () => {
  const canary = 'canary-of-a'
  const token = await issuer.accessToken({ sub: `${canary}-subject`, name: `${canary}-name` })
  const headers = {
    cookie: `session=${canary}-cookie`,
    'x-forwarded-for': '203.0.113.77',
    'user-agent': `${canary}-browser`,
    'apollographql-client-name': `${canary}-client`,
    baggage: `key=${canary}-baggage`,
    referer: `https://example.com/${canary}-page`,
  }
  const bodies = [
    'query ($text: String) { one(text: $text) }',
    `query ($text: String) { canaryOfAnAlias: one(text: "${canary}-literal") b: one(text: $text) broken }`,
    'query ($text: String) { canaryOfAnAlias: secret one(text: $text) }',
    `query ($text: Int) { one(text: "${canary}-literal") }`,
    `{ nothing(text: "${canary}-literal") }`,
    `{ one(text: "${canary}-literal }`,
  ].map((query) => ({
    query,
    variables: { text: `${canary}-variable` },
    extensions: { extension: `${canary}-extension` },
  }))
  let sent = 0
  for (const body of [...bodies, `${canary}-body`]) {
    for (const authorization of [
      `Bearer ${token}`,
      `Bearer ${canary}.bad.token`,
      `Basic ${canary}`,
    ]) {
      await post(body, { ...headers, authorization })
      sent++
    }
  }
  await spansOf(sent)
  const exported = collector.received.join('')
  expect(exported).toContain('graphql.prepare')
  for (const secret of [canary, 'canaryOfAnAlias', '203.0.113', token, token.split('.')[2]!])
    expect(exported).not.toContain(secret)
})

describe('a collector that takes nothing', () => {
  test('costs a bounded number of spans: the others are counted', async () => {
    const lost: Record<string, number> = {}
    const batches: ExportResultCallback[] = []
    const queue = spanQueue({
      exporter: { export: (_spans, done) => void batches.push(done), shutdown: async () => {} },
      exportDelay: 60_000,
      mostWaiting: 600,
      onLost: (loss, spans) => (lost[loss] = (lost[loss] ?? 0) + spans),
      onExported: () => {},
    })
    for (let count = 0; count < 10_000; count++) queue.onEnd({} as ReadableSpan)
    // 512 are being exported, 600 wait.
    expect(lost).toEqual({ queue_full: 10_000 - 512 - 600 })
    expect(batches).toHaveLength(1)
    batches[0]!({ code: 1, error: new Error('no') })
    await until(() => batches.length === 2)
    expect(lost).toMatchObject({ export_failed: 512 })
    batches[1]!({ code: 0 })
    const stopped = queue.shutdown()
    await until(() => batches.length === 3)
    batches[2]!({ code: 0 })
    await stopped
    expect(lost).toEqual({ queue_full: 10_000 - 512 - 600, export_failed: 512 })
  })

  test('or whose response does not end, holds up no later export', async () => {
    const errors: (string | undefined)[] = []
    const batches: ExportResultCallback[] = []
    const queue = spanQueue({
      exporter: { export: (_spans, done) => void batches.push(done), shutdown: async () => {} },
      exportDelay: 1,
      mostWaiting: 600,
      longestExport: 1,
      onLost: (_loss, _spans, error) => errors.push(error?.message),
      onExported: () => errors.push('exported'),
    })
    queue.onEnd({} as ReadableSpan)
    await until(() => errors.length === 1)
    batches[0]!({ code: 0 })
    queue.onEnd({} as ReadableSpan)
    await until(() => errors.length === 2)
    expect(errors).toEqual(['no complete response in time', 'no complete response in time'])
    expect(batches).toHaveLength(2)
  })

  test('is one line of the log, and one when it takes spans again', () => {
    const { log, lines } = recordedLog()
    let time = 0
    const report = exportReport(log, () => time)
    report.exported()
    for (let count = 0; count < 100; count++) report.lost('export_failed', 5, new Error('refused'))
    report.exported()
    report.lost('queue_full', 1)
    time = 10_001
    report.exported()
    report.exported()
    report.lost('queue_full', 1)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 40, reason: 'refused' },
      { level: 30, lost: 501 },
      { level: 40, reason: 'queue_full' },
    ])
  })
})

test('settings that cannot be used are refused with what to do', async () => {
  for (const [traces, message] of [
    ["endpoint: 'http://user:password@collector'", 'give credentials in headers'],
    ['endpoint: collector:4318', 'expected an http or https URL'],
    ['ratio: 2', 'expected a number from 0 to 1'],
    ["headers: { 'a b': c }", 'expected the name of an HTTP header'],
    ['rate: 1', 'rate'],
  ])
    expect(problemsOf(`telemetry: { traces: { ${traces} } }`)).toContain(message)
  const refused = (environment: Record<string, string>) => () =>
    settingsOf('', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', ...environment })
  expect(refused({ OTEL_TRACES_SAMPLER: 'sometimes' })).toThrow(
    'OTEL_TRACES_SAMPLER is "sometimes"',
  )
  expect(refused({ OTEL_TRACES_SAMPLER_ARG: '2' })).toThrow('expected a number from 0 to 1')
  expect(refused({ OTEL_EXPORTER_OTLP_ENDPOINT: '127.0.0.1' })).toThrow('an http or https URL')
  expect(refused({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow('http/json')
})

test.each([
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318' },
    { endpoint: 'http://a:4318/v1/traces', ratio: 0.05, parent: true },
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318/otlp/' },
    { endpoint: 'http://a:4318/otlp/v1/traces' },
  ],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://a:4318/x' }, { endpoint: 'http://a:4318/x' }],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_TRACES_SAMPLER: 'always_on' },
    { ratio: 1, parent: false },
  ],
  [
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
    },
    { ratio: 0.5, parent: false },
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
    { ratio: 0, parent: true },
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' },
    { ratio: 1, parent: true },
  ],
])('%j means what OpenTelemetry says', (environment, expected) => {
  expect(settingsOf('', environment)).toMatchObject(expected)
})

test.each([
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_TRACES_EXPORTER: 'none' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_SDK_DISABLED: 'TRUE' },
  { OTEL_TRACES_SAMPLER: 'always_on' },
])('%j: there are no traces', (environment) => {
  expect(settingsOf('', environment)).toBeUndefined()
})

test('gateway.yaml takes precedence over the environment', () => {
  const text = "telemetry: { traces: { endpoint: 'http://b:4318', ratio: 0.2, parent: 'true' } }"
  expect(
    settingsOf(text, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_TRACES_SAMPLER: 'always_on' }),
  ).toMatchObject({ endpoint: 'http://b:4318/v1/traces', ratio: 0.2, parent: true })
})
