/**
 * Every row of the error table about tokens, through the front door: status, code, reason and
 * challenge, against our issuer and a foreign one (RS256, array audiences, scopes in `scp`).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { createRemoteJWKSet } from 'jose'
import { parse } from 'graphql'
import { deriveClaimsKey, serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { SubgraphContext } from '../../subgraphs/kit/index.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'
import { forge, json, testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer } from './support/test-issuer.ts'
import { publishRevocation } from './support/test-revocation.ts'
import type { TestRevocation } from './support/test-revocation.ts'

const ourKey = await testKey('ES256', 'ours')
const strangeKey = await testKey('ES256', 'ours')
const foreignKey = await testKey('RS256', 'foreign')

const sdl = (field: string) => `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { ${field}: String }
`

let ours: TestIssuer
let foreign: TestIssuer
let away: TestIssuer
/** It is asked about its tokens. */
let asked: TestIssuer
let revocation: TestRevocation
let users: RunningProcess
let notes: RunningProcess
let gateway: RunningGateway
/** What the subgraphs got. */
const seen: { subgraph: string; headers: IncomingHttpHeaders; claims: unknown }[] = []

beforeAll(async () => {
  ours = await testIssuer({ keys: [ourKey.jwk] })
  foreign = await testIssuer({ keys: [foreignKey.jwk], audience: ['another-api', 'portcullis'] })
  away = await testIssuer({ keys: [ourKey.jwk] })
  asked = await testIssuer()
  asked.handlers['/introspect'] = async (request, response) => {
    const token = new URLSearchParams(await readText(request)).get('token')
    if (token === 'for-nobody-knows') return response.writeHead(500).end()
    const claims = { active: true, sub: '9', aud: 'portcullis', name: 'Opaque' }
    json(response, token === 'opaque.token' ? claims : { active: false })
  }
  revocation = publishRevocation(foreign, foreignKey)
  users = await subgraph('users', 'me', [deriveClaimsKey(gatewaySecret, 'users')])
  const keySet: Parameters<typeof subgraph>[2] = (...words) =>
    createRemoteJWKSet(new URL(`${gateway.origin}/.well-known/gateway-claims.json`))(...words)
  notes = await subgraph('notes', 'notes', keySet)
  const issuer = (each: TestIssuer) => `
    - issuer: ${each.issuer}
      jwks_uri: ${each.jwksUri}
      audiences: [portcullis]`
  gateway = await runGateway(
    [
      { name: 'users', url: users.url, sdl: sdl('me') },
      { name: 'notes', url: notes.url, sdl: sdl('notes') },
    ],
    `
authentication:
  issuers:${issuer(ours)}
      sender_constrained: refuse
      algorithms: [ES256]${issuer(foreign)}
      algorithms: [RS256]
      token_types: [at+jwt, JWT]
      scopes_claim: scp
      subject_prefix: foreign|
      revocation:
        status_lists: ['${revocation.listUri}']
        refresh: 1s${issuer(away)}
      algorithms: [ES256]
      subject_prefix: away|
      revocation: { not_before: '${new URL(away.jwksUri).origin}/never-there' }
    - issuer: ${asked.issuer}
      audiences: [portcullis]
      subject_prefix: asked|
      introspection: { endpoint: '${asked.issuer}/introspect', client_id: a, client_secret: b }
  sources:
    - { header: authorization, scheme: Bearer }
    - { cookie: access }
claims:
  forward: [sub, scope, name]
  subgraphs:
    users: { forward: [sub, name], headers: { x-user-id: sub, x-user-name: name } }
    notes: { signing: EdDSA }
http: { realm: 'the "gate"' }
metrics: { port: 0 }
`,
    // What one of the issuers has revoked is never known.
    { untilReady: false },
  )
  await until(async () => (await foreign.requests['/status-lists/1']) !== undefined)
  await away.goAway()
})

afterAll(async () => {
  await gateway?.close()
  await users?.close()
  await notes?.close()
  await ours?.close()
  await foreign?.close()
  await asked?.close()
})

beforeEach(() => void (seen.length = 0))

