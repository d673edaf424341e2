/** Opaque tokens: the issuer is asked about them (RFC 7662), over HTTP. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { text as readText } from 'node:stream/consumers'
import { authenticationMetrics } from '../../gateway/authentication/metrics.ts'
import type { IntrospectionOptions } from '../../gateway/authentication/introspection.ts'
import type { IssuerOptions } from '../../gateway/authentication/issuer.ts'
import { explainToken } from '../../gateway/authentication/explain-token.ts'
import { trustedIssuers } from '../../gateway/authentication/trusted-issuers.ts'
import { documentFetcher } from '../../gateway/authentication/fetch-document.ts'
import type { Caller } from '../../gateway/client-request.ts'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { until } from '../support/until.ts'
import { issuerOptions, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { testClock } from './support/test-clock.ts'
import type { TestClock } from './support/test-clock.ts'
import { forge, json, testIssuer, testKey } from './support/test-issuer.ts'
import type { Handler, TestIssuer } from './support/test-issuer.ts'

const key = await testKey()
const other = await testIssuer({ keys: [key.jwk] })
const opaque = 'ory_at_f3Yk-2_x.c1J~+/='
const subjects: TestAuthenticator[] = []

/** A foreign authorization server: which tokens are active, and what it has been asked. */
let server: TestIssuer
let active: Map<string, Record<string, unknown>>
let asked: { authorization: string | undefined; form: URLSearchParams }[]
let clock: TestClock
/** The metrics of the gateway that a test started last. */
let registry: Registry

beforeEach(async () => {
  server = await testIssuer()
  active = new Map([[opaque, claims()]])
  asked = []
  clock = testClock()
  server.handlers['/introspect'] = async (request, response) => {
    const form = new URLSearchParams(await readText(request))
    asked.push({ authorization: request.headers.authorization, form })
    const found = active.get(form.get('token') ?? '')
    json(response, found ? { active: true, ...found } : { active: false })
  }
})

afterEach(async () => {
  for (const subject of subjects.splice(0)) await subject.close()
  await server.close()
})
afterAll(() => other.close())

const seconds = () => Math.floor(clock.now() / 1_000)

function claims(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: server.issuer,
    aud: 'portcullis',
    sub: 'subject-1',
    client_id: 'my-app',
    scope: 'profile orders',
    token_type: 'Bearer',
    ...more,
  }
}

function options(
  introspection: Partial<IntrospectionOptions> = {},
  more: Partial<IssuerOptions> = {},
): IssuerOptions {
  return issuerOptions(server, {
    keys: undefined,
    introspection: {
      endpoint: `${server.issuer}/introspect`,
      clientId: 'gateway',
      clientSecret: 'its secret',
      activeFor: 30_000,
      keepConnectionsFor: 300_000,
      timeout: 30_000,
      ...introspection,
    },
    ...more,
  })
}

function gatewayWith(
  issuer: IssuerOptions = options(),
  authentication: Parameters<typeof testAuthenticator>[1] = {},
): TestAuthenticator {
  registry = new Registry()
  const metrics = authenticationMetrics(registry)
  const parts = { clock, metrics }
  const subject = testAuthenticator([issuer, issuerOptions(other)], authentication, parts)
  subjects.push(subject)
  return subject
}

/** Returns how many introspections had each outcome. */
async function counted(): Promise<Record<string, number>> {
  const { values } = await registry.getSingleMetric('portcullis_introspections_total')!.get()
  return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]))
}

const accepted = { claims: { sub: 'subject-1', scope: 'profile orders' } }

