/** Every HTTP response of a subgraph is for programs: JSON, or the format of its RFC, never a page. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connect } from 'node:net'
import { sql } from 'kysely'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { gatewayHeaders } from '../../subgraphs/kit/testing.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { startUsers } from '../../subgraphs/users/start-users.ts'
import { asker, claimsKeyOf, gatewaySecret } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes, loggedIn } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { recordedLog } from '../support/recorded-log.ts'

const databases = await testDatabases()
const form = { 'content-type': 'application/x-www-form-urlencoded' }

interface Got {
  readonly status: number
  readonly headers: Headers
  readonly body: any
}

async function get(base: string, path: string, init: RequestInit = {}): Promise<Got> {
  const response = await fetch(new URL(path, base), init)
  const text = await response.text()
  expect({ path, text }).toEqual({ path, text: expect.not.stringMatching(/<[a-z!]/i) })
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  if (text !== '')
    expect(response.headers.get('content-type')).toMatch(/^application\/([a-z-]+\+)?json/)
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}

describe('a subgraph', () => {
  let auth: RunningProcess
  let users: RunningProcess
  const scratches: ScratchDatabase[] = []
  const { log, lines } = recordedLog()

  beforeAll(async () => {
    scratches.push(await databases[0]!.make(), await databases[0]!.make())
    auth = await startAuth(authEnvironment(scratches[0]!.url), { hashParameters: cheapHashes, log })
    users = await startUsers(
      {
        USERS_PORT: '0',
        DATABASE_URL: scratches[1]!.url,
        CLAIMS_KEY: claimsKeyOf('users'),
      },
      { log },
    )
  })
  afterAll(async () => {
    await auth.close()
    await users.close()
    for (const scratch of scratches) await scratch.drop()
  })

  const each = () => [auth.url, users.url]

  test.each(['/', '/nowhere', '/graphql/nowhere/', '/.well-known/nowhere', '/%7Bx%7D'])(
    'responds to %s with JSON',
    async (path) => {
      for (const base of each()) {
        for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND']) {
          const { status, body } = await get(base, path, { method })
          expect([401, 404]).toContain(status)
          expect(body).toEqual(expect.any(Object))
        }
      }
    },
  )

  test('says which methods a path has', async () => {
    const readable = [
      '/.well-known/jwks.json',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      '/status-lists',
      '/status-lists/1',
      '/revocations',
    ]
    const paths = [
      ...each().flatMap((base) => ['/health', '/ready'].map((path) => ({ base, path }))),
      ...readable.map((path) => ({ base: auth.url, path })),
    ]
    for (const { base, path } of paths) {
      for (const method of ['POST', 'PUT', 'OPTIONS']) {
        const { status, headers, body } = await get(base, path, { method })
        expect({ path, status, body }).toEqual({
          path,
          status: 405,
          body: { error: 'method_not_allowed' },
        })
        expect(headers.get('allow')).toBe('GET, HEAD')
      }
    }
    for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
      const { status, headers } = await get(auth.url, path, { method: 'DELETE' })
      expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'POST' })
    }
  })

  test('responds with 400 to an address that cannot be decoded', async () => {
    for (const path of ['/status-lists/%E0%A4%A', '/%']) {
      for (const base of each()) {
        const { status } = await get(base, path)
        expect([400, 404]).toContain(status)
      }
    }
  })

  test.each<[string, RequestInit, number, RegExp]>([
    [
      'of another type',
      { body: '{}', headers: { 'content-type': 'text/html' } },
      400,
      /urlencoded/,
    ],
    [
      'too large',
      { body: `a=${'x'.repeat(30_000)}`, headers: form },
      413,
      /larger than 20000 bytes/,
    ],
    [
      'with too many parameters',
      { body: Array.from({ length: 2_000 }, (_, index) => `${index}=`).join('&'), headers: form },
      413,
      /too many parameters/,
    ],
    [
      'compressed',
      { body: 'a=b', headers: { ...form, 'content-encoding': 'gzip' } },
      415,
      /without content encoding/,
    ],
    [
      'of another charset',
      { body: 'a=b', headers: { 'content-type': `${form['content-type']}; charset=utf-7` } },
      415,
      /UTF-8/,
    ],
  ])('answers a form %s in the format of RFC 6749', async (_name, init, status, description) => {
    for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
      const got = await get(auth.url, path, { method: 'POST', ...init })
      expect(got).toMatchObject({
        status,
        body: { error: 'invalid_request', error_description: expect.stringMatching(description) },
      })
    }
  })

  test('responds with GraphQL errors to a GraphQL request that cannot be read', async () => {
    for (const [name, base] of [
      ['auth', auth.url],
      ['users', users.url],
    ] as const) {
      const fromGateway = gatewayHeaders(name, deriveClaimsKey(gatewaySecret, name), null)
      const json = { 'content-type': 'application/json', ...fromGateway }
      for (const init of [
        { method: 'POST', body: '{', headers: json },
        { method: 'POST', body: '[]', headers: json },
        { method: 'POST', body: '', headers: json },
        { method: 'POST', body: 'x'.repeat(11 * 1024 * 1024), headers: json },
        { method: 'POST', body: '{}', headers: { ...json, 'content-encoding': 'br' } },
        { method: 'PUT', body: '{}', headers: json },
        { method: 'DELETE', headers: json },
        { method: 'GET', headers: fromGateway },
        { method: 'POST', body: '{}' },
      ]) {
        const { status, body } = await get(base, base, init)
        expect(status).toBeGreaterThanOrEqual(400)
        expect(status).toBeLessThan(500)
        expect(body.errors).toMatchObject([{ message: expect.any(String) }])
      }
    }
  })

  test.each([
    ['what is no HTTP', 'nonsense\r\n\r\n', '400 Bad Request'],
    ['a method that does not exist', 'NONSENSE / HTTP/1.1\r\nhost: a\r\n\r\n', '400 Bad Request'],
    [
      'headers without an end',
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
    ],
  ])('responds to %s with JSON', async (_name, bytes, status) => {
    for (const base of each()) {
      const { hostname, port } = new URL(base)
      const text = await new Promise<string>((resolve) => {
        const socket = connect(Number(port), hostname, () => socket.write(bytes))
        let got = ''
        socket.on('data', (chunk) => (got += chunk)).on('close', () => resolve(got))
      })
      const [head, body] = text.split('\r\n\r\n')
      expect(head).toContain(`HTTP/1.1 ${status}\r\n`)
      expect(head).toMatch(/content-type: application\/json/)
      expect(head).toMatch(/x-request-id: [0-9a-f-]{36}/)
      expect(JSON.parse(body!)).toEqual({ error: 'invalid_request' })
    }
  })

  test('responds with 500 and no detail to an unforeseen error', async () => {
    const { refreshToken } = await loggedIn(asker('auth', auth.url))
    const database = await openDatabase<any>(scratches[0]!.url)
    for (const table of ['auth_signing_keys', 'auth_counters']) {
      await sql`drop table ${sql.table(table)}`.execute(database)
    }
    await database.destroy()
    lines.length = 0
    const refresh = { grant_type: 'refresh_token', refresh_token: refreshToken }
    for (const got of [
      await get(auth.url, '/.well-known/jwks.json'),
      await get(auth.url, '/status-lists'),
      await get(auth.url, '/oauth/token', { method: 'POST', body: new URLSearchParams(refresh) }),
    ]) {
      expect(got).toMatchObject({ status: 500, body: { error: 'server_error' } })
      expect(got.headers.get('cache-control')).toBe('no-store')
    }
    expect(lines.filter((line) => line.includes('unforeseen error'))).toHaveLength(3)
  })
})

const postgres = databases.find(({ name }) => name === 'PostgreSQL')
const describeOnPostgres = postgres ? describe : describe.skip

describeOnPostgres('while the database is away', () => {
  test('every response of auth and users is 503 with Retry-After, or SERVICE_UNAVAILABLE', async () => {
    const { log, lines } = recordedLog()
    const logOfUsers = recordedLog()
    const scratch = await postgres!.make()
    const auth = await startAuth(authEnvironment(scratch.url), { hashParameters: cheapHashes, log })
    const users = await startUsers(
      {
        USERS_PORT: '0',
        DATABASE_URL: scratch.url,
        CLAIMS_KEY: claimsKeyOf('users'),
      },
      { log: logOfUsers.log },
    )
    const ask = asker('auth', auth.url)
    const { refreshToken, claims } = await loggedIn(ask)
    await scratch.drop()

    const post = (path: string, body: Record<string, string>, headers = {}) =>
      get(auth.url, path, { method: 'POST', body: new URLSearchParams(body), headers })
    const basic = { authorization: `Basic ${Buffer.from('client:secret').toString('base64')}` }
    const exchange = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:portcullis:params:oauth:token-type:api-key',
      subject_token: `pck_${'x'.repeat(43)}`,
    }
    const plain = {
      keys: await get(auth.url, '/.well-known/jwks.json'),
      lists: await get(auth.url, '/status-lists'),
      list: await get(auth.url, '/status-lists/1'),
      revocations: await get(auth.url, '/revocations'),
      refresh: await post('/oauth/token', {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
      }),
      client: await post('/oauth/token', { grant_type: 'client_credentials' }, basic),
      apiKey: await post('/oauth/token', exchange),
      introspection: await post('/oauth/introspect', { token: refreshToken }, basic),
      revocation: await post('/oauth/revoke', { token: refreshToken }),
    }
    for (const [name, { status, headers, body }] of Object.entries(plain)) {
      expect({ name, status, body, retryAfter: headers.get('retry-after') }).toEqual({
        name,
        status: 503,
        body: { error: 'temporarily_unavailable' },
        retryAfter: '5',
      })
      expect(headers.get('cache-control')).toBe('no-store')
    }
    for (const { url } of [auth, users]) {
      expect(await get(url, '/ready')).toMatchObject({ status: 503, body: { status: 'not ready' } })
    }
    const unavailable = {
      message: 'The service is unavailable: retry after 5 seconds',
      extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 5 },
    }
    for (const answer of [
      await ask(null, 'mutation { login(username: "alice", password: "secret") { token } }'),
      await ask(null, `mutation { refresh(refreshToken: "${refreshToken}") { token } }`),
      await ask(claims, '{ me { username } }'),
      await asker('users', users.url)({ sub: 'new' }, '{ userData { name } }'),
    ]) {
      expect(answer.errors).toMatchObject([unavailable])
    }
    // One line for each subgraph, however many requests there were; the password is in none.
    for (const written of [lines, logOfUsers.lines]) {
      expect(written.filter((line) => line.includes('the database is unavailable'))).toHaveLength(1)
      expect(written.join('\n')).not.toContain(new URL(scratch.url).password)
    }
    await auth.close()
    await users.close()
  })
})