function subgraph(
  name: string,
  field: string,
  keys: Parameters<typeof serveSubgraph>[0]['keys'],
): Promise<RunningProcess> {
  return serveSubgraph({
    name,
    typeDefs: parse(sdl(field)),
    resolvers: {
      Query: {
        [field]: (_: unknown, __: unknown, { claims }: SubgraphContext) => {
          seen.findLast((each) => each.subgraph === name)!.claims = claims
          return claims?.sub ?? 'nobody'
        },
      },
    },
    keys,
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
    routes: (app) =>
      app.use((request, _response, next) => {
        seen.push({ subgraph: name, headers: request.headers, claims: undefined })
        next()
      }),
  })
}

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: { data?: unknown; errors?: { message: string; extensions: Record<string, unknown> }[] }
}

/** Plain node:http: fetch would tidy up the headers. */
function ask(headers: Record<string, string | string[]>, query = '{ me }'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    })
    request.on('error', reject)
    request.on('response', async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      const body = JSON.parse(Buffer.concat(chunks).toString())
      resolve({ status: response.statusCode!, headers: response.headers, body })
    })
    request.end(JSON.stringify({ query }))
  })
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const now = () => Math.floor(Date.now() / 1_000)
const ourHeader = { alg: 'ES256', kid: 'ours', typ: 'at+jwt' }
const ourClaims = () => ({
  iss: ours.issuer,
  aud: 'portcullis',
  sub: '1',
  iat: now(),
  exp: now() + 60,
})

/** The realm has quotes: they are escaped. */
const realm = 'Bearer realm="the \\"gate\\""'
const invalid = (description: string) =>
  `${realm}, error="invalid_token", error_description="${description}"`

type Headers = Record<string, string | string[]>
type Row = [
  name: string,
  reason: string,
  status: number,
  challenge: string | undefined,
  headers: () => Headers | Promise<Headers>,
]

