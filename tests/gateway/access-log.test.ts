/** The access log and the request id, through a real gateway to a real subgraph and back. */
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { subjectPseudonyms } from '../../gateway/telemetry/subject-pseudonym.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { currentRequestId, serveSubgraph } from '../../subgraphs/kit/index.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'

const sdl = `
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"])
  type Query {
    requestId: String
    echo(text: String): String
    broken: String
    slow: String
    secret: String @requiresScopes(scopes: [["secrets:read"]])
  }
`

let issuer: TestIssuer
let subgraph: RunningProcess
let gateway: RunningGateway
const ofSubgraph = recordedLog()
let finishSlow = () => {}
let isSlowUnderWay = false

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = await serveSubgraph({
    name: 'graph',
    typeDefs: sdl,
    resolvers: {
      Query: {
        requestId: () => currentRequestId(),
        echo: (_parent, { text }) => text,
        broken: () => {
          throw Object.assign(new Error('a fault'), { parameters: [canaries.variable] })
        },
        slow: () => {
          isSlowUnderWay = true
          return new Promise<string>((resolve) => (finishSlow = () => resolve('at last')))
        },
        secret: () => 'the secret',
      },
    },
    keys: [deriveClaimsKey(gatewaySecret, 'graph')],
    host: '127.0.0.1',
    port: 0,
    log: ofSubgraph.log,
  })
  gateway = await startedGateway('telemetry: { access_log: { sample: 1 } }')
})
afterAll(async () => {
  finishSlow()
  await gateway?.close()
  await subgraph?.close()
  await issuer?.close()
})
afterEach(() => {
  ;(gateway.accessLog as string[]).length = 0
})

function startedGateway(
  config: string,
  http = 'trusted_proxies: [loopback]',
): Promise<RunningGateway> {
  return runGateway(
    [{ name: 'graph', url: subgraph.url, sdl }],
    `authentication:
  issuers:
    - { issuer: ${issuer.issuer}, jwks_uri: ${issuer.jwksUri}, audiences: [portcullis], algorithms: [ES256] }
http: { ${http} }
${config}
`,
  )
}

/** What must be in no line of any process. */
const canaries = {
  variable: 'canary-of-a-variable',
  literal: 'canary-of-a-literal',
  cookie: 'canary-of-a-cookie',
  extension: 'canary-of-an-extension',
  badToken: 'canary.of.a-token',
  alias: 'canaryOfAnAlias',
  address: '203.0.113.77',
}

interface Sent {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: any
}

function post(
  body: unknown,
  headers: Record<string, string> = {},
  to = gateway,
  signal?: AbortSignal,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      ...(signal ? { signal } : {}),
    }
    httpRequest(to.url, options)
      .on('error', reject)
      .on('response', async (response) => {
        let text = ''
        for await (const chunk of response.setEncoding('utf8')) text += chunk
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body: JSON.parse(text) })
      })
      .end(JSON.stringify(body))
  })
}

const lines = (of = gateway) => of.accessLog.map((line) => JSON.parse(line))

