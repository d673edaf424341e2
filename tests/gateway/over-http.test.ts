/** The front door: the gateway's responses to requests of every kind, over real HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { GraphQLError, parse } from 'graphql'
import { auditServer } from 'graphql-http'
import { deriveClaimsKey, requireClaims, serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { SubgraphContext } from '../../subgraphs/kit/index.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'

const peopleSdl = /* GraphQL */ `
  extend schema
    @link(
      url: "https://specs.apollo.dev/federation/v2.9"
      import: ["@key", "@authenticated", "@requiresScopes", "@policy"]
    )
  type Query {
    me: Person
    mirror(text: String!): String
    fail(code: String): String
    diary: String @authenticated
    salary: Int @requiresScopes(scopes: [["salary:read", "people"], ["admin"]])
    beta: String @policy(policies: [["in the beta"]])
  }
  type Mutation {
    rename(name: String!): Person
    enter(password: String!): String
    leave: String
    promote: Person @requiresScopes(scopes: [["admin"]])
  }
  type Person @key(fields: "id") {
    id: ID!
    name: String
    friend: Person
  }
`
const foreignSdl = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query {
    weather: String
  }
  type Person @key(fields: "id") {
    id: ID!
    posts: [String!]
  }
`

const calls: string[] = []
const people = {
  Query: {
    me: (_: unknown, __: unknown, context: SubgraphContext) => {
      calls.push('me')
      return { id: requireClaims(context).sub, name: requireClaims(context).name }
    },
    mirror: (_: unknown, { text }: { text: string }) => text,
    diary: () => {
      calls.push('diary')
      return 'dear diary'
    },
    salary: () => {
      calls.push('salary')
      return 7
    },
    beta: () => 'new things',
    fail: () => {
      throw Object.assign(new Error('password=hunter2 at line 7 of secrets.ts'), {})
    },
  },
  Mutation: {
    enter: (_: unknown, { password }: { password: string }, { client }: SubgraphContext) => {
      calls.push('enter')
      if (password === 'busy') {
        throw new GraphQLError('queue full', { extensions: { code: 'SERVICE_UNAVAILABLE' } })
      }
      return JSON.stringify(client)
    },
    leave: () => 'bye',
    promote: () => {
      calls.push('promote')
      return { id: '1' }
    },
    rename: (_: unknown, { name }: { name: string }) => {
      calls.push('rename')
      return { id: '1', name }
    },
  },
}

/** A subgraph that is not ours: plain node:http, knows no claims header. */
function foreignSubgraph(seen: IncomingHttpHeaders[]): Promise<Server> {
  const server = createServer((request, response) => {
    seen.push(request.headers)
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      const entities = [{ __typename: 'Person', posts: ['one'] }]
      response.end(JSON.stringify({ data: { weather: 'fine', _entities: entities } }))
    })
  })
  return new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(server)))
}

let issuer: TestIssuer
let subgraph: RunningProcess
let foreign: Server
let gateway: RunningGateway
let foreignUrl: string
const seenByForeign: IncomingHttpHeaders[] = []
const logOfPeople = recordedLog()

beforeAll(async () => {
  issuer = await startIssuer()
  foreign = await foreignSubgraph(seenByForeign)
  foreignUrl = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`
  subgraph = await serveSubgraph({
    name: 'people',
    typeDefs: parse(peopleSdl),
    resolvers: people,
    keys: [deriveClaimsKey(gatewaySecret, 'people')],
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
    log: logOfPeople.log,
  })
  gateway = await runGateway(
    [
      { name: 'people', url: subgraph.url, sdl: peopleSdl },
      { name: 'foreign', url: foreignUrl, sdl: foreignSdl },
    ],
    `authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
http:
  cors: { origins: ['https://app.example.com', 'https://*.example.org:8443'] }
metrics: { port: 0 }
limits: { credential_fields: [Mutation.enter, Mutation.leave] }
claims: { subgraphs: { people: { client_headers: true } } }
authorization:
  explain_scope: operator
  policies: { file: '${fileURLToPath(new URL('policies.mjs', import.meta.url))}' }
`,
  )
})