const rows: Row[] = [
  [
    'an expired token',
    'TOKEN_EXPIRED',
    401,
    invalid('The access token has expired: request a new one'),
    async () => bearer(await ours.sign(ourKey, { exp: now() - 60 })),
  ],
  [
    'an expired token of the foreign issuer',
    'TOKEN_EXPIRED',
    401,
    invalid('The access token has expired: request a new one'),
    async () => bearer(await foreign.sign(foreignKey, { exp: now() - 60 })),
  ],
  [
    'a token that is not valid yet',
    'TOKEN_NOT_YET_VALID',
    401,
    invalid('The access token is not valid yet'),
    async () => bearer(await ours.sign(ourKey, { nbf: now() + 60 })),
  ],
  [
    'a token issued too long ago: request a new one',
    'TOKEN_TOO_OLD',
    401,
    invalid('The access token was issued too long ago: request a new one'),
    async () => bearer(await ours.sign(ourKey, { iat: now() - 100_000 })),
  ],
  [
    'a token that the foreign issuer has revoked',
    'TOKEN_REVOKED',
    401,
    invalid('The access token has been revoked: log in again'),
    async () =>
      bearer(
        await foreign.sign(foreignKey, {
          status: { status_list: { idx: 2 ** 20, uri: revocation.listUri } },
        }),
      ),
  ],
  [
    'a token with padding',
    'TOKEN_MALFORMED',
    401,
    invalid('The access token is malformed'),
    async () => bearer(`${await ours.sign(ourKey)}==`),
  ],
  [
    'a token with white space inside',
    'TOKEN_MALFORMED',
    401,
    invalid('The access token is malformed'),
    async () => bearer((await ours.sign(ourKey)).replace('.', ' .')),
  ],
  [
    'a payload that is nested 2,900 levels deep',
    'TOKEN_MALFORMED',
    401,
    invalid('The access token is malformed'),
    () => bearer(forge(strangeKey, ourHeader, `{"x":${'['.repeat(2_900)}${']'.repeat(2_900)}}`)),
  ],
  [
    'an empty bearer',
    'TOKEN_MALFORMED',
    401,
    invalid('The access token is malformed'),
    () => ({ authorization: 'Bearer ' }),
  ],
  [
    'a token of more than 8 KB',
    'TOKEN_TOO_LARGE',
    401,
    invalid('The access token is larger than 8 KB'),
    async () => bearer(await ours.sign(ourKey, { filler: 'x'.repeat(8_000) })),
  ],
  [
    'an ID token',
    'TOKEN_TYPE_WRONG',
    401,
    invalid('The token is not an access token'),
    async () => bearer(await ours.sign(ourKey, {}, { typ: 'JWT' })),
  ],
  [
    'an embedded `jwk`',
    'HEADER_PARAMETER_REFUSED',
    401,
    invalid('The header of the access token has a parameter that is not accepted'),
    () => bearer(forge(strangeKey, { ...ourHeader, jwk: strangeKey.jwk }, ourClaims())),
  ],
  [
    'alg none',
    'ALGORITHM_REFUSED',
    401,
    invalid('The access token is signed with an algorithm that is not accepted'),
    () => bearer(`${encode({ ...ourHeader, alg: 'none' })}.${encode(ourClaims())}.`),
  ],
  [
    'the algorithm of another issuer',
    'ALGORITHM_REFUSED',
    401,
    invalid('The access token is signed with an algorithm that is not accepted'),
    async () => bearer(await foreign.sign(foreignKey, { iss: ours.issuer })),
  ],
  [
    'an unknown key',
    'KEY_UNKNOWN',
    401,
    invalid('The access token is signed with an unknown key'),
    async () => bearer(await ours.sign({ ...ourKey, keyId: 'nobody' })),
  ],
  [
    'a signature by another key',
    'SIGNATURE_INVALID',
    401,
    invalid('The signature of the access token is not valid'),
    async () => bearer(await ours.sign(strangeKey)),
  ],
  [
    'a tampered token of the foreign issuer',
    'SIGNATURE_INVALID',
    401,
    invalid('The signature of the access token is not valid'),
    async () =>
      bearer(
        (await foreign.sign(foreignKey)).replace(
          /\..*\./,
          `.${encode({ ...ourClaims(), iss: foreign.issuer })}.`,
        ),
      ),
  ],
  [
    'a token that is bound to a key',
    'TOKEN_SENDER_CONSTRAINED',
    401,
    invalid(
      'The access token is bound to a key or certificate, which is not supported: request a bearer token',
    ),
    async () => bearer(await ours.sign(ourKey, { cnf: { jkt: 'x' } })),
  ],
  [
    'an opaque token that is not active',
    'TOKEN_INACTIVE',
    401,
    invalid('The access token is not active: it is unknown, or has expired or been revoked'),
    () => bearer('for-nobody'),
  ],
  [
    'an opaque token that the issuer does not judge',
    'INTROSPECTION_UNAVAILABLE',
    503,
    undefined,
    () => bearer('for-nobody-knows'),
  ],
  [
    'an unknown issuer',
    'ISSUER_UNKNOWN',
    401,
    invalid('The access token was issued by an unknown issuer'),
    async () => bearer(await ours.sign(ourKey, { iss: 'https://nobody.example' })),
  ],
  [
    'another audience',
    'AUDIENCE_MISMATCH',
    401,
    invalid('The access token was issued for a different audience'),
    async () => bearer(await ours.sign(ourKey, { aud: 'nobody' })),
  ],
  [
    'a list of other audiences',
    'AUDIENCE_MISMATCH',
    401,
    invalid('The access token was issued for a different audience'),
    async () => bearer(await foreign.sign(foreignKey, { aud: ['a', 'b'] })),
  ],
  [
    'no audience',
    'CLAIM_MISSING',
    401,
    invalid('A required claim is missing from the access token'),
    async () => bearer(await ours.sign(ourKey, { aud: undefined as never })),
  ],
  [
    'an empty subject',
    'CLAIM_INVALID',
    401,
    invalid('A claim of the access token is not valid'),
    async () => bearer(await ours.sign(ourKey, { sub: '' })),
  ],
  [
    'claims of more than 4 KB',
    'CLAIMS_TOO_LARGE',
    401,
    invalid('The claims to forward from the access token are larger than 4 KB'),
    async () => bearer(await ours.sign(ourKey, { name: 'x'.repeat(4_100) })),
  ],
  ['Basic', 'SCHEME_UNSUPPORTED', 401, realm, () => ({ authorization: 'Basic YWxpY2U6c2VjcmV0' })],
  [
    'two Authorization headers',
    'CREDENTIALS_AMBIGUOUS',
    400,
    `${realm}, error="invalid_request", error_description="The request has more than one access token: send only one"`,
    async () => {
      const value = `Bearer ${await ours.sign(ourKey)}`
      return { authorization: [value, value] }
    },
  ],
  [
    'an issuer with unknown revocations',
    'REVOCATION_UNAVAILABLE',
    503,
    undefined,
    async () => bearer(await away.sign(ourKey)),
  ],
  [
    'an issuer whose keys cannot be fetched',
    'KEYS_UNAVAILABLE',
    503,
    undefined,
    async () => bearer(await away.sign({ ...ourKey, keyId: 'new' })),
  ],
]