async function caller(claims: Record<string, unknown> = {}): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await issuer.accessToken(claims)}` }
}

describe('the request id', () => {
  test('of a trusted proxy goes to the subgraph, into every line of the log, and back', async () => {
    const id = 'Root=1-67891233-abcdef012345678912345678'
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    const traceparent = `00-${trace}-00f067aa0ba902b7-01`
    const { headers, body } = await post(
      { query: '{ requestId broken secret }' },
      { 'x-request-id': id, traceparent },
    )
    expect(headers['x-request-id']).toBe(id)
    expect(body.data).toMatchObject({ requestId: id })
    expect(lines()).toMatchObject([{ requestId: id }])
    const about = (log: readonly string[], message: string) =>
      log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === message)
    expect(about(ofSubgraph.lines, 'unforeseen error')).toMatchObject([{ requestId: id, trace }])
    expect(about(gateway.log, 'subgraph reported errors')).toMatchObject([{ requestId: id }])
    expect(about(gateway.log, 'fields denied')).toMatchObject([{ requestId: id }])
  })

  test('is in the line of a refused access token', async () => {
    const { headers } = await post(
      { query: '{ requestId }' },
      { authorization: 'Bearer not.a.token' },
    )
    const refused = gateway.log.map((line) => JSON.parse(line)).filter(({ reason }) => reason)
    expect(refused.at(-1)).toMatchObject({ requestId: headers['x-request-id'] })
  })

  test.each([
    ['GET', '/nowhere', 404],
    ['GET', '/health', 200],
    ['GET', '/ready', 200],
    ['GET', '/graphql', 400],
    ['PUT', '/graphql', 405],
    ['OPTIONS', '/graphql', 405],
    ['POST', '/%', 404],
  ])('is in the response to %s %s', async (method, path, status) => {
    const response = await fetch(`${gateway.origin}${path}`, {
      method,
      headers: { 'x-request-id': 'theirs' },
    })
    expect(response.status).toBe(status)
    expect(response.headers.get('x-request-id')).toBe('theirs')
  })

  test('is in the response to what is no HTTP request', async () => {
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname).end('no HTTP\r\n\r\n')
    let response = ''
    for await (const chunk of socket.setEncoding('utf8')) response += chunk
    expect(response).toMatch(
      /^HTTP\/1.1 400 Bad Request\r\n[^]*\r\nx-request-id: [0-9a-f-]{36}\r\n/,
    )
  })

  test.each(['', 'has spaces', 'quote"', 'x'.repeat(129), 'line;break'])(
    '%j is replaced by one of our own',
    async (id) => {
      const { headers, body } = await post({ query: '{ requestId }' }, { 'x-request-id': id })
      expect(headers['x-request-id']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      expect(body.data.requestId).toBe(headers['x-request-id'])
    },
  )

  test.each(['trusted_proxies: 0', 'trusted_proxies: [10.0.0.0/8]'])(
    'of a sender that is not a trusted proxy is replaced: %s',
    async (http) => {
      const open = await startedGateway('', http)
      const { headers } = await post({ query: '{ requestId }' }, { 'x-request-id': 'theirs' }, open)
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
      await open.close()
    },
  )
})

describe('the line', () => {
  test('of a successful request has every field', async () => {
    const query = 'query Mine($text: String) { echo(text: $text) }'
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    const { body } = await post(
      { query, variables: { text: 'hello' } },
      {
        ...(await caller({ sub: 'alice' })),
        'apollographql-client-name': `Shop ü ${'x'.repeat(100)}`,
        'graphql-client-version': '1.4.2',
        traceparent: `00-${trace}-00f067aa0ba902b7-01`,
        'x-forwarded-for': '203.0.113.77',
      },
    )
    expect(body).toEqual({ data: { echo: 'hello' } })
    const [line] = lines()
    expect(line).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      requestId: expect.any(String),
      operation: 'Mine',
      type: 'query',
      hash: createHash('sha256').update(query).digest('hex').slice(0, 16),
      sub: expect.stringMatching(/^[0-9a-f]{16}$/),
      issuer: issuer.issuer,
      client: expect.stringMatching(/^Shop .{0,3} x{50,60}$/),
      version: '1.4.2',
      network: '203.0.113.0/24',
      status: 200,
      outcome: 'ok',
      ms: expect.any(Number),
      upstreamMs: expect.any(Number),
      calls: 1,
      bytes: 26,
      denied: 0,
      trace,
    })
    expect(line.client).toHaveLength(64)
    expect(line.upstreamMs).toBeGreaterThan(0)
    expect(line.upstreamMs).toBeLessThanOrEqual(line.ms)
  })

  test('names the same subject with the same pseudonym, and another with another', async () => {
    for (const sub of ['alice', 'alice', 'bob'])
      await post({ query: '{ requestId }' }, await caller({ sub, jti: Math.random().toString() }))
    const [first, again, other] = lines().map(({ sub }) => sub)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
  })

  test('has a hash that does not depend on literals: a password could be guessed by it', async () => {
    for (const text of ['one', 'two']) await post({ query: `{ echo(text: "${text}") }` })
    const [one, two] = lines()
    expect(one.hash).toMatch(/^[0-9a-f]{16}$/)
    expect(two.hash).toBe(one.hash)
  })

  test.each([
    [
      'a denied field',
      '{ requestId secret }',
      { status: 200, outcome: 'denied', denied: 1, reason: 'UNAUTHORIZED_FIELD_OR_TYPE', calls: 1 },
    ],
    [
      'an operation of which nothing is left',
      '{ secret }',
      { status: 200, outcome: 'denied', denied: 1, reason: 'UNAUTHENTICATED', calls: 0 },
    ],
    [
      'an error of a subgraph',
      '{ broken }',
      { status: 200, outcome: 'error', reason: 'SUBGRAPH_ERROR', calls: 1 },
    ],
    [
      'a document that is not valid',
      '{ nothing }',
      { status: 400, outcome: 'refused', reason: 'GRAPHQL_VALIDATION_FAILED', calls: 0 },
    ],
  ])('of %s says so', async (_what, query, expected) => {
    await post({ query })
    expect(lines()).toMatchObject([expected])
  })

  test('of a request that is refused (401) says why', async () => {
    await post({ query: '{ requestId }' }, { authorization: 'Bearer not.a.token' })
    expect(lines()).toMatchObject([
      { status: 401, outcome: 'refused', reason: 'TOKEN_MALFORMED', calls: 0, denied: 0 },
    ])
    expect(lines()[0]).not.toHaveProperty('operation')
  })

  test('of a body that is too large says so, with the id that the client gets', async () => {
    const { status, headers } = await post({ query: '{ requestId }', more: 'x'.repeat(200_000) })
    expect(status).toBe(413)
    expect(lines()).toMatchObject([
      {
        status: 413,
        outcome: 'refused',
        reason: 'PAYLOAD_TOO_LARGE',
        requestId: headers['x-request-id'],
      },
    ])
  })

  test('of a request whose client went away says that it was aborted', async () => {
    const leaving = new AbortController()
    const asked = post({ query: '{ slow }' }, {}, gateway, leaving.signal).catch(() => 'gone')
    await until(() => isSlowUnderWay)
    leaving.abort()
    expect(await asked).toBe('gone')
    await until(() => lines().length > 0)
    expect(lines()).toMatchObject([{ outcome: 'aborted', calls: 1 }])
    finishSlow()
  })
})

test('the lines about denied fields and refused tokens have the pseudonym of the access log', async () => {
  const sub = 'alice-of-the-canaries'
  await post({ query: '{ secret }' }, await caller({ sub }))
  await post({ query: '{ requestId }' }, await caller({ sub, exp: 1 }))
  const [line] = lines()
  const about = gateway.log.map((text) => JSON.parse(text)).filter((logged) => logged.sub)
  expect(about.slice(-2)).toMatchObject([
    { msg: 'fields denied', sub: line.sub },
    { msg: 'request refused', reason: 'TOKEN_EXPIRED', sub: line.sub },
  ])
  expect(line.sub).toBe(subjectPseudonyms(gatewaySecret)(sub))
  expect(gateway.log.join('')).not.toContain(sub)
})

describe('sampling', () => {
  test('logs every failure and about a tenth of the rest by default', async () => {
    const byDefault = await startedGateway('')
    const send = (query: string) => post({ query }, {}, byDefault)
    await Promise.all(Array.from({ length: 300 }, () => send('{ __typename }')))
    const ok = byDefault.accessLog.length
    // 3 or fewer of 300, or more than 80: less than once in a billion runs.
    expect(ok).toBeGreaterThan(3)
    expect(ok).toBeLessThan(80)
    for (let count = 0; count < 20; count++) await send('{ nothing }')
    expect(byDefault.accessLog).toHaveLength(ok + 20)
    await byDefault.close()
  })

  test('with both rates 0 there is no line', async () => {
    const off = await startedGateway('telemetry: { access_log: { sample: 0, errors: 0 } }')
    await post({ query: '{ requestId }' }, {}, off)
    await post({ query: '{ nothing }' }, {}, off)
    expect(off.accessLog).toEqual([])
    await off.close()
  })
})

test('no line of the gateway or the subgraph has a secret', async () => {
  const { variable, literal, cookie, extension, badToken, alias, address } = canaries
  const token = await issuer.accessToken({ scope: 'some' })
  const headers = {
    cookie: `session=${cookie}`,
    'x-forwarded-for': address,
    'x-request-id': `"${variable}"`,
    traceparent: literal,
  }
  const bodies = [
    `query ($text: String) { echo(text: $text) }`,
    `query ($text: String) { ${alias}: echo(text: "${literal}") b: echo(text: $text) broken }`,
    `query ($text: String) { ${alias}: secret echo(text: $text) }`,
    `query ($text: Int) { echo(text: "${literal}") }`,
    `{ nothing(text: "${literal}") }`,
    `{ echo(text: "${literal} }`,
  ].map((query) => ({ query, variables: { text: variable }, extensions: { extension } }))
  for (const body of bodies) {
    for (const authorization of [`Bearer ${token}`, `Bearer ${badToken}`, `Basic ${badToken}`]) {
      await post(body, { ...headers, authorization })
    }
    await post(body, headers)
  }
  await post(variable, headers)
  expect(lines().length).toBeGreaterThan(bodies.length)
  const written = [...gateway.accessLog, ...gateway.log, ...ofSubgraph.lines].join('')
  // The path of a denied field is in the log for the operator, with the names that the client chose.
  const secret = [variable, literal, cookie, extension, badToken, address, token]
  expect(secret.filter((text) => written.includes(text))).toEqual([])
  expect(written).not.toContain(token.split('.')[2])
})

