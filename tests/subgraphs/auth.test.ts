import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { sql } from 'kysely'
import { hashingQueue } from '../../subgraphs/auth/passwords/hashing-queue.ts'
import { passwordHasher } from '../../subgraphs/auth/passwords/hashing.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, claimsKeyOf, codes } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'

import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'

const keyEncryptionSecret = 'a key encryption secret of the tests'
const loginMutation = `mutation ($username: String!, $password: String!) {
  login(username: $username, password: $password) { token expiresIn user { id } }
}`
const alice = { username: 'alice', password: 'secret' }

describe.each(await testDatabases())('auth on $name', ({ name, make }) => {
  let scratch: ScratchDatabase
  let environment: Record<string, string>
  let running: RunningProcess
  let ask: Ask

  beforeAll(async () => {
    scratch = await make()
    environment = {
      AUTH_PORT: '0',
      DATABASE_URL: scratch.url,
      CLAIMS_KEY: claimsKeyOf('auth'),
      KEY_ENCRYPTION_SECRET: keyEncryptionSecret,
    }
    running = await startAuth(environment)
    ask = asker('auth', running.url)
  })
  afterAll(async () => {
    await running.close()
    await scratch.drop()
  })

  const login = (credentials: Record<string, string> = alice) =>
    ask(null, loginMutation, credentials)
  const keySet = async () => {
    const response = await fetch(new URL('/.well-known/jwks.json', running.url))
    return { response, body: (await response.json()) as { keys: Record<string, unknown>[] } }
  }
  /** Verifies the token as the gateway would, and returns its claims. */
  const verified = async (token: string) => {
    const { payload } = await jwtVerify(token, createLocalJWKSet((await keySet()).body as any), {
      issuer: 'http://127.0.0.1:4001',
      audience: 'portcullis',
      typ: 'at+jwt',
      algorithms: ['ES256'],
    })
    return payload as typeof payload & { sub: string; sid: string }
  }

  test('the right credentials give an access token in the profile of RFC 9068', async () => {
    const { data } = await login()
    expect(data.login).toEqual({ token: expect.any(String), expiresIn: 300, user: { id: '1' } })
    const claims = await verified(data.login.token)
    expect(claims).toMatchObject({
      iss: 'http://127.0.0.1:4001',
      aud: 'portcullis',
      sub: '1',
      client_id: 'portcullis',
      scope: 'profile profile:email',
      name: 'Alice',
      email: 'alice@example.com',
      email_verified: true,
      jti: expect.any(String),
      sid: expect.any(String),
    })
    expect(claims.exp! - claims.iat!).toBe(300)
    expect(Object.keys(decodeProtectedHeader(data.login.token)).sort()).toEqual([
      'alg',
      'kid',
      'typ',
    ])
  })

  test('each login is a session of its own', async () => {
    const [one, two] = await Promise.all([login(), login()])
    const [first, second] = [
      await verified(one.data.login.token),
      await verified(two.data.login.token),
    ]
    expect(first.sid).not.toBe(second.sid)
    expect(first.jti).not.toBe(second.jti)
  })

  test('an unknown user and a wrong password get the same response', async () => {
    const wrong = await login({ ...alice, password: 'Secret' })
    const unknown = await login({ ...alice, username: 'nobody' })
    expect(wrong).toEqual(unknown)
    expect(wrong).toMatchObject({
      data: { login: null },
      errors: [
        { message: 'Wrong username or password', extensions: { code: 'INVALID_CREDENTIALS' } },
      ],
    })
  })

  test('the public keys can be cached, and hold no private member', async () => {
    const { response, body } = await keySet()
    expect(response.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/)
    // The one that signs, and the one that will.
    expect(body.keys).toHaveLength(2)
    expect(Object.keys(body.keys[0]!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    expect(body.keys[0]).toMatchObject({ alg: 'ES256', use: 'sig' })
  })

  test("session is the caller's own session", async () => {
    const { sub, sid } = await verified((await login()).data.login.token)
    const { data } = await ask({ sub, sid }, '{ session { id expiresAt user { id } } }')
    expect(data.session).toMatchObject({ id: sid, user: { id: '1' } })
    expect(data.session.expiresAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(Date.parse(data.session.expiresAt)).toBeGreaterThan(Date.now())
  })

  test("session is null for claims without a session, and for somebody else's session", async () => {
    const { sid } = await verified((await login()).data.login.token)
    for (const claims of [{ sub: '1' }, { sub: '2', sid }, { sub: '1', sid: 'unknown' }]) {
      expect(await ask(claims, '{ session { id } }')).toEqual({ data: { session: null } })
    }
  })

  test('an anonymous caller has no session, and gets an UNAUTHENTICATED error', async () => {
    const answer = await ask(null, '{ session { id } }')
    expect(answer.data).toEqual({ session: null })
    expect(codes(answer)).toEqual(['UNAUTHENTICATED'])
  })

  test('the database holds no password and no private key in the clear', async () => {
    const database = await openDatabase<any>(scratch.url)
    const [accounts, keys] = [
      await sql<any>`select * from auth_accounts`.execute(database),
      await sql<any>`select * from auth_signing_keys`.execute(database),
    ]
    await database.destroy()
    expect(accounts.rows[0].password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(JSON.stringify(accounts.rows)).not.toContain('secret')
    expect(keys.rows[0].private_jwk).toMatch(/^[\w-]+$/)
    const { private_jwk: encrypted } = keys.rows[0]
    expect(Buffer.from(encrypted, 'base64url').toString('latin1')).not.toMatch(/"(d|kty)"/)
  })

  test('another start keeps account and key', async () => {
    const before = (await keySet()).body
    await running.close()
    running = await startAuth(environment)
    ask = asker('auth', running.url)
    expect((await keySet()).body).toEqual(before)
    await verified((await login()).data.login.token)
  })

  test('a wrong KEY_ENCRYPTION_SECRET is one sentence at the start', async () => {
    const wrong = { ...environment, KEY_ENCRYPTION_SECRET: 'another secret of sufficient length' }
    await expect(startAuth(wrong)).rejects.toMatchObject({
      name: 'StartFailure',
      message: expect.stringMatching(
        /^KEY_ENCRYPTION_SECRET does not decrypt the signing key [^\n]*$/,
      ),
    })
  })

  test('processes that start together agree on one key and one account', async () => {
    // Those on one SQLite file are processes of their own: see below.
    if (name === 'SQLite') return
    const own = await make()
    const settings = { ...environment, DATABASE_URL: own.url }
    const together = await Promise.all(Array.from({ length: 4 }, () => startAuth(settings)))
    const sets = await Promise.all(
      together.map(async ({ url }) => (await fetch(new URL('/.well-known/jwks.json', url))).text()),
    )
    expect(new Set(sets).size).toBe(1)
    const answers = await Promise.all(
      together.map(({ url }) => asker('auth', url)(null, loginMutation, alice)),
    )
    expect(answers.flatMap(codes)).toEqual([])
    await Promise.all(together.map((each) => each.close()))
    await own.drop()
  })

  test('in production there is no development account', async () => {
    const own = await make()
    const process = await startAuth({
      ...environment,
      NODE_ENV: 'production',
      DATABASE_URL: own.url,
      TOKEN_ISSUER: 'https://id.example.com',
      DRAIN_ANNOUNCE: '0',
    })
    expect(codes(await asker('auth', process.url)(null, loginMutation, alice))).toEqual([
      'INVALID_CREDENTIALS',
    ])
    await process.close()
    await own.drop()
  })
})

describe('in production', () => {
  test('all missing settings are listed together', async () => {
    const failure = await startAuth({ NODE_ENV: 'production' }).catch((cause: Error) => cause)
    const missing = ['DATABASE_URL', 'CLAIMS_KEY', 'KEY_ENCRYPTION_SECRET', 'TOKEN_ISSUER']
    for (const name of missing) expect((failure as Error).message).toContain(`${name} is not set`)
  })

  test('a short KEY_ENCRYPTION_SECRET is refused', async () => {
    const environment = { NODE_ENV: 'production', KEY_ENCRYPTION_SECRET: 'short' }
    await expect(startAuth(environment)).rejects.toThrow('shorter than 32 characters')
  })
})

test('an unknown user takes as long as a wrong password', async () => {
  const passwords = await passwordHasher(hashingQueue({ parallel: 1, waiting: 1 }))
  const stored = await passwords.hash('right')
  const time = async (hash: string | undefined) => {
    const start = process.cpuUsage()
    for (let round = 0; round < 10; round++) await passwords.matches('wrong', hash)
    const { user, system } = process.cpuUsage(start)
    return user + system
  }
  const [known, unknown] = [await time(stored), await time(undefined)]
  expect(unknown / known).toBeGreaterThan(0.5)
  expect(unknown / known).toBeLessThan(2)
})