describe('refused before any subgraph is called:', () => {
  test.each(rows)('%s: %s', async (_name, reason, status, challenge, headers) => {
    const answer = await ask(await headers())
    const [error] = answer.body.errors!
    expect(error!.extensions.reason).toBe(reason)
    expect(answer.status).toBe(status)
    expect(error!.extensions.code).toBe(codeOf(status))
    expect(answer.headers['www-authenticate']).toBe(challenge)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['retry-after']).toBe(status === 503 ? '5' : undefined)
    expect(answer.body.data).toBeUndefined()
    expect(seen).toEqual([])
    const text = JSON.stringify([answer.body, answer.headers])
    for (const hidden of [ours.issuer, foreign.issuer, 'portcullis', 'nobody', 'eyJ']) {
      expect(text).not.toContain(hidden)
    }
  })

  test('no token ever stands in the log', () => {
    const log = gateway.log.join('\n')
    expect(log).toContain('TOKEN_EXPIRED')
    expect(log).not.toMatch(/eyJ[\w-]{20}/)
  })
})

function codeOf(status: number): string {
  return { 400: 'BAD_REQUEST', 401: 'UNAUTHENTICATED', 503: 'SERVICE_UNAVAILABLE' }[status]!
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

describe('accepted:', () => {
  test('a token of ours: each subgraph gets the claims that its entry allows', async () => {
    const token = await ours.sign(ourKey, { sub: '7', name: 'Zoë\n', scope: 'a b' })
    const { status, body, headers } = await ask(bearer(token), '{ me notes }')
    expect(body).toEqual({ data: { me: '7', notes: '7' } })
    expect(status).toBe(200)
    expect(headers['cache-control']).toBe('no-store')
    const byName = Object.fromEntries(seen.map((each) => [each.subgraph, each]))
    expect({ ...(byName.users!.claims as object) }).toEqual({ sub: '7', name: 'Zoë\n' })
    expect({ ...(byName.notes!.claims as object) }).toEqual({
      sub: '7',
      name: 'Zoë\n',
      scope: 'a b',
    })
    expect(byName.users!.headers).toMatchObject({ 'x-user-id': '7', 'x-user-name': 'Zo%C3%AB%0A' })
    expect(byName.notes!.headers['x-user-id']).toBeUndefined()
    expect(byName.users!.headers.authorization).toBeUndefined()
  })

  test('a token of the foreign issuer: its scopes in `scp`, its subjects with a prefix', async () => {
    const token = await foreign.sign(foreignKey, { scp: ['read', 'write'] }, { typ: 'JWT' })
    const { body } = await ask(bearer(token), '{ notes }')
    expect(body).toEqual({ data: { notes: 'foreign|subject-1' } })
    expect(seen[0]!.claims).toMatchObject({ scope: ['read', 'write'] })
  })

  test('an opaque token: its issuer says who the caller is', async () => {
    const answer = await ask(bearer('opaque.token'))
    expect(answer.body).toEqual({ data: { me: 'asked|9' } })
    expect(seen).toMatchObject([{ claims: { sub: 'asked|9', name: 'Opaque' } }])
    expect(gateway.log.join('\n')).not.toContain('opaque.token')
  })

  test('a remembered token uses the same verification', async () => {
    const token = await ours.sign(ourKey, { jti: 'again' })
    for (let use = 0; use < 3; use++) expect((await ask(bearer(token))).status).toBe(200)
  })

  test('no token at all: the subgraphs get an anonymous caller', async () => {
    const { body } = await ask({}, '{ me notes }')
    expect(body).toEqual({ data: { me: 'nobody', notes: 'nobody' } })
    expect(seen.map(({ claims }) => claims)).toEqual([null, null])
    expect(seen[0]!.headers['x-user-id']).toBeUndefined()
  })

  test('headers of the client never become claims', async () => {
    await ask({ 'x-user-id': 'admin', 'gateway-claims': 'forged' })
    expect(seen[0]!.headers['x-user-id']).toBeUndefined()
    expect(seen[0]!.claims).toBeNull()
  })
})

test('a refused cookie is cleared, also beside an empty Authorization header', async () => {
  const cleared = 'access=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict'
  for (const headers of [{}, { authorization: '' }] as Headers[]) {
    const answer = await ask({ ...headers, cookie: 'access=bad' })
    expect(answer.status).toBe(401)
    expect(answer.headers['set-cookie']).toEqual([cleared])
  }
  const despite = await ask({ ...bearer('bad'), cookie: 'access=bad' })
  expect(despite.headers['set-cookie']).toBeUndefined()
})

test('only the cookie whose token was refused is cleared', async () => {
  const issuers = `[{ issuer: '${ours.issuer}', jwks_uri: '${ours.jwksUri}', audiences: [portcullis] }]`
  const sources = '[{ header: x-token }, { cookie: access }, { header: authorization }]'
  const gateway = await runGateway(
    [{ name: 'users', url: users.url, sdl: sdl('me') }],
    `authentication: { issuers: ${issuers}, sources: ${sources} }`,
  )
  const good = await ours.sign(ourKey)
  const clearedFor = async (headers: Record<string, string>) => {
    const { status, headers: sent } = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"query":"{ me }"}',
    })
    return [status, sent.get('set-cookie')?.split(';')[0]]
  }
  expect(await clearedFor({ 'x-token': 'bad', cookie: `access=${good}` })).toEqual([401, undefined])
  expect(await clearedFor({ 'x-token': ' ', cookie: 'access=bad' })).toEqual([401, 'access='])
  expect(await clearedFor({ authorization: 'Basic eDp5', cookie: 'access=bad' })).toEqual([
    401,
    'access=',
  ])
  expect(await clearedFor({ authorization: 'Basic eDp5', cookie: 'access=' })).toEqual([
    401,
    undefined,
  ])
  await gateway.close()
})