describe('the request', () => {
  test('is a POST of the token with the credentials of the gateway (RFC 7662 section 2.1)', async () => {
    const odd = { clientId: 'a:b c', clientSecret: 'ü+/%' }
    expect(await gatewayWith(options(odd)).ask(opaque)).toMatchObject(accepted)
    const [{ authorization, form }] = asked as [(typeof asked)[number]]
    expect(Object.fromEntries(form)).toEqual({ token: opaque, token_type_hint: 'access_token' })
    // RFC 6749 section 2.3.1: each part is form-encoded.
    const credentials = Buffer.from(authorization!.replace('Basic ', ''), 'base64').toString()
    expect(credentials).toBe('a%3Ab+c:%C3%BC%2B%2F%25')
  })

  test('is made once for all requests at a time, and not again while the token is remembered', async () => {
    const subject = gatewayWith()
    const callers = await Promise.all(Array.from({ length: 20 }, () => subject.ask(opaque)))
    expect(new Set(callers).size).toBe(1)
    await clock.pass(29_000)
    expect(await subject.ask(opaque)).toBe(callers[0])
    expect(asked).toHaveLength(1)
    expect(await counted()).toEqual({ active: 1, remembered: 1 })
    await clock.pass(1_000)
    expect(await subject.ask(opaque)).toMatchObject(accepted)
    expect(asked).toHaveLength(2)
  })

  test('is made each time with `active_for: 0s`, but once at a time', async () => {
    const subject = gatewayWith(options({ activeFor: 0 }))
    await Promise.all([subject.ask(opaque), subject.ask(opaque)])
    await subject.ask(opaque)
    expect(asked).toHaveLength(2)
  })

  test('is made for at most 128 tokens at a time; any more are 503', async () => {
    const waiting: (() => void)[] = []
    server.handlers['/introspect'] = (_request, response) =>
      void waiting.push(() => json(response, { active: false }))
    const subject = gatewayWith(options({ timeout: 30_000 }))
    const judged = Array.from({ length: 132 }, (_, index) => subject.ask(`token-${index}`))
    const refusedNow = await Promise.all(judged.slice(128))
    expect(new Set(refusedNow)).toEqual(new Set(['INTROSPECTION_UNAVAILABLE']))
    const first = Promise.all(judged.slice(0, 128))
    const answering = setInterval(() => waiting.splice(0).forEach((answer) => answer()))
    expect(new Set(await first)).toEqual(new Set(['TOKEN_INACTIVE']))
    clearInterval(answering)
    expect(server.requests['/introspect']).toBe(128)
    expect(await counted()).toEqual({ overload: 4, inactive: 128 })
  })
})

describe('the same rules as for a JWT', () => {
  test.each<[string, Record<string, unknown>, unknown]>([
    ['another issuer', { iss: 'https://nobody.example' }, 'ISSUER_UNKNOWN'],
    ['no issuer: it is the one that was asked', { iss: undefined }, accepted],
    ['another audience', { aud: ['other'] }, 'AUDIENCE_MISMATCH'],
    ['no audience', { aud: undefined }, 'CLAIM_MISSING'],
    ['no subject', { sub: undefined }, 'CLAIM_MISSING'],
    ['an `exp` in the past', { exp: 1_000 }, 'TOKEN_EXPIRED'],
    ['an `nbf` in the future', { nbf: 9_000_000_000 }, 'TOKEN_NOT_YET_VALID'],
    ['an `iat` too long ago', { iat: 1_000 }, 'TOKEN_TOO_OLD'],
    ['scopes that are no list of texts', { scope: [7] }, 'CLAIM_INVALID'],
    ['a refresh token of Hydra', { token_use: 'refresh_token' }, 'TOKEN_TYPE_WRONG'],
    ['an access token of Hydra', { token_use: 'access_token' }, accepted],
    ['a refresh token by its type', { token_type: 'refresh_token' }, 'TOKEN_TYPE_WRONG'],
  ])('%s', async (_name, more, expected) => {
    active.set(opaque, claims(more))
    const caller = await gatewayWith().ask(opaque)
    if (typeof expected === 'string') expect(caller).toBe(expected)
    else expect(caller).toMatchObject({ ...(expected as object), issuer: server.issuer })
  })

  test('audience_claim, scopes, subject_prefix and sender_constrained count as well', async () => {
    const more: Partial<IssuerOptions> = {
      audienceClaim: 'client_id',
      audiences: ['my-app'],
      scopes: { allow: ['orders'] },
      subjectPrefix: 'foreign|',
      senderConstrained: 'refuse',
    }
    const subject = gatewayWith(options({}, more))
    expect(await subject.ask(opaque)).toMatchObject({
      claims: { sub: 'foreign|subject-1', scope: 'orders' },
    })
    active.set('bound', claims({ cnf: { jkt: 'x' }, token_type: 'DPoP' }))
    expect(await subject.ask('bound')).toBe('TOKEN_SENDER_CONSTRAINED')
  })

  test('a remembered token is refused once `exp` is past', async () => {
    active.set(opaque, claims({ exp: seconds() + 5 }))
    const subject = gatewayWith(options({ activeFor: 600_000 }))
    expect(await subject.ask(opaque)).toMatchObject({ expiresAt: seconds() + 5 })
    await clock.pass(11_000)
    expect(await subject.ask(opaque)).toBe('TOKEN_EXPIRED')
    expect(asked).toHaveLength(1)
  })
})

