/** API keys at the gateway: exchanged for an access token, and that judged like any other. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { join } from 'node:path'
import { parse } from 'graphql'
import { apiKeyTokenType } from '../../subgraphs/auth/oauth/token-endpoint.ts'
import { deriveClaimsKey, serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { SubgraphContext } from '../../subgraphs/kit/index.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { asker } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import { authEnvironment, loggedIn } from '../support/auth-client.ts'
import { startAuthProcess } from '../support/auth-process.ts'
import type { AuthProcess } from '../support/auth-process.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import { issuerOptions, outcome, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { testClock } from './support/test-clock.ts'
import type { TestClock } from './support/test-clock.ts'
import { testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer } from './support/test-issuer.ts'
import { publishRevocation } from './support/test-revocation.ts'

describe('with the auth subgraph as its own process, through real HTTP:', () => {
  const folder = scratchFolder()
  let auth: AuthProcess
  let ask: Ask
  let users: RunningProcess
  let gateway: RunningGateway

  beforeAll(async () => {
    auth = await startAuthProcess(authEnvironment(`sqlite:${join(folder, 'auth.db')}`))
    ask = asker('auth', auth.url)
    const sdl = 'type Query { me: String scope: String key: String }'
    const resolver = (claim: string) => (_: unknown, __: unknown, context: SubgraphContext) =>
      context.claims?.[claim]
    users = await serveSubgraph({
      name: 'users',
      typeDefs: parse(sdl),
      resolvers: {
        Query: { me: resolver('sub'), scope: resolver('scope'), key: resolver('akid') },
      },
      keys: [deriveClaimsKey(gatewaySecret, 'users')],
      host: '127.0.0.1',
      port: 0,
      portSetting: 'PORT',
    })
    const { origin } = new URL(auth.url)
    gateway = await runGateway(
      [{ name: 'users', url: users.url, sdl }],
      `
authentication:
  issuers:
    - issuer: http://127.0.0.1:4001
      jwks_uri: ${origin}/.well-known/jwks.json
      audiences: [portcullis]
      revocation: { status_lists: ['${origin}/status-lists/'], refresh: 1s }
  sources: [{ header: authorization, scheme: Bearer }, { header: x-api-key }]
  api_keys: { token_endpoint: '${origin}/oauth/token', refused_for: 0s }
claims: { forward: [sub, scope, akid] }
`,
    )
  })
  afterAll(async () => {
    await gateway?.close()
    await users?.close()
    await auth?.kill()
  })

  async function query(headers: Record<string, string>) {
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: '{ me scope key }' }),
    })
    return { response, status: response.status, body: (await response.json()) as any }
  }

  async function newKey(...scopes: string[]) {
    const { claims } = await loggedIn(ask)
    const mutation = `mutation ($scopes: [String!]!) {
      createApiKey(name: "My script", scopes: $scopes) { key apiKey { id } }
    }`
    const { data } = await ask(claims, mutation, { scopes })
    const { key, apiKey } = data.createApiKey as { key: string; apiKey: { id: string } }
    return { key, id: apiKey.id, claims }
  }

  test('a key stands for its person, with the scopes of the key', async () => {
    const { key, id, claims } = await newKey('profile')
    const expected = { data: { me: claims.sub, scope: 'profile', key: id } }
    const { body, response } = await query({ authorization: `Bearer ${key}` })
    expect(body).toEqual(expected)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect((await query({ 'x-api-key': key })).body).toEqual(expected)
  })

  test('a key that was revoked is refused within the lag, although it was in use', async () => {
    const { key, id, claims } = await newKey()
    const authorization = `Bearer ${key}`
    expect((await query({ authorization })).status).toBe(200)
    await ask(claims, 'mutation ($id: ID!) { revokeApiKey(id: $id) }', { id })
    const revoked = performance.now()
    await until(async () => (await query({ authorization })).status === 401)
    expect(performance.now() - revoked).toBeLessThan(4_000)
    const { body, response } = await query({ authorization })
    expect(body.errors).toEqual([
      {
        message: 'The API key is unknown, expired or revoked',
        extensions: { code: 'UNAUTHENTICATED', reason: 'API_KEY_REFUSED' },
      },
    ])
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer realm="portcullis", error="invalid_token", error_description="The API key is unknown, expired or revoked"',
    )
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('an unknown key is refused', async () => {
    const { body, status } = await query({ authorization: `Bearer pck_${'x'.repeat(43)}` })
    expect(status).toBe(401)
    expect(body.errors[0].extensions.reason).toBe('API_KEY_REFUSED')
  })

  test('without the issuer: keys in use go on, others are 503 with Retry-After', async () => {
    const inUse = `Bearer ${(await newKey()).key}`
    const notYet = `Bearer ${(await newKey()).key}`
    await query({ authorization: inUse })
    await auth.kill()
    expect((await query({ authorization: inUse })).status).toBe(200)
    const { body, status, response } = await query({ authorization: notYet })
    expect(status).toBe(503)
    expect(body.errors[0].extensions.reason).toBe('API_KEYS_UNAVAILABLE')
    expect(response.headers.get('retry-after')).toBe('5')
    expect((await query({})).status).toBe(200)
  })

  test('no key ever stands in the log', () => {
    const log = gateway.log.join('\n')
    expect(log).toContain('API_KEY_REFUSED')
    expect(log).not.toContain('pck_')
  })
})

describe('against an issuer that can do everything:', () => {
  const goodKey = 'pck_good'
  let signer: Awaited<ReturnType<typeof testKey>>
  let issuer: TestIssuer
  let clock: TestClock
  let subject: TestAuthenticator
  /** The forms that the endpoint got. */
  let forms: URLSearchParams[]
  let answer: (form: URLSearchParams) => Promise<{ status: number; body: unknown; type?: string }>

  beforeAll(async () => void (signer = await testKey()))
  beforeEach(async () => {
    issuer = await testIssuer({ keys: [signer.jwk] })
    clock = testClock()
    forms = []
    answer = () => granted()
    issuer.handlers['/token'] = async (request, response) => {
      let text = ''
      for await (const chunk of request) text += chunk
      const form = new URLSearchParams(text)
      forms.push(form)
      const { status, body, type = 'application/json' } = await answer(form)
      response.writeHead(status, { 'content-type': type })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    subject = make()
    await subject.warm
  })
  afterEach(async () => {
    await subject.close()
    await issuer.close()
  })

  function make(apiKeys = {}, options = {}, parts = {}) {
    return testAuthenticator(
      [issuerOptions(issuer)],
      {
        apiKeys: {
          tokenEndpoint: `${issuer.issuer}/token`,
          prefix: 'pck_',
          subjectTokenType: apiKeyTokenType,
          timeout: 300,
          entries: 100,
          refusedFor: 5_000,
          ...apiKeys,
        },
        ...options,
      },
      { clock, ...parts },
    )
  }

  async function granted(claims = {}) {
    const issuedAt = Math.floor(clock.now() / 1_000)
    const times = { iat: issuedAt, exp: issuedAt + 300 }
    const access_token = await issuer.sign(signer, { ...times, ...claims })
    return { status: 200, body: { access_token, token_type: 'Bearer', expires_in: 300 } }
  }
  const refusal = async () => ({ status: 400, body: { error: 'invalid_grant' } })

  test('it is asked as RFC 8693 says, once for as long as the access token lasts', async () => {
    for (let use = 0; use < 3; use++) {
      expect(await subject.ask(goodKey)).toMatchObject({ claims: { sub: 'subject-1' } })
    }
    expect(forms.map((form) => Object.fromEntries(form))).toEqual([
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token_type: apiKeyTokenType,
        subject_token: goodKey,
      },
    ])
  })

  test('the caller has the access token if subgraphs get it, never the key', async () => {
    expect(await subject.ask(goodKey)).not.toHaveProperty('accessToken')
    const keeping = make({}, {}, { keepsTokens: true })
    const { body } = await granted({ jti: 'the one' })
    answer = async () => ({ status: 200, body })
    for (let use = 0; use < 2; use++) {
      expect(await keeping.ask(goodKey)).toMatchObject({ accessToken: body.access_token })
    }
    expect(await keeping.ask(body.access_token)).toMatchObject({ accessToken: body.access_token })
    expect(JSON.stringify(keeping.log)).not.toContain(body.access_token)
    await keeping.close()
  })

  test('a hundred first uses at the same time are one exchange', async () => {
    const callers = await Promise.all(Array.from({ length: 100 }, () => subject.ask(goodKey)))
    expect(callers.every((caller) => typeof caller === 'object')).toBe(true)
    expect(forms).toHaveLength(1)
  })

  test('before the access token ends, a new one is fetched while the old one serves', async () => {
    await subject.ask(goodKey)
    await clock.pass(241_000)
    expect(await subject.ask(goodKey)).toMatchObject({ claims: { sub: 'subject-1' } })
    await until(async () => forms.length === 2)
    await clock.pass(100_000)
    expect(await subject.ask(goodKey)).toMatchObject({ claims: { sub: 'subject-1' } })
    expect(forms).toHaveLength(2)
  })

  test('a key that is refused when its access token is renewed is refused immediately', async () => {
    await subject.ask(goodKey)
    answer = refusal
    await clock.pass(241_000)
    await subject.ask(goodKey)
    await until(async () => (await subject.ask(goodKey)) === 'API_KEY_REFUSED')
    expect(forms).toHaveLength(2)
  })

  test.each(['invalid_grant', 'invalid_request'])(
    '%s is a refusal, remembered for a moment',
    async (error) => {
      answer = async () => ({ status: 400, body: { error } })
      for (let use = 0; use < 3; use++) expect(await subject.ask(goodKey)).toBe('API_KEY_REFUSED')
      expect(forms).toHaveLength(1)
      answer = () => granted()
      await clock.pass(5_001)
      expect(await subject.ask(goodKey)).toMatchObject({ claims: { sub: 'subject-1' } })
    },
  )

  test.each([
    ['500', { status: 500, body: { error: 'server_error' } }],
    ['an unknown grant type', { status: 400, body: { error: 'unsupported_grant_type' } }],
    ['HTML', { status: 200, body: '<html>', type: 'text/html' }],
    ['a list', { status: 200, body: [] }],
    ['a number as the token', { status: 200, body: { access_token: 1 } }],
    ['an endless response', { status: 200, body: { access_token: 'x'.repeat(100_000) } }],
    ['a redirect', { status: 307, body: {} }],
  ])('%s is not the fault of the key: 503, and a pause of a second', async (_name, broken) => {
    answer = async () => broken
    for (let use = 0; use < 3; use++) {
      expect(await subject.ask(goodKey)).toBe('API_KEYS_UNAVAILABLE')
    }
    expect(forms).toHaveLength(1)
    answer = () => granted()
    await clock.pass(1_001)
    expect(await subject.ask(goodKey)).toMatchObject({ claims: { sub: 'subject-1' } })
  })

  test('an issuer that does not respond in time is a timeout', async () => {
    answer = () => new Promise(() => {})
    expect(await subject.ask(goodKey)).toBe('API_KEYS_UNAVAILABLE')
  })

  test('a text that cannot be a key is refused without a request', async () => {
    expect(await subject.ask('pck_a b')).toBe('API_KEY_REFUSED')
    expect(await subject.ask(`pck_${'x'.repeat(600)}`)).toBe('API_KEY_REFUSED')
    expect(await subject.ask('pck_ä')).toBe('API_KEY_REFUSED')
    expect(forms).toEqual([])
  })

  test('a flood of different keys becomes no flood at the issuer', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    answer = () => held.then(refusal)
    const patient = make({ timeout: 20_000, entries: 10_000 })
    const asked = Array.from({ length: 1_000 }, (_, index) => patient.ask(`pck_${index}`))
    const outcomes = Promise.all(asked)
    await Promise.race(asked)
    release()
    const count = (name: string) =>
      outcomes.then((all) => all.filter((outcome) => outcome === name).length)
    expect(await count('API_KEY_REFUSED')).toBe(128)
    expect(await count('API_KEYS_UNAVAILABLE')).toBe(872)
    await patient.close()
  })

  test('an access token that was revoked is exchanged anew, once: logging out everywhere ends no key', async () => {
    const revocation = publishRevocation(issuer, signer)
    await subject.close()
    const { notBeforeUri } = revocation
    const options = issuerOptions(issuer, {
      revocation: {
        statusLists: [],
        notBefore: notBeforeUri,
        refresh: 1_000,
        staleFor: 300_000,
        whenStale: 'refuse',
        required: false,
        timeout: 30_000,
      },
    })
    subject = make({}, { issuers: [options] })
    await subject.warm
    expect(await subject.ask(goodKey)).toMatchObject({ claims: { sub: 'subject-1' } })
    revocation.subjects.set('subject-1', Math.floor(clock.now() / 1_000) + 2)
    await clock.pass(2_500)
    const outcomes: unknown[] = []
    await until(async () => {
      await clock.pass(1_000)
      outcomes.push(await subject.ask(goodKey))
      return forms.length === 2
    })
    // Not for a moment was the key refused.
    for (const each of outcomes) expect(each).toMatchObject({ claims: { sub: 'subject-1' } })
    expect(await subject.ask(goodKey)).toMatchObject({ claims: { sub: 'subject-1' } })
    expect(forms).toHaveLength(2)
  })

  test('a key whose new access token is not valid either is refused, without another request for a moment', async () => {
    answer = () => granted({ exp: Math.floor(clock.now() / 1_000) - 60 })
    for (let use = 0; use < 5; use++) expect(await subject.ask(goodKey)).toBe('API_KEY_REFUSED')
    expect(forms).toHaveLength(1)
  })

  test('the access token is judged by the same rules: one for another audience is refused', async () => {
    answer = () => granted({ aud: 'somebody else' })
    expect(await subject.ask(goodKey)).toBe('AUDIENCE_MISMATCH')
  })

  test('on_invalid: anonymous ignores a bad key, but never an issuer that is away', async () => {
    const lenient = make({}, { onInvalid: 'anonymous' })
    answer = refusal
    expect(await lenient.ask('pck_bad')).toEqual({ claims: null })
    answer = async () => ({ status: 500, body: '' })
    expect(await lenient.ask('pck_other')).toBe('API_KEYS_UNAVAILABLE')
    await lenient.close()
  })

  test('without api_keys a key is nothing but a malformed access token', async () => {
    const without = testAuthenticator([issuerOptions(issuer)])
    expect(await outcome(without, { authorization: [`Bearer ${goodKey}`] })).toBe('TOKEN_MALFORMED')
    await without.close()
  })

  test('neither the key nor the access token stands in the log', async () => {
    await subject.ask(goodKey)
    answer = refusal
    await subject.ask('pck_bad')
    const log = JSON.stringify(subject.log)
    expect(log).toContain('API_KEY_REFUSED')
    expect(log).not.toMatch(/pck_|eyJ/)
  })
})