test('a deployment may require a token: an anonymous request is TOKEN_MISSING', async () => {
  const strict = await runGateway(
    [{ name: 'users', url: users.url, sdl: sdl('me') }],
    `authentication: { require: true, issuers: [{ issuer: '${ours.issuer}', jwks_uri: '${ours.jwksUri}', audiences: [portcullis] }] }`,
  )
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(strict.url, { method: 'POST', headers, body: '{"query":"{ me }"}' })
  expect(answer.status).toBe(401)
  expect(await answer.json()).toMatchObject({
    errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' } }],
  })
  expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="portcullis"')
  expect(seen).toEqual([])
  await strict.close()
})

describe('an operation that needs another login (RFC 9470):', () => {
  const vaultSdl = `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@policy", "@requiresScopes"])
    type Query {
      open: String
      gold: String @policy(policies: [["second factor", "recent login"]])
      safe: String @policy(policies: [["second factor"]]) @requiresScopes(scopes: [["vault"]])
    }
  `
  let vault: RunningProcess
  let guarded: RunningGateway

  beforeAll(async () => {
    const answer = (value: string) => () => value
    vault = await serveSubgraph({
      name: 'vault',
      typeDefs: parse(vaultSdl),
      resolvers: { Query: { open: answer('open'), gold: answer('gold'), safe: answer('safe') } },
      keys: [deriveClaimsKey(gatewaySecret, 'vault')],
      host: '127.0.0.1',
      port: 0,
      portSetting: 'PORT',
    })
    guarded = await runGateway(
      [{ name: 'vault', url: vault.url, sdl: vaultSdl }],
      `
authentication: { issuers: [{ issuer: '${ours.issuer}', jwks_uri: '${ours.jwksUri}', audiences: [portcullis] }] }
authorization:
  step_up:
    second factor: { acr_values: [aal3, aal2] }
    recent login: { max_age: 5m }
`,
    )
  })
  afterAll(async () => {
    await guarded?.close()
    await vault?.close()
  })

  async function askVault(
    query: string,
    claims?: Record<string, unknown>,
    accept = 'graphql-response+json',
  ) {
    const response = await fetch(guarded.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: `application/${accept}`,
        ...(claims ? bearer(await ours.sign(ourKey, claims)) : {}),
      },
      body: JSON.stringify({ query }),
    })
    const body = (await response.json()) as Answer['body']
    return { status: response.status, body, challenge: response.headers.get('www-authenticate') }
  }

  test('401 insufficient_user_authentication says which login would do, and so does the error', async () => {
    const { status, body, challenge } = await askVault('{ gold }', { acr: 'aal1' })
    expect(status).toBe(401)
    expect(challenge).toBe(
      'Bearer realm="portcullis", error="insufficient_user_authentication", error_description="A stronger or more recent login is required", acr_values="aal3 aal2", max_age="300"',
    )
    expect(body.data).toBeNull()
    expect(body.errors![0]!.extensions).toEqual({
      code: 'UNAUTHORIZED_FIELD_OR_TYPE',
      reason: 'INSUFFICIENT_USER_AUTHENTICATION',
      requires: {
        policies: [['recent login', 'second factor']],
        acr_values: ['aal3', 'aal2'],
        max_age: 300,
      },
    })
  })

  test('a login that is strong and recent enough passes', async () => {
    const claims = { acr: 'aal2', auth_time: now() - 60 }
    expect(await askVault('{ gold }', claims)).toMatchObject({
      status: 200,
      body: { data: { gold: 'gold' } },
    })
  })

  test('only what is lacking is asked for', async () => {
    const { status, challenge } = await askVault('{ gold }', {
      acr: 'aal2',
      auth_time: now() - 600,
    })
    expect(status).toBe(401)
    expect(challenge).toMatch(/, max_age="300"$/)
    expect(challenge).not.toContain('acr_values')
  })

  test('a part of the response that needs it is null, and its error says so', async () => {
    const { status, body, challenge } = await askVault('{ open gold }', { acr: 'aal1' })
    expect(status).toBe(200)
    expect(challenge).toBeNull()
    expect(body.data).toEqual({ open: 'open', gold: null })
    expect(body.errors![0]!.extensions.reason).toBe('INSUFFICIENT_USER_AUTHENTICATION')
  })

  test('plain application/json gets the same error with 200', async () => {
    const { status, body } = await askVault('{ gold }', { acr: 'aal1' }, 'json')
    expect(status).toBe(200)
    expect(body.errors![0]!.extensions.reason).toBe('INSUFFICIENT_USER_AUTHENTICATION')
  })

  test('a caller that also lacks a scope gets insufficient_scope: another login would not help', async () => {
    const { status, body, challenge } = await askVault('{ safe }', { acr: 'aal1', scope: '' })
    expect(status).toBe(403)
    expect(challenge).toContain('error="insufficient_scope"')
    expect(body.errors![0]!.extensions.reason).toBeUndefined()
  })

  test('an anonymous caller is asked to log in at all', async () => {
    const { status, challenge } = await askVault('{ gold }')
    expect(status).toBe(401)
    expect(challenge).toBe('Bearer realm="portcullis"')
  })
})