describe('which tokens', () => {
  test('a JWT that names the issuer is asked about, as Okta has them for its org server', async () => {
    const token = forge(key, { alg: 'ES256', typ: 'JWT' }, { iss: server.issuer })
    active.set(token, claims())
    expect(await gatewayWith().ask(token)).toMatchObject(accepted)
  })

  test('a JWT of another issuer is verified with its keys, and one of nobody refused', async () => {
    const subject = gatewayWith()
    expect(await subject.ask(await other.sign(key))).toMatchObject({ issuer: other.issuer })
    const nobody = await other.sign(key, { iss: 'https://nobody.example' })
    expect(await subject.ask(nobody)).toBe('ISSUER_UNKNOWN')
    expect(asked).toEqual([])
  })

  test('an encrypted token is asked about', async () => {
    const encrypted = 'eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn'
    active.set(encrypted, claims())
    expect(await gatewayWith().ask(encrypted)).toMatchObject(accepted)
  })

  test('what no bearer token can be is asked of nobody', async () => {
    const subject = gatewayWith()
    for (const text of ['a b', 'ü', 'a"b', 'a=b']) {
      expect(await subject.ask(text)).toBe('TOKEN_MALFORMED')
    }
    expect(await subject.ask('a'.repeat(8_193))).toBe('TOKEN_TOO_LARGE')
    expect(await subject.ask(`${await other.sign(key)}=`)).toBe('TOKEN_MALFORMED')
    expect(asked).toEqual([])
  })

  test('without such an issuer, a token that is no JWT is malformed', async () => {
    const subject = testAuthenticator([issuerOptions(other)])
    subjects.push(subject)
    expect(await subject.ask(opaque)).toBe('TOKEN_MALFORMED')
  })
})

describe('a token that is not active', () => {
  test('is refused, and for a moment not asked about again', async () => {
    active.clear()
    const subject = gatewayWith()
    expect(await subject.ask(opaque)).toBe('TOKEN_INACTIVE')
    active.set(opaque, claims())
    expect(await subject.ask(opaque)).toBe('TOKEN_INACTIVE')
    expect(asked).toHaveLength(1)
    await clock.pass(5_000)
    expect(await subject.ask(opaque)).toMatchObject(accepted)
  })

  test('may be one that the server cannot read', async () => {
    server.handlers['/introspect'] = (_request, response) =>
      response
        .writeHead(400, { 'content-type': 'application/json' })
        .end('{"error":"invalid_request"}')
    expect(await gatewayWith().ask(opaque)).toBe('TOKEN_INACTIVE')
  })

  test('ends a connection that it has opened, when the issuer is asked again', async () => {
    const subject = gatewayWith()
    const caller = (await subject.ask(opaque)) as Caller
    await clock.pass(30_000)
    expect(await subject.recheck(caller)).toBeUndefined()
    expect(asked).toHaveLength(2)
    expect(await subject.recheck(caller)).toBeUndefined()
    expect(asked).toHaveLength(2)
    active.clear()
    await clock.pass(30_000)
    expect(await subject.recheck(caller)).toMatchObject({ reason: 'TOKEN_INACTIVE' })
  })
})