test('operations, errors and denied fields are counted, and only known codes are labels', async () => {
  const counting = await startedGateway('metrics: { port: 0 }')
  const queries = [
    ...['query Part { secret requestId }', '{ broken }', '{ nothing }', 'query Fine { requestId }'],
  ]
  for (const query of queries) await post({ query }, {}, counting)
  const started = counting.log
    .map((line) => JSON.parse(line))
    .find(({ msg }) => msg === 'serving metrics')
  const metrics = async () => (await fetch(started.url)).text()
  const response = await fetch(started.url)
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  const text = await response.text()
  const guard = '@requiresScopes(scopes: [[\\"secrets:read\\"]])'
  expect(text).toContain(`portcullis_denied_fields_total{guard="${guard}"} 1`)
  for (const code of ['UNAUTHORIZED_FIELD_OR_TYPE', 'SUBGRAPH_ERROR', 'GRAPHQL_VALIDATION_FAILED'])
    expect(text).toContain(`portcullis_graphql_errors_total{code="${code}"} 1`)
  for (const labels of [
    'operation="Part",type="query",outcome="denied"',
    'operation="anonymous",type="query",outcome="error"',
    'operation="unknown",type="unknown",outcome="refused"',
    'operation="Fine",type="query",outcome="ok"',
  ])
    expect(text).toContain(`portcullis_operation_duration_seconds_count{${labels}} 1`)
  expect(text).toContain('portcullis_overhead_seconds_count 4')
  expect(text).toContain('portcullis_supergraphs_refused_total 0')
  counting.writeSupergraph('this is no supergraph')
  await until(async () => (await metrics()).includes('portcullis_supergraphs_refused_total 1'))
  await counting.close()
})

