import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { sql } from 'kysely'
import * as oauth from 'oauth4webapi'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { issuerOptions, testAuthenticator } from '../authentication/support/test-authenticator.ts'
import { administrator } from '../support/administrator.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import {
  authEnvironment,
  cheapHashes,
  claimsOf,
  loggedIn,
  refresh,
  signedUp,
} from '../support/auth-client.ts'
import type { CallerClaims } from '../support/auth-client.ts'
import { gatewayOfAuth } from '../support/gateway-of-auth.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { recordedLog } from '../support/recorded-log.ts'

const exchange = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token_type: 'urn:portcullis:params:oauth:token-type:api-key',
}

describe.each(await testDatabases())('standard endpoints on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let running: RunningProcess
  let ask: Ask
  let admin: CallerClaims
  /** How far the clock of the auth process is ahead, in milliseconds. */
  let ahead = 0

  const { log, lines } = recordedLog()

  beforeAll(async () => {
    scratch = await make()
    running = await startAuth(authEnvironment(scratch.url), {
      log,
      hashParameters: cheapHashes,
      now: () => Date.now() + ahead,
    })
    ask = asker('auth', running.url)
    admin = (await administrator(ask, scratch.url)).claims
  })
  afterAll(async () => {
    await running.close()
    await scratch.drop()
  })

  const url = (path: string) => new URL(path, running.url)
  const post = async (
    path: string,
    form: Record<string, string> | string,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(url(path), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(form),
    })
    const text = await response.text()
    return { response, status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  const basic = ({ id, secret }: { id: string; secret: string }) => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${secret}`).toString('base64')}`,
  })
  const newClient = async (...scopes: string[]) => {
    const mutation = `mutation ($scopes: [String!]!) {
      adminCreateClient(name: "Nightly job", scopes: $scopes) { secret client { id scopes } }
    }`
    const { client, secret } = (await ask(admin, mutation, { scopes })).data.adminCreateClient
    return { id: client.id as string, secret: secret as string }
  }
  const newApiKey = async (claims: Parameters<Ask>[0], ...scopes: string[]) => {
    const mutation = `mutation ($scopes: [String!]!) {
      createApiKey(name: "My script", scopes: $scopes) { key apiKey { id name scopes lastUsedAt } }
    }`
    const answer = await ask(claims, mutation, { scopes })
    return { answer, ...answer.data.createApiKey } as { answer: any; key: string; apiKey: any }
  }
  const keySet = async () =>
    createLocalJWKSet((await (await fetch(url('/.well-known/jwks.json'))).json()) as any)

  test.each(['oauth-authorization-server', 'openid-configuration'])(
    'the metadata of %s names issuer and endpoints that exist',
    async (name) => {
      const response = await fetch(url(`/.well-known/${name}`))
      const metadata = (await response.json()) as Record<string, any>
      expect(response.headers.get('cache-control')).toMatch(/^public, max-age=/)
      expect(metadata.issuer).toBe('http://127.0.0.1:4001')
      for (const member of [
        'jwks_uri',
        'status_list_aggregation_endpoint',
        'subject_cut_offs_endpoint',
      ]) {
        expect((await fetch(metadata[member])).status).toBe(200)
      }
      for (const member of ['token_endpoint', 'introspection_endpoint', 'revocation_endpoint']) {
        expect((await fetch(metadata[member])).status).toBe(405)
      }
    },
  )

  describe('a client', () => {
    test('finds auth by the metadata of the gateway, logs in, and is served', async () => {
      const publicUrl = 'https://api.example.com/graphql'
      const gateway = await gatewayOfAuth(running.url, '1s', `http: { public_url: ${publicUrl} }`)
      /** Where the addresses that the client knows, or is told, lead to in this test. */
      const hosts: Readonly<Record<string, string>> = {
        'https://api.example.com': gateway.url,
        'http://127.0.0.1:4001': running.url,
      }
      const options = {
        [oauth.customFetch](address: string, init: object) {
          const { origin, pathname } = new URL(address)
          return fetch(new URL(pathname, hosts[origin] ?? origin), init)
        },
        [oauth.allowInsecureRequests]: true,
      }
      const resource = new URL(publicUrl)
      const metadata = await oauth.processResourceDiscoveryResponse(
        resource,
        await oauth.resourceDiscoveryRequest(resource, options),
      )
      const issuer = new URL(metadata.authorization_servers![0]!)
      const server = await oauth.processDiscoveryResponse(
        issuer,
        await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }),
      )
      const { id, secret } = await newClient('reports:read')
      const client = { client_id: id }
      const { access_token: token } = await oauth.processClientCredentialsResponse(
        server,
        client,
        await oauth.clientCredentialsGrantRequest(
          server,
          client,
          oauth.ClientSecretBasic(secret),
          { scope: 'reports:read' },
          options,
        ),
      )
      const served = await oauth.protectedResourceRequest(
        token,
        'POST',
        resource,
        new Headers({ 'content-type': 'application/json' }),
        JSON.stringify({ query: '{ __typename }' }),
        options,
      )
      expect(await served.json()).toEqual({ data: { __typename: 'Query' } })
      await gateway.close()
    })

    test('logs in by itself, for its scopes or fewer', async () => {
      const client = await newClient('reports:read', 'reports:write')
      const grant = { grant_type: 'client_credentials' }
      const { response, body } = await post('/oauth/token', grant, basic(client))
      expect(body).toEqual({
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: 300,
        scope: 'reports:read reports:write',
      })
      expect(response.headers.get('cache-control')).toBe('no-store')
      const { payload } = await jwtVerify(body.access_token, await keySet(), {
        typ: 'at+jwt',
        audience: 'portcullis',
      })
      expect(payload).toMatchObject({ sub: client.id, client_id: client.id, name: 'Nightly job' })
      expect(payload).not.toHaveProperty('sid')

      const fewer = {
        ...grant,
        client_id: client.id,
        client_secret: client.secret,
        scope: 'reports:read',
      }
      expect((await post('/oauth/token', fewer)).body.scope).toBe('reports:read')
      const more = await post('/oauth/token', { ...grant, scope: 'admin:users' }, basic(client))
      expect([more.status, more.body.error]).toEqual([400, 'invalid_scope'])
    })

    test('administers within its scopes, where the gateway says that it is one of ours', async () => {
      lines.length = 0
      const client = await newClient('admin:audit')
      const form = { grant_type: 'client_credentials' }
      const { body } = await post('/oauth/token', form, basic(client))
      const claims = claimsOf(body.access_token)
      const audit = '{ adminAudit { endCursor } }'
      const answers = [
        await ask(claims, audit),
        await ask(claims, '{ adminUsers { endCursor } }'),
        await ask({ ...claims, scope: 'admin:users' }, '{ adminUsers { endCursor } }'),
        await ask({ ...claims, iss: 'https://other.example' }, audit),
        await ask({ sub: claims.sub, scope: String(claims.scope) }, audit),
      ]
      expect(answers.map(codes)).toEqual([[], ...Array(4).fill(['FORBIDDEN'])])
      expect(answers[4]!.errors![0]!.message).toContain('claims.forward')
      expect(lines.filter((line) => line.includes('needs the claim iss'))).toHaveLength(1)
      const disable = 'mutation ($id: ID!) { adminDisableClient(id: $id) { disabled } }'
      await ask(admin, disable, { id: client.id })
      expect(codes(await ask(claims, audit))).toEqual(['FORBIDDEN'])
    })

    test('that is unknown, has a wrong secret or is disabled gets nothing', async () => {
      const client = await newClient('reports:read')
      const grant = { grant_type: 'client_credentials' }
      await post('/oauth/token', grant, basic(client))
      const disable = 'mutation ($id: ID!) { adminDisableClient(id: $id) { disabled } }'
      const attempts = [
        await post('/oauth/token', grant),
        await post('/oauth/token', grant, basic({ ...client, secret: 'wrong' })),
        await post('/oauth/token', grant, basic({ ...client, id: 'client_unknown' })),
        await post('/oauth/token', grant, { authorization: 'Basic %%%' }),
        await post('/oauth/token', grant, { authorization: `Bearer ${client.secret}` }),
      ]
      expect((await ask(admin, disable, { id: client.id })).data.adminDisableClient.disabled).toBe(
        true,
      )
      attempts.push(await post('/oauth/token', grant, basic(client)))
      for (const { status, response, body } of attempts) {
        expect([status, body.error]).toEqual([401, 'invalid_client'])
        expect(response.headers.get('www-authenticate')).toBe('Basic realm="portcullis"')
      }
    })

    test('is made by administrators only, and its secret is not kept in the clear', async () => {
      const { claims } = await loggedIn(ask)
      const mutation = 'mutation { adminCreateClient(name: "x", scopes: []) { secret } }'
      expect(codes(await ask(claims, mutation))).toEqual(['FORBIDDEN'])
      const { secret } = await newClient('a')
      const database = await openDatabase<any>(scratch.url)
      const { rows } = await sql`select * from auth_clients`.execute(database)
      await database.destroy()
      expect(JSON.stringify(rows)).not.toContain(secret)
      const { data } = await ask(admin, '{ adminClients { nodes { name scopes disabled } } }')
      expect(data.adminClients.nodes).toContainEqual({
        name: 'Nightly job',
        scopes: ['a'],
        disabled: false,
      })
    })

    test('is listed once, on one of the pages', async () => {
      const made: string[] = []
      for (let count = 0; count < 3; count++) made.push((await newClient('a')).id)
      const seen: string[] = []
      let after: string | null = null
      do {
        const query = `query ($after: String) {
          adminClients(first: 2, after: $after) { nodes { id } endCursor }
        }`
        const page: any = (await ask(admin, query, { after })).data.adminClients
        expect(page.nodes.length).toBeLessThanOrEqual(2)
        seen.push(...page.nodes.map(({ id }: { id: string }) => id))
        after = page.endCursor
      } while (after !== null)
      expect(new Set(seen).size).toBe(seen.length)
      expect(seen).toEqual(expect.arrayContaining(made))
      expect(codes(await ask(admin, '{ adminClients(first: 201) { endCursor } }'))).toEqual([
        'BAD_USER_INPUT',
      ])
    })
  })

  describe('an API key', () => {
    test('is exchanged for an access token of its maker, within its scopes', async () => {
      const { claims } = await loggedIn(ask)
      const { key, apiKey } = await newApiKey(claims, 'profile')
      expect(apiKey).toMatchObject({ name: 'My script', scopes: ['profile'], lastUsedAt: null })
      const { status, body } = await post('/oauth/token', { ...exchange, subject_token: key })
      expect(status).toBe(200)
      expect(body).toMatchObject({ scope: 'profile', token_type: 'Bearer' })
      const token = claimsOf(body.access_token)
      expect(token).toMatchObject({ sub: '1', name: 'Alice', scope: 'profile', akid: apiKey.id })
      // Not with these scopes.
      expect(token).not.toHaveProperty('email')
      expect(token.status.status_list.uri).toContain('/status-lists/1')
      const { data } = await ask(claims, '{ apiKeys { id lastUsedAt } }')
      expect(data.apiKeys).toContainEqual({ id: apiKey.id, lastUsedAt: expect.any(String) })
    })

    test('has each scope once, however often it is given, as a client has', async () => {
      const { claims } = await loggedIn(ask)
      const { key, apiKey } = await newApiKey(claims, ...Array<string>(5_000).fill('profile'))
      expect(apiKey.scopes).toEqual(['profile'])
      // One that was made when repetitions were kept.
      const database = await openDatabase<any>(scratch.url)
      await sql`update auth_api_keys set scope = 'profile profile' where id = ${apiKey.id}`.execute(
        database,
      )
      await database.destroy()
      const { body } = await post('/oauth/token', { ...exchange, subject_token: key })
      expect(body.scope).toBe('profile')
      const client = await newClient('a', 'b', 'a')
      const form = { grant_type: 'client_credentials' }
      expect((await post('/oauth/token', form, basic(client))).body.scope).toBe('a b')
    })

    test('is one of at most 50 per account, also when many are created concurrently', async () => {
      const credentials = await signedUp(ask, 'collector', 'purple kangaroo sings')
      const { claims } = await loggedIn(ask, credentials)
      const make = () => ask(claims, 'mutation { createApiKey(name: "k", scopes: []) { key } }')
      const made = await Promise.all(Array.from({ length: 70 }, make))
      expect(made.filter((answer) => codes(answer).length === 0)).toHaveLength(50)
      expect((await ask(claims, '{ apiKeys { id } }')).data.apiKeys).toHaveLength(50)
    })

    test('cannot have scopes that its maker lacks, nor be made with a key', async () => {
      const { claims } = await loggedIn(ask)
      expect(codes((await newApiKey(claims, 'admin:users')).answer)).toEqual(['BAD_USER_INPUT'])
      const { key } = await newApiKey(claims, 'profile')
      const { body } = await post('/oauth/token', { ...exchange, subject_token: key })
      const { answer } = await newApiKey(claimsOf(body.access_token), 'profile')
      expect(codes(answer)).toEqual(['UNAUTHENTICATED'])
    })

    test('that was revoked is exchanged no more, and its access tokens are on the list', async () => {
      const { claims } = await loggedIn(ask)
      const { key, apiKey } = await newApiKey(claims, 'profile')
      const { body } = await post('/oauth/token', { ...exchange, subject_token: key })
      const mutation = 'mutation ($id: ID!) { revokeApiKey(id: $id) }'
      const stranger = (await loggedIn(ask)).claims
      expect(
        (await ask({ ...stranger, sub: '2' }, mutation, { id: apiKey.id })).data.revokeApiKey,
      ).toBeNull()
      expect((await ask(claims, mutation, { id: apiKey.id })).data.revokeApiKey).toBe(true)
      expect((await ask(claims, mutation, { id: apiKey.id })).data.revokeApiKey).toBe(false)
      const again = await post('/oauth/token', { ...exchange, subject_token: key })
      expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
      const { client } = { client: await newClient('introspect') }
      const seen = await post('/oauth/introspect', { token: body.access_token }, basic(client))
      expect(seen.body).toEqual({ active: false })
    })

    test('is not stored in the clear', async () => {
      const { claims } = await loggedIn(ask)
      const { key } = await newApiKey(claims, 'profile')
      const database = await openDatabase<any>(scratch.url)
      const { rows } = await sql`select * from auth_api_keys`.execute(database)
      await database.destroy()
      expect(key).toMatch(/^pck_[\w-]{43}$/)
      expect(JSON.stringify(rows)).not.toContain(key.slice(4))
    })
  })

  test('a refresh token is exchanged at the token endpoint, too, once', async () => {
    const { refreshToken, claims } = await loggedIn(ask)
    const grant = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const { body } = await post('/oauth/token', grant)
    expect(claimsOf(body.access_token).sid).toBe(claims.sid)
    expect(codes(await refresh(ask, body.refresh_token))).toEqual([])
    expect((await post('/oauth/token', grant)).body.error).toBe('invalid_grant')
  })

  test('a refresh token that was just replaced gets an error to retry, not to log in again', async () => {
    const { refreshToken } = await loggedIn(ask)
    const grant = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const { body } = await post('/oauth/token', grant)
    const again = await post('/oauth/token', grant)
    expect([again.status, again.body.error]).toEqual([429, 'slow_down'])
    const retryAfter = Number(again.response.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThan(0)
    expect(retryAfter).toBeLessThanOrEqual(10)
    ahead = 11_000
    const repeated = await post('/oauth/token', grant)
    ahead = 0
    expect(repeated.status).toBe(200)
    const [lost, newest] = [body.refresh_token, repeated.body.refresh_token]
    const use = (token: string) => post('/oauth/token', { ...grant, refresh_token: token })
    expect((await use(lost)).body.error).toBe('invalid_grant')
    expect((await use(newest)).status).toBe(200)
  })

  describe('introspection', () => {
    test('reports the state of a token to an authorized client', async () => {
      const client = await newClient('introspect')
      const { token, refreshToken, claims } = await loggedIn(ask)
      const { body, response } = await post('/oauth/introspect', { token }, basic(client))
      expect(body).toMatchObject({ active: true, sub: '1', sid: claims.sid, token_type: 'Bearer' })
      expect(response.headers.get('cache-control')).toBe('no-store')
      const refreshable = await post('/oauth/introspect', { token: refreshToken }, basic(client))
      expect(refreshable.body).toMatchObject({ active: true, sub: '1', sid: claims.sid })
      await ask(claims, 'mutation { logout }')
      for (const ended of [token, refreshToken, 'garbage', `${token}x`]) {
        const answer = await post('/oauth/introspect', { token: ended }, basic(client))
        expect(answer.body).toEqual({ active: false })
      }
    })

    test('respects a not-before entry of an auth process that does not count generations', async () => {
      const client = await newClient('introspect')
      const form = { grant_type: 'client_credentials' }
      const token = (await post('/oauth/token', form, basic(client))).body.access_token
      const introspect = () => post('/oauth/introspect', { token }, basic(client))
      expect((await introspect()).body.active).toBe(true)
      const database = await openDatabase<any>(scratch.url)
      const { iat } = claimsOf(token)
      await sql`insert into auth_subject_cut_offs (subject, issued_before, expires_at)
        values (${client.id}, ${iat}, ${Date.now() + 300_000})`.execute(database)
      await database.destroy()
      expect((await introspect()).body).toEqual({ active: false })
    })

    test('lets a gateway that asks here accept an access token until its session ends, and no refresh token', async () => {
      const client = await newClient('introspect')
      const { token, refreshToken, claims } = await loggedIn(ask)
      const { iss, aud } = claimsOf(token)
      const endpoint = url('/oauth/introspect').href
      const gatewayOf = (clientSecret: string) => {
        const times = { activeFor: 0, keepConnectionsFor: 0, timeout: 10_000 }
        const introspection = { endpoint, clientId: client.id, clientSecret, ...times }
        const options = { keys: undefined, introspection }
        const issuer = { issuer: String(iss), jwksUri: '' }
        return testAuthenticator([issuerOptions(issuer, { ...options, audiences: [String(aud)] })])
      }
      const gateway = gatewayOf(client.secret)
      expect(await gateway.ask(token)).toMatchObject({ issuer: iss, claims: { sub: '1' } })
      expect(await gateway.ask(refreshToken)).toBe('CLAIM_MISSING')
      await ask(claims, 'mutation { logout }')
      expect(await gateway.ask(token)).toBe('TOKEN_INACTIVE')
      const stranger = gatewayOf('another secret')
      expect(await stranger.ask(token)).toBe('INTROSPECTION_UNAVAILABLE')
      await Promise.all([gateway.close(), stranger.close()])
    })

    test('is refused to all other clients', async () => {
      const { token } = await loggedIn(ask)
      const other = await newClient('reports:read')
      expect((await post('/oauth/introspect', { token })).status).toBe(401)
      const lacking = await post('/oauth/introspect', { token }, basic(other))
      expect([lacking.status, lacking.body.error]).toEqual([403, 'insufficient_scope'])
    })
  })

  describe('revocation', () => {
    test.each(['token', 'refreshToken'] as const)('of a %s ends its session', async (kind) => {
      const tokens = await loggedIn(ask)
      const { status, body } = await post('/oauth/revoke', { token: tokens[kind] })
      expect({ status, body }).toEqual({ status: 200, body: undefined })
      expect(codes(await refresh(ask, tokens.refreshToken))).toEqual(['SESSION_ENDED'])
    })

    test('of an API key that was found somewhere ends the key', async () => {
      const { key } = await newApiKey((await loggedIn(ask)).claims, 'profile')
      expect((await post('/oauth/revoke', { token: key })).status).toBe(200)
      const { body } = await post('/oauth/token', { ...exchange, subject_token: key })
      expect(body.error).toBe('invalid_grant')
    })

    test('of something unknown has the same response', async () => {
      for (const token of ['garbage', `pck_${'a'.repeat(43)}`]) {
        expect((await post('/oauth/revoke', { token })).status).toBe(200)
      }
    })
  })

  test.each(['/oauth/token', '/oauth/introspect', '/oauth/revoke'])(
    '%s is strict',
    async (path) => {
      const json = { 'content-type': 'application/json' }
      const attempts = {
        GET: await fetch(url(`${path}?token=x`)),
        json: await fetch(url(path), { method: 'POST', headers: json, body: '{}' }),
        empty: (await post(path, {})).response,
        twice: (await post(path, 'token=a&token=b&grant_type=client_credentials')).response,
        large: (await post(path, { token: 'x'.repeat(30_000) })).response,
      }
      const statuses = Object.fromEntries(
        Object.entries(attempts).map(([name, { status }]) => [name, status]),
      )
      expect(statuses).toMatchObject({ GET: 405, json: 400, twice: 400, large: 413 })
      expect([400, 401]).toContain(statuses.empty)
      expect(attempts.GET.headers.get('allow')).toBe('POST')
      for (const response of Object.values(attempts)) {
        expect(response.headers.get('cache-control')).toBe('no-store')
      }
    },
  )

  test('grants that are not offered are refused', async () => {
    const password = await post('/oauth/token', { grant_type: 'password', username: 'alice' })
    expect([password.status, password.body.error]).toEqual([400, 'unsupported_grant_type'])
    const prototype = await post('/oauth/token', { grant_type: '__proto__' })
    expect(prototype.body.error).toBe('unsupported_grant_type')
  })
})