describe('a server that is away', () => {
  test('is 503 for tokens that are not remembered; when it is back, they are accepted', async () => {
    const subject = gatewayWith()
    active.set('another', claims())
    expect(await subject.ask(opaque)).toMatchObject(accepted)
    await server.goAway()
    expect(await subject.ask(opaque)).toMatchObject(accepted)
    expect(await subject.ask('another')).toBe('INTROSPECTION_UNAVAILABLE')
    expect(await counted()).toEqual({ active: 1, remembered: 1, unavailable: 1 })
    await clock.pass(30_000)
    expect(await subject.ask(opaque)).toBe('INTROSPECTION_UNAVAILABLE')
    expect(await subject.ask()).toMatchObject({ claims: null })
    await server.comeBack()
    expect(await subject.ask('another')).toMatchObject(accepted)
    expect(await subject.ask(opaque)).toMatchObject(accepted)
    const told = subject.log.filter(({ msg }) => /introspected/.test(String(msg)))
    expect(told).toMatchObject([
      { level: 40, msg: 'access tokens cannot be introspected', cause: 'ECONNREFUSED' },
      { level: 30, msg: 'access tokens can be introspected again' },
    ])
    expect(JSON.stringify(subject.log)).not.toContain(opaque)
    expect(JSON.stringify(subject.log)).not.toContain('its secret')
  })

  test('keeps what is open for a while, and asks again every few seconds', async () => {
    const subject = gatewayWith()
    const caller = (await subject.ask(opaque)) as Caller
    await server.goAway()
    await clock.pass(30_000)
    expect(await subject.recheck(caller)).toBeUndefined()
    expect(await subject.ask(opaque)).toBe('INTROSPECTION_UNAVAILABLE')
    await clock.pass(290_000)
    expect(await subject.recheck(caller)).toBeUndefined()
    await server.comeBack()
    await clock.pass(5_000)
    expect(await subject.recheck(caller)).toBeUndefined()
    expect(asked).toHaveLength(2)
    await server.goAway()
    await clock.pass(330_000)
    expect(await subject.recheck(caller)).toMatchObject({ reason: 'INTROSPECTION_UNAVAILABLE' })
  })

  test('ends what is open at once where that is configured, or the token has expired', async () => {
    const strict = gatewayWith(options({ keepConnectionsFor: 0 }))
    active.set('short', claims({ exp: seconds() + 60 }))
    const [caller, short] = [await strict.ask(opaque), await gatewayWith().ask('short')]
    const lasting = subjects.at(-1)!
    await server.goAway()
    await clock.pass(30_000)
    expect(await strict.recheck(caller as Caller)).toMatchObject({
      reason: 'INTROSPECTION_UNAVAILABLE',
    })
    expect(await lasting.recheck(short as Caller)).toBeUndefined()
    await clock.pass(40_000)
    expect(await lasting.recheck(short as Caller)).toMatchObject({ reason: 'TOKEN_EXPIRED' })
  })

  const says =
    (status: number, body: string, type = 'application/json'): Handler =>
    (_request, response) =>
      response.writeHead(status, { 'content-type': type }).end(body)
  test.each<[string, Handler]>([
    ['500', says(500, '{}')],
    ['401: our credentials are wrong', says(401, '{"error":"invalid_client"}')],
    ['400 that is not about the token', says(400, '{"error":"invalid_client"}')],
    ['200 without `active`', says(200, '{"sub":"1"}')],
    ['200 with `active` as a text', says(200, '{"active":"true","sub":"1"}')],
    ['200 with a list', says(200, '[{"active":true}]')],
    ['200 with HTML', says(200, '<h1>Login</h1>', 'text/html')],
    ['200 with too much', says(200, `{"active":true,"x":"${'x'.repeat(70_000)}"}`)],
    ['a redirect', (_request, response) => response.writeHead(302, { location: '/x' }).end()],
    ['a connection that is cut', (request) => void request.socket.destroy()],
  ])('%s is 503 as well', async (_name, handler) => {
    server.handlers['/introspect'] = handler
    const subject = gatewayWith()
    expect(await subject.ask(opaque)).toBe('INTROSPECTION_UNAVAILABLE')
    expect(subject.ready()).toBe(true)
  })

  test('so is one that does not respond in time', async () => {
    server.handlers['/introspect'] = () => {}
    const subject = gatewayWith(options({ timeout: 100 }))
    expect(await subject.ask(opaque)).toBe('INTROSPECTION_UNAVAILABLE')
    await until(() => subject.log.some(({ cause }) => cause === 'no response within 100 ms'))
  })
})

test('explain-token asks as well, and shows what the issuer says', async () => {
  const { fetch, close } = documentFetcher()
  const issuers = trustedIssuers([options()], {
    claims: { forward: ['sub', 'scope'], narrowed: [] },
    fetch,
    clock,
    log: pino({ level: 'silent' }),
    onKeysChanged: () => {},
  })
  const explain = (token: string) => explainToken(token, { issuers, clock })
  expect(await explain(opaque)).toMatchObject({
    decision: 'accepted',
    token: { payload: { client_id: 'my-app' } },
    claims: { sub: 'subject-1' },
  })
  active.set('for-another', claims({ aud: 'other', exp: 1_000 }))
  const { decision, checks } = await explain('for-another')
  expect(decision).toBe('AUDIENCE_MISMATCH')
  const failed = checks.filter(({ verdict }) => verdict === 'failed').map(({ check }) => check)
  expect(failed).toEqual(['audience', 'expiry'])
  expect(await explain('unknown')).toMatchObject({ decision: 'TOKEN_INACTIVE' })
  await issuers.close()
  await close()
})