describe('requests that no ordinary client sends:', () => {
  const body = '{"query":"{ me }"}'

  /** Returns all that comes back on a connection of its own. */
  async function raw(line: string, headers: readonly string[], content = body): Promise<string> {
    const { port } = new URL(gateway.url)
    const socket = connect(Number(port), '127.0.0.1')
    const length = headers.some((each) => each.startsWith('transfer-encoding'))
      ? []
      : [`content-length: ${Buffer.byteLength(content)}`]
    const head = [line, 'host: gate', 'connection: close', ...length, ...headers]
    socket.write(`${head.join('\r\n')}\r\n\r\n${content}`)
    let answer = ''
    for await (const chunk of socket) answer += chunk
    return answer
  }
  const post = 'POST /graphql HTTP/1.1'
  const json = 'content-type: application/json'

  test.each<[string, (token: string) => string, string]>([
    ['a scheme in lower case', (token) => `authorization: bearer ${token}`, '"me":"7"'],
    ['two spaces after the scheme', (token) => `authorization: Bearer  ${token}`, '"me":"7"'],
    ['white space at the end', (token) => `authorization: Bearer ${token} \t`, '"me":"7"'],
    ['a tab after the scheme', (token) => `authorization: Bearer\t${token}`, 'SCHEME_UNSUPPORTED'],
    ['a token without a scheme', (token) => `authorization: ${token}`, 'SCHEME_UNSUPPORTED'],
    ['an empty header, as from a client without a login', () => 'authorization:', '"me":"nobody"'],
    [
      'two tokens in one header',
      (token) => `authorization: Bearer ${token}, Bearer ${token}`,
      'TOKEN_MALFORMED',
    ],
    ['bytes that are no ASCII', () => 'authorization: Bearer \u00ff\u00fe', 'TOKEN_MALFORMED'],
    ['a folded header', (token) => `authorization: Bearer\r\n ${token}`, '400 Bad Request'],
    ['a space before the colon', (token) => `authorization : Bearer ${token}`, '400 Bad Request'],
    ['a token in the address', (token) => `x: ${token}`, '"me":"nobody"'],
  ])('%s', async (name, header, expected) => {
    const token = await ours.sign(ourKey, { sub: '7' })
    const line = name.includes('address')
      ? post.replace(' HTTP', `?access_token=${token} HTTP`)
      : post
    expect(await raw(line, [json, header(token)])).toContain(expected)
  })

  test('a credential after a thousand other headers counts like the first', async () => {
    const many = Array.from({ length: 2_000 }, (_, index) => `a${index}:`)
    const bad = await raw(post, [json, ...many, 'authorization: Bearer "bad"'])
    expect(bad).toContain('TOKEN_MALFORMED')
    const good = `authorization: Bearer ${await ours.sign(ourKey)}`
    expect(await raw(post, [json, good, ...many, good])).toContain('CREDENTIALS_AMBIGUOUS')
  })

  test('a chunked body is read like any other', async () => {
    const good = `authorization: Bearer ${await ours.sign(ourKey, { sub: '7' })}`
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    const answer = await raw(post, [json, good, 'transfer-encoding: chunked'], chunked)
    expect(answer).toContain('"me":"7"')
  })

  test.each([
    ['404', 'POST /nothing HTTP/1.1', body],
    ['405', 'DELETE /graphql HTTP/1.1', body],
    ['405', 'HEAD /graphql HTTP/1.1', ''],
    ['405', 'OPTIONS /graphql HTTP/1.1', ''],
    ['400', post, '{{{'],
    ['413', post, JSON.stringify({ query: 'x'.repeat(200_000) })],
    ['200', 'GET /health HTTP/1.1', ''],
    ['503', 'GET /ready HTTP/1.1', ''],
  ])('%s with a token is not stored either: %s', async (status, line, content) => {
    const good = `authorization: Bearer ${await ours.sign(ourKey)}`
    const answer = await raw(line, [json, good], content)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer.toLowerCase()).toContain('cache-control: no-store')
  })
})