describe('the usage of fields', () => {
  let counting: RunningGateway
  let origin: string

  beforeAll(async () => {
    counting = await startedGateway('metrics: { port: 0 }')
    const started = counting.log.map((line) => JSON.parse(line))
    origin = new URL(started.find(({ msg }) => msg === 'serving metrics').url).origin
  })
  afterAll(() => counting.close())

  const usage = async () => (await fetch(`${origin}/usage`)).json() as Promise<any>

  test('is counted by client, from the valid document, whatever became of the request', async () => {
    const web = { 'apollographql-client-name': 'web', 'apollographql-client-version': '1.4.2' }
    const ios = { 'graphql-client-name': 'ios' }
    const before = new Date().toISOString()
    await post({ query: '{ requestId echo(text: "a") }' }, web, counting)
    await post({ query: '{ requestId echo(text: "a") }' }, web, counting)
    await post({ query: '{ requestId secret __typename }' }, ios, counting)
    await post({ query: '{ echo @skip(if: true) }' }, {}, counting)
    await post({ query: '{ nothing requestId }' }, ios, counting)
    await post({ query: '{ requestId }' }, { ...ios, authorization: 'Bearer wrong' }, counting)

    const { since, until, complete, requests, coordinates } = await usage()
    expect({ complete, requests }).toEqual({ complete: true, requests: 4 })
    expect(since < before && before < until).toBe(true)
    expect(Object.keys(coordinates).sort()).toEqual([
      ...['Query.echo', 'Query.echo(text:)', 'Query.requestId', 'Query.secret'],
    ])
    const lastSeen = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(coordinates['Query.requestId']).toEqual({
      requests: 3,
      lastSeen,
      clients: [
        { name: 'web', version: '1.4.2', requests: 2, lastSeen },
        { name: 'ios', requests: 1, lastSeen },
      ],
    })
    expect(coordinates['Query.secret']!.clients).toEqual([{ name: 'ios', requests: 1, lastSeen }])
    expect(coordinates['Query.echo']!.clients).toContainEqual({ requests: 1, lastSeen })
  })

  test('is kept when another supergraph or configuration takes over', async () => {
    const { id, requests } = await usage()
    counting.replaceSupergraph([
      { name: 'graph', url: subgraph.url, sdl: sdl.replace('broken', 'more: Int broken') },
    ])
    await until(() => counting.log.some((line) => line.includes('serving the new supergraph')))
    await counting.reload()
    await post({ query: '{ more }' }, {}, counting)
    const after = await usage()
    expect(after).toMatchObject({ id, requests: requests + 1 })
    expect(Object.keys(after.coordinates)).toEqual(
      expect.arrayContaining(['Query.more', 'Query.secret']),
    )
  })

  test('is not there without telemetry.usage, and starts anew with it', async () => {
    const { id } = await usage()
    counting.configure((config) => `${config}\ntelemetry: { usage: false }`)
    await counting.reload()
    await post({ query: '{ requestId }' }, {}, counting)
    const absent = await fetch(`${origin}/usage`)
    expect(absent.status).toBe(404)
    expect(await absent.text()).toContain('telemetry.usage')

    counting.configure((config) => config.replace('usage: false', 'usage: true'))
    await counting.reload()
    await post({ query: '{ requestId }' }, {}, counting)
    const again = await usage()
    expect(again.requests).toBe(1)
    expect(again.id).not.toBe(id)
  })

  test('starts anew after a configuration without a metrics port, by which it was not counted', async () => {
    const { id } = await usage()
    counting.configure((config) => config.replace('metrics: { port: 0 }', ''))
    await counting.reload()
    await post({ query: '{ requestId }' }, {}, counting)
    expect((await fetch(`${origin}/usage`)).status).toBe(404)

    counting.configure((config) => `${config}\nmetrics: { port: 0 }`)
    await counting.reload()
    const again = await usage()
    expect(again.requests).toBe(0)
    expect(again.id).not.toBe(id)
  })

  test('does not depend on a query of the URL', async () => {
    for (const path of ['/usage?at=now', '/metrics?']) {
      const response = await fetch(origin + path)
      expect(response.status).toBe(200)
      // A response that is not read keeps its connection.
      await response.text()
    }
    expect((await fetch(`${origin}/`)).status).toBe(404)
  })
})