afterAll(async () => {
  await gateway?.close()
  await subgraph?.close()
  foreign?.closeAllConnections()
  foreign?.close()
  await issuer?.close()
})

beforeEach(() => {
  calls.length = 0
  seenByForeign.length = 0
})

const isError = ({ level }: { level: number }) => level >= 50

async function post(body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { response, status: response.status, body: await bodyOf(response) }
}

/** The parts of a response that the tests read. */
interface Body {
  data?: Record<string, unknown> | null
  errors: { message: string; path?: unknown; extensions: Record<string, unknown> }[]
  extensions?: Record<string, unknown>
}

const bodyOf = async (response: Response) => (await response.json()) as Body

const bearer = async (...change: Parameters<TestIssuer['accessToken']>) => ({
  authorization: `Bearer ${await issuer.accessToken(...change)}`,
})

describe('authenticated and anonymous callers', () => {
  test('a known caller reads across two subgraphs', async () => {
    const { status, body } = await post({ query: '{ me { id name posts } }' }, await bearer())
    expect(body).toEqual({ data: { me: { id: '1', name: 'Alice', posts: ['one'] } } })
    expect(status).toBe(200)
  })

  test('an anonymous caller reaches the subgraph, which decides', async () => {
    const { status, body } = await post({ query: '{ me { id } mirror(text: "x") }' })
    expect(body.data).toEqual({ me: null, mirror: 'x' })
    expect(body.errors).toEqual([
      { message: 'Log in to see this', path: ['me'], extensions: { code: 'UNAUTHENTICATED' } },
    ])
    expect(status).toBe(200)
  })

  test('a query by GET', async () => {
    const response = await fetch(`${gateway.url}?query=${encodeURIComponent('{ weather }')}`)
    expect(await response.json()).toEqual({ data: { weather: 'fine' } })
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('no header of the client reaches a subgraph that is not configured to have it', async () => {
    await post(
      { query: '{ weather }' },
      {
        ...(await bearer()),
        cookie: 'session=1',
        'x-user-id': '1',
        'gateway-claims': 'forged',
        'x-forwarded-for': '10.0.0.1',
        'user-agent': 'the client',
      },
    )
    const [headers] = seenByForeign
    expect(Object.keys(headers!).sort()).toEqual([
      'accept',
      'connection',
      'content-length',
      'content-type',
      'gateway-claims',
      'host',
      'x-request-id',
    ])
    expect(headers!['gateway-claims']).not.toContain('forged')
  })

  test('a forged claims header does not authenticate an anonymous caller', async () => {
    const { body } = await post({ query: '{ me { id } }' }, { 'gateway-claims': 'x.y.z' })
    expect(body.data).toEqual({ me: null })
  })
})

describe('malformed requests', () => {
  const cases: [string, string, Record<string, string>, number, string][] = [
    ['garbage JSON', '{"query":', {}, 400, 'INVALID_JSON'],
    ['ill-formed UTF-8 as JSON', '\u{d800}', {}, 400, 'INVALID_JSON'],
    ['an empty body', '', {}, 400, 'INVALID_JSON'],
    ['a JSON string', '"{ weather }"', {}, 400, 'BAD_REQUEST'],
    ['a batch', '[{"query":"{ weather }"}]', {}, 400, 'BATCH_REFUSED'],
    ['form data', 'query={weather}', form(), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['another charset', '{}', charset('utf-16'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ]
  test.each(cases)('%s is refused', async (_name, text, headers, status, reason) => {
    const answer = await post(text, headers)
    expect(answer.status).toBe(status)
    expect(answer.body.errors[0]!.extensions.reason).toBe(reason)
    expect(answer.body.data).toBeUndefined()
  })

  test.each([
    ['a missing query', { variables: {} }, 'BAD_REQUEST'],
    ['an empty query', { query: '' }, 'BAD_REQUEST'],
    ['a query that is a number', { query: 7 }, 'BAD_REQUEST'],
    ['variables that are a list', { query: '{ weather }', variables: [] }, 'BAD_REQUEST'],
    ['a syntax error', { query: '{ weather' }, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: '{ wether }' }, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'an unknown operation name',
      { query: 'query A { weather }', operationName: 'B' },
      'OPERATION_RESOLUTION_FAILURE',
    ],
    [
      'a variable of the wrong type',
      { query: 'query ($t: String!) { mirror(text: $t) }', variables: { t: 7 } },
      'BAD_USER_INPUT',
    ],
    [
      'more tokens than a document may have',
      { query: `{ ${'weather '.repeat(12_000)} }` },
      'GRAPHQL_PARSE_FAILED',
    ],
    [
      'an operation nested deeper than planning can bear',
      { query: `{ me ${'{ friend '.repeat(250)} { id } ${'}'.repeat(250)} }` },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'the same depth by way of fragments',
      { query: nestedFragments(250) },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'fragments that unfold to millions of fields',
      { query: doublingFragments(22) },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a document nested beyond reason',
      { query: `${'{ me '.repeat(4_000)} ${'}'.repeat(4_000)}` },
      'GRAPHQL_PARSE_FAILED',
    ],
  ])('%s is 400', async (_name, request, code) => {
    const { status, body } = await post(request)
    expect(body.errors[0]!.extensions.code).toBe(code)
    expect(status).toBe(400)
    expect(JSON.stringify(body)).not.toMatch(/Did you mean|stack|node_modules/)
  })

  test('a body of 10 MB is refused, and its sender gets to read why', async () => {
    const { status, body } = await post({ query: `{ weather } #${'x'.repeat(10_000_000)}` })
    expect(status).toBe(413)
    expect(body.errors[0]!.extensions.code).toBe('PAYLOAD_TOO_LARGE')
  })

  test('a mutation by GET is refused and not run', async () => {
    const mutation = encodeURIComponent('mutation { rename(name: "x") { id } }')
    const response = await fetch(`${gateway.url}?query=${mutation}`)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
    expect(calls).toEqual([])
  })

  test.each(['PUT', 'DELETE', 'PATCH'])('%s is refused', async (method) => {
    const response = await fetch(gateway.url, { method, body: '{}' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, POST')
  })

  test('another path is 404, and says where the graph is', async () => {
    const response = await fetch(`${gateway.origin}/graph`)
    expect(response.status).toBe(404)
    expect((await bodyOf(response)).errors[0]!.message).toContain('/graphql')
  })
})

describe('GraphQL over HTTP', () => {
  /** A malformed request is 400 in every media type: monitoring and clients can rely on the status. */
  const badRequestStays400 =
    /^SHOULD use (a )?(200 status code|status code of 200) on (document parsing|document validation|variable coercion) failure when accepting application\/json$/

  test.each(['native', 'apollo'])(
    'every audit passes, but for 200 on a malformed request: %s',
    async (engine) => {
      const sources = [{ name: 'people', url: subgraph.url, sdl: peopleSdl }]
      const audited = await runGateway(sources, `engine: ${engine}\n${configFor(issuer)}`)
      const results = await auditServer({ url: audited.url, fetchFn: fetch })
      await audited.close()
      const failed = results.filter(({ status }) => status !== 'ok')
      expect(failed.filter(({ status }) => status === 'error')).toEqual([])
      expect(
        failed.map(({ name }) => name).filter((name) => !badRequestStays400.test(name)),
      ).toEqual([])
      expect(results.length).toBeGreaterThan(50)
    },
  )
})

describe('credentials', () => {
  test('two Authorization headers are refused', async () => {
    const token = await issuer.accessToken()
    const text = await rawRequest([
      `Authorization: Bearer ${token}`,
      `authorization: Bearer ${token}`,
    ])
    expect(text).toContain('400 Bad Request')
    expect(text).toContain('CREDENTIALS_AMBIGUOUS')
  })

  test.each([
    ['Basic', 'Basic YWxpY2U6c2VjcmV0', 'SCHEME_UNSUPPORTED'],
    ['an empty bearer', 'Bearer', 'TOKEN_MALFORMED'],
    ['garbage', 'Bearer abc', 'TOKEN_MALFORMED'],
  ])('%s is 401, with a challenge', async (_name, authorization, reason) => {
    const { status, body, response } = await post({ query: '{ weather }' }, { authorization })
    expect(status).toBe(401)
    expect(body.errors[0]!.extensions).toEqual({ code: 'UNAUTHENTICATED', reason })
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="/)
    expect(seenByForeign).toEqual([])
  })

  test('an expired token is 401 on a public field too, says so, and reaches no subgraph', async () => {
    const past = Math.floor(Date.now() / 1000) - 600
    const expired = await bearer({ iat: past, exp: past + 300 })
    const { status, body, response } = await post({ query: '{ weather }' }, expired)
    expect(status).toBe(401)
    expect(body.errors[0]!.extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' })
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(seenByForeign).toEqual([])
  })
})

describe('subgraphs that fail', () => {
  test('what a subgraph threw stays inside', async () => {
    const { body } = await post({ query: '{ fail mirror(text: "ok") }' })
    expect(body.data).toEqual({ fail: null, mirror: 'ok' })
    expect(body.errors).toEqual([
      {
        message: 'Part of the response could not be loaded',
        path: ['fail'],
        extensions: { code: 'SUBGRAPH_ERROR' },
      },
    ])
    const errors = logOfPeople.lines.map((line) => JSON.parse(line)).filter(isError)
    expect(errors).toMatchObject([{ err: { message: expect.stringContaining('hunter2') } }])
  })

  test('one that is down leaves its fields null and the rest of the response intact', async () => {
    const alone = await runGateway(
      [
        { name: 'people', url: subgraph.url, sdl: peopleSdl },
        { name: 'foreign', url: 'http://127.0.0.1:9/', sdl: foreignSdl },
      ],
      configFor(issuer),
    )
    try {
      const response = await fetch(alone.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(await bearer()) },
        body: JSON.stringify({ query: '{ weather me { id name posts } }' }),
      })
      const body = await bodyOf(response)
      expect(response.status).toBe(200)
      expect(body.data).toEqual({ weather: null, me: { id: '1', name: 'Alice', posts: null } })
      expect(body.errors.map(({ path }) => path)).toEqual(
        expect.arrayContaining([['weather'], ['me']]),
      )
      for (const error of body.errors) expect(error.extensions.code).toBe('SUBGRAPH_UNREACHABLE')
      expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|serviceName/)
    } finally {
      await alone.close()
    }
  })
})

describe('guarded fields', () => {
  const graphqlResponse = { accept: 'application/graphql-response+json' }

  test('what a caller may not see is null, with what was required; no subgraph is asked for it', async () => {
    const { status, body } = await post(
      { query: '{ diary pay: salary mirror(text: "x") }' },
      await bearer({ scope: 'salary:read' }),
    )
    expect(status).toBe(200)
    expect(body.data).toEqual({ diary: 'dear diary', pay: null, mirror: 'x' })
    expect(Object.keys(body.data!)).toEqual(['diary', 'pay', 'mirror'])
    expect(body.errors).toEqual([
      {
        message: 'You may not see this field',
        locations: [{ line: 1, column: 9 }],
        path: ['pay'],
        extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE', requires: expect.anything() },
      },
    ])
    expect(calls).toEqual(['diary'])
  })

  test('an anonymous caller that may see nothing of it: 401 with a challenge', async () => {
    const { status, body, response } = await post({ query: '{ diary }' }, graphqlResponse)
    expect(status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="portcullis"')
    expect(body.data).toBeNull()
    expect(calls).toEqual([])
  })

  test('an authenticated caller that may see nothing of it: 403 with the sufficient scopes', async () => {
    const { status, response } = await post(
      { query: '{ salary }' },
      { ...graphqlResponse, ...(await bearer({ scope: 'salary:read' })) },
    )
    expect(status).toBe(403)
    expect(response.headers.get('www-authenticate')).toMatch(
      /error="insufficient_scope".*scope="(salary:read )?(people|admin)/,
    )
  })

  test('a client of application/json gets 200 for the same', async () => {
    const { status, body } = await post({ query: '{ diary }' })
    expect(status).toBe(200)
    expect(body.data).toBeNull()
    expect(body.errors[0]!.extensions.code).toBe('UNAUTHENTICATED')
  })

  test('a mutation with one denied root field does not run at all', async () => {
    const mutation = 'mutation { rename(name: "x") { id } promote { id } }'
    const { body } = await post({ query: mutation }, await bearer())
    expect(body.data).toBeNull()
    expect(calls).toEqual([])
  })

  test('a policy of the operator decides', async () => {
    const ask = async (name: string) =>
      (await post({ query: '{ beta }' }, await bearer({ name }))).body
    expect((await ask('Alice')).data).toEqual({ beta: 'new things' })
    expect((await ask('Bob')).errors[0]!.extensions.code).toBe('UNAUTHORIZED_FIELD_OR_TYPE')
  })

  test('callers with different permissions never share a plan, in any order', async () => {
    const query = 'query Same { diary salary mirror(text: "x") }'
    const admin = await bearer({ scope: 'admin' })
    for (const [caller, data] of [
      [{}, { diary: null, salary: null, mirror: 'x' }],
      [admin, { diary: 'dear diary', salary: 7, mirror: 'x' }],
      [{}, { diary: null, salary: null, mirror: 'x' }],
    ] as const) {
      expect((await post({ query }, caller)).body.data).toEqual(data)
    }
  })

  test('a caller with the explain scope gets an explanation, others do not', async () => {
    const request = { query: '{ salary }', extensions: { authorization: true } }
    const operator = await post(request, await bearer({ scope: 'operator' }))
    expect(operator.body.extensions?.authorization).toMatchObject([
      { path: ['salary'], coordinate: 'Query.salary', decision: 'denied' },
    ])
    const other = await post(request, await bearer())
    expect(other.body.extensions).toBeUndefined()
  })
})

describe('credential fields', () => {
  test.each([
    ['two aliases', 'mutation { a: enter(password: "1") b: enter(password: "2") }'],
    ['two different fields', 'mutation { enter(password: "1") leave }'],
    ['a fragment', 'mutation { ...Two } fragment Two on Mutation { enter(password: "1") leave }'],
    ['an inline fragment', 'mutation { leave ... on Mutation { a: leave } }'],
    ['one with @skip', 'mutation { leave a: leave @skip(if: true) }'],
  ])('%s in one operation are refused, and none is tried', async (_name, query) => {
    const { status, body } = await post({ query })
    expect(status).toBe(400)
    expect(body.errors[0]!.extensions).toEqual({
      code: 'CREDENTIALS_REPEATED',
      reason: 'CREDENTIALS_REPEATED',
    })
    expect(calls).toEqual([])
  })

  test("one is served, and a subgraph gets the client's address if configured", async () => {
    const { body } = await post(
      { query: 'mutation { enter(password: "1") }' },
      { 'user-agent': 'Browser/1.0 ü', 'x-forwarded-for': '203.0.113.9' },
    )
    expect(JSON.parse(body.data!.enter as string)).toEqual({
      address: '127.0.0.1',
      agent: expect.stringMatching(/^Browser\/1\.0 ?$/),
    })
  })

  test('a subgraph that is too busy is 503 with Retry-After', async () => {
    const { status, body, response } = await post({ query: 'mutation { enter(password: "busy") }' })
    expect(status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(body.errors[0]!.extensions.code).toBe('SERVICE_UNAVAILABLE')
  })
})

describe('browsers', () => {
  const preflight = (origin: string) =>
    fetch(gateway.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      },
    })

  test('a page of a configured origin may send its token, and read the challenge', async () => {
    const { headers } = await preflight('https://app.example.com')
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    expect(headers.get('access-control-allow-headers')).toContain('authorization')
    const { response } = await post(
      { query: '{ weather }' },
      { origin: 'https://app.example.com', authorization: 'Bearer abc' },
    )
    expect(response.status).toBe(401)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    expect(response.headers.get('access-control-expose-headers')).toContain('www-authenticate')
  })

  test.each(['https://a.example.org:8443', 'https://b-1.a.example.org:8443'])(
    'a page of a subdomain may, where all are configured: %s',
    async (origin) => {
      const { headers } = await preflight(origin)
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('vary')).toContain('Origin')
    },
  )

  test.each([
    'https://evil.example.com',
    'https://example.org:8443',
    'https://.example.org:8443',
    'https://a.example.org',
    'http://a.example.org:8443',
    'https://aexample.org:8443',
    'https://a.exampleXorg:8443',
    'https://evil.com/a.example.org:8443',
    'https://a.example.org:8443.evil.com',
    'https://evil.com#.example.org:8443',
    'https://*.example.org:8443',
    'null',
  ])('a page of another origin may not: %s', async (origin) => {
    const { headers } = await preflight(origin)
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('operating it', () => {
  test('/health and /ready respond', async () => {
    expect((await fetch(`${gateway.origin}/health`)).status).toBe(200)
    expect(await (await fetch(`${gateway.origin}/ready`)).json()).toEqual({ status: 'ready' })
  })

  test('/metrics on its own port counts responses and subgraph calls', async () => {
    const line = gateway.log.find((line) => line.includes('serving metrics'))
    const { url } = JSON.parse(line!) as { url: string }
    await post({ query: '{ weather }' })
    const text = await (await fetch(url)).text()
    expect(text).toMatch(/portcullis_request_duration_seconds_count\{status="200"\} \d+/)
    expect(text).toMatch(/_subgraph_duration_seconds_count\{subgraph="foreign",outcome="answered"/)
    expect((await fetch(`${gateway.origin}/metrics`)).status).toBe(404)
  })

  test('a new supergraph is served without a restart, a broken one is passed over', async () => {
    const foreignWithMore = foreignSdl.replace('weather: String', 'weather: String tide: String')
    const ask = async (query: string) => (await post({ query })).status
    expect(await ask('{ tide }')).toBe(400)
    gateway.replaceSupergraph([
      { name: 'people', url: subgraph.url, sdl: peopleSdl },
      { name: 'foreign', url: foreignUrl, sdl: foreignWithMore },
    ])
    await until(async () => (await ask('{ tide }')) === 200)

    gateway.writeSupergraph('this is no supergraph')
    await until(() => gateway.log.some((line) => line.includes('still serving the last good')))
    expect(await ask('{ tide }')).toBe(200)
  })

  test('no token ever stands in the log', async () => {
    const token = await issuer.accessToken({ aud: 'somebody else' })
    await post({ query: '{ weather }' }, { authorization: `Bearer ${token}` })
    const [, payload, signature] = token.split('.')
    for (const line of gateway.log) {
      expect(line).not.toContain(payload)
      expect(line).not.toContain(signature)
    }
  })
})

function configFor({ issuer: name, jwksUri }: TestIssuer): string {
  return `authentication:
  issuers:
    - { issuer: '${name}', jwks_uri: '${jwksUri}', audiences: [portcullis], algorithms: [ES256] }
`
}

function nestedFragments(count: number): string {
  const fragments = Array.from(
    { length: count },
    (_, i) => `fragment F${i} on Person { friend { ${i + 1 < count ? `...F${i + 1}` : 'id'} } }`,
  )
  return `{ me { ...F0 } } ${fragments.join(' ')}`
}

function doublingFragments(count: number): string {
  const spread = (i: number) => (i < count ? `...F${i}` : 'id')
  const fragments = Array.from(
    { length: count },
    (_, i) =>
      `fragment F${i} on Person { a: friend { ${spread(i + 1)} } b: friend { ${spread(i + 1)} } }`,
  )
  return `{ me { ...F0 } } ${fragments.join(' ')}`
}

function form() {
  return { 'content-type': 'application/x-www-form-urlencoded' }
}

function charset(name: string) {
  return { 'content-type': `application/json; charset=${name}` }
}

/** fetch joins equal headers, so these go over a socket. */
function rawRequest(headers: string[]): Promise<string> {
  const body = '{"query":"{ weather }"}'
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  socket.end(
    [
      'POST /graphql HTTP/1.1',
      `Host: ${hostname}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: close',
      ...headers,
      '',
      body,
    ].join('\r\n'),
  )
  return new Promise((resolve, reject) => {
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('end', () => resolve(text)).on('error', reject)
  })
}