test('the public key set of the gateway is public, without private members', async () => {
  const response = await fetch(`${gateway.origin}/.well-known/gateway-claims.json`)
  const { keys } = (await response.json()) as { keys: Record<string, unknown>[] }
  expect(keys).toEqual([
    {
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      use: 'sig',
      kid: expect.any(String),
      x: expect.any(String),
    },
  ])
  expect(response.headers.get('cache-control')).toContain('max-age')
})

test('a revoked token is refused within the lag, although it was accepted before', async () => {
  const status = { status_list: { idx: 77, uri: revocation.listUri } }
  const token = await foreign.sign(foreignKey, { status })
  expect((await ask(bearer(token))).status).toBe(200)
  revocation.revoke(77)
  const revoked = performance.now()
  await until(async () => (await ask(bearer(token))).status === 401)
  expect(performance.now() - revoked).toBeLessThan(3_000)
})

test('verification is counted by issuer and outcome, for Prometheus', async () => {
  const line = gateway.log.find((each) => each.includes('serving metrics'))!
  const { url } = JSON.parse(line) as { url: string }
  const text = await (await fetch(url)).text()
  expect(text).toContain(
    `portcullis_authentication_total{issuer="${ours.issuer}",outcome="accepted"}`,
  )
  expect(text).toContain('portcullis_verified_token_cache_total{result="hit"}')
  expect(text).toContain('portcullis_revocation_age_seconds')
})
