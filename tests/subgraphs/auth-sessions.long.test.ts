import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { inflateSync } from 'node:zlib'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import { openAuthDatabase } from '../../subgraphs/auth/database.ts'
import { encodeStatusList, indicesPerList } from '../../subgraphs/auth/revocation/status-lists.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import {
  alice,
  authEnvironment,
  cheapHashes,
  claimsOf,
  loggedIn,
  refresh,
} from '../support/auth-client.ts'
import type { CallerClaims } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { raceRefreshes } from '../support/race-refreshes.ts'
import { until } from '../support/until.ts'

const minute = 60 * 1000
const day = 24 * 60 * minute

describe.each(await testDatabases())('sessions on $name', ({ name, make }) => {
  let scratch: ScratchDatabase
  let database: Kysely<any>
  let running: RunningProcess
  let ask: Ask
  /** How far the clock of the auth process is ahead, in milliseconds. */
  let ahead = 0

  beforeAll(async () => {
    scratch = await make()
    running = await startAuth(authEnvironment(scratch.url), {
      now: () => Date.now() + ahead,
      hashParameters: cheapHashes,
    })
    ask = asker('auth', running.url)
    database = await openDatabase(scratch.url)
  })
  afterAll(async () => {
    await database.destroy()
    await running.close()
    await scratch.drop()
  })

  const after = async (milliseconds: number, act: () => Promise<void>) => {
    ahead += milliseconds
    try {
      await act()
    } finally {
      ahead -= milliseconds
    }
  }
  const isOpen = async ({ sub, sid }: { sub: string; sid: string }) =>
    (await ask({ sub, sid }, '{ session { id } }')).data.session !== null
  const auditOf = async ({ sid }: { sid: string }) => {
    const query = sql<{
      event: string
    }>`select event from auth_audit where session_id = ${sid} order by at, id`
    return (await query.execute(database)).rows.map(({ event }) => event)
  }

  describe('refresh', () => {
    test('exchanges a refresh token for new tokens of the same session', async () => {
      const first = await loggedIn(ask)
      const { data } = await refresh(ask, first.refreshToken)
      expect(data.refresh).toEqual({
        token: expect.any(String),
        expiresIn: 300,
        refreshToken: expect.any(String),
        deviceToken: null,
        user: { id: '1' },
      })
      expect(data.refresh.refreshToken).not.toBe(first.refreshToken)
      const claims = claimsOf(data.refresh.token)
      expect(claims).toMatchObject({ sub: '1', sid: first.claims.sid, name: 'Alice' })
      expect(claims.jti).not.toBe(first.claims.jti)
      expect(claims.status).toEqual(first.claims.status)
    })

    test('of a token used a moment ago is a conflict that costs nothing', async () => {
      const { refreshToken, claims } = await loggedIn(ask)
      const { data } = await refresh(ask, refreshToken)
      const again = await refresh(ask, refreshToken)
      expect(again.data).toEqual({ refresh: null })
      expect(codes(again)).toEqual(['REFRESH_CONFLICT'])
      expect(await isOpen(claims)).toBe(true)
      expect(codes(await refresh(ask, data.refresh.refreshToken))).toEqual([])
    })

    test('of a token with a lost response gives another successor, as often as needed', async () => {
      const { refreshToken, claims } = await loggedIn(ask)
      await refresh(ask, refreshToken)
      const early = await refresh(ask, refreshToken)
      expect(codes(early)).toEqual(['REFRESH_CONFLICT'])
      expect(early.errors![0]!.message).toMatch(/try again in \d+ seconds$/)
      expect(early.errors![0]!.extensions.retryAfter).toBeLessThanOrEqual(10)
      await after(11_000, async () => {
        expect(codes(await refresh(ask, refreshToken))).toEqual([])
        expect(codes(await refresh(ask, refreshToken))).toEqual(['REFRESH_CONFLICT'])
      })
      await after(22_000, async () => {
        const { data } = await refresh(ask, refreshToken)
        expect(claimsOf(data.refresh.token).sid).toBe(claims.sid)
        expect(codes(await refresh(ask, data.refresh.refreshToken))).toEqual([])
        expect(await isOpen(claims)).toBe(true)
      })
      expect(await auditOf(claims)).toEqual([
        'login',
        'refresh',
        'refresh repeated',
        'refresh repeated',
        'refresh',
      ])
    })

    test('of a token with a lost response is valid as long as the lost successor would be', async () => {
      const { refreshToken, claims } = await loggedIn(ask)
      await after(6 * day, async () => void (await refresh(ask, refreshToken)))
      await after(8 * day, async () => {
        expect(codes(await refresh(ask, refreshToken))).toEqual([])
      })
      await after(15.1 * day, async () => {
        expect(codes(await refresh(ask, refreshToken))).toEqual(['SESSION_ENDED'])
      })
      expect(await auditOf(claims)).toEqual(['login', 'refresh', 'refresh repeated'])
    })

    test('of a successor that was replaced ends the session, and is recorded', async () => {
      const { refreshToken, claims } = await loggedIn(ask)
      const lost = (await refresh(ask, refreshToken)).data.refresh.refreshToken
      await after(11_000, async () => {
        const newest = (await refresh(ask, refreshToken)).data.refresh.refreshToken
        // Most likely two requests of one client: the other response is on its way.
        const early = await refresh(ask, lost)
        expect(codes(early)).toEqual(['REFRESH_CONFLICT'])
        expect(early.errors![0]!.extensions).not.toHaveProperty('retryAfter')
        await after(11_000, async () => {
          expect(codes(await refresh(ask, lost))).toEqual(['SESSION_ENDED'])
          expect(codes(await refresh(ask, newest))).toEqual(['SESSION_ENDED'])
          expect(await isOpen(claims)).toBe(false)
        })
      })
      expect(await auditOf(claims)).toContain('refresh token reused')
    })

    test('of a token whose successor was used ends the session after 10 seconds, too', async () => {
      const { refreshToken, claims } = await loggedIn(ask)
      const { data } = await refresh(ask, refreshToken)
      await after(11_000, async () => {
        await refresh(ask, data.refresh.refreshToken)
        expect(codes(await refresh(ask, refreshToken))).toEqual(['SESSION_ENDED'])
        expect(await isOpen(claims)).toBe(false)
      })
    })

    test('again, because a response got lost, has exactly one winner of 20 concurrent ones', async () => {
      const { refreshToken, claims } = await loggedIn(ask)
      await refresh(ask, refreshToken)
      await after(11_000, async () => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => refresh(ask, refreshToken)),
        )
        expect(answers.filter((answer) => codes(answer).length === 0)).toHaveLength(1)
        const others = answers.flatMap(codes)
        expect(others).toEqual(Array(19).fill('REFRESH_CONFLICT'))
        expect(await isOpen(claims)).toBe(true)
      })
    })

    test('again while its successor is used leaves one line of successors, or none', async () => {
      for (let round = 0; round < 20; round++) {
        const { refreshToken, claims } = await loggedIn(ask)
        const successor = (await refresh(ask, refreshToken)).data.refresh.refreshToken
        await after(11_000, async () => {
          const answers = await Promise.all([
            refresh(ask, refreshToken),
            refresh(ask, successor),
            refresh(ask, refreshToken),
          ])
          const given = answers.filter((answer) => codes(answer).length === 0)
          expect(given.length).toBeLessThanOrEqual(1)
          const next = given[0]?.data.refresh.refreshToken ?? ''
          const isUsable = codes(await refresh(ask, next)).length === 0
          expect(isUsable).toBe(await isOpen(claims))
        })
      }
    })

    test('of a token whose successor was used ends the session, however soon', async () => {
      const { refreshToken, claims } = await loggedIn(ask)
      const second = (await refresh(ask, refreshToken)).data.refresh.refreshToken
      await refresh(ask, second)
      expect(codes(await refresh(ask, refreshToken))).toEqual(['SESSION_ENDED'])
      expect(await isOpen(claims)).toBe(false)
    })

    test.each(['', 'x', 'A'.repeat(43), "' or 1=1 --", '漢'.repeat(43), 'x'.repeat(100_000)])(
      'of something that is no refresh token is refused',
      async (token) => {
        expect(codes(await refresh(ask, token))).toEqual(['SESSION_ENDED'])
      },
    )

    test('is refused after 7 days without one, and after 30 days with them', async () => {
      let { refreshToken, claims } = await loggedIn(ask)
      const idle = await loggedIn(ask)
      for (const days of [6, 12, 18, 24, 29.9]) {
        await after(days * day, async () => {
          const { data } = await refresh(ask, refreshToken)
          refreshToken = data.refresh.refreshToken
        })
      }
      await after(7 * day + 1, async () => {
        expect(codes(await refresh(ask, idle.refreshToken))).toEqual(['SESSION_ENDED'])
        expect(await isOpen(idle.claims)).toBe(false)
      })
      await after(30 * day + 1, async () => {
        expect(codes(await refresh(ask, refreshToken))).toEqual(['SESSION_ENDED'])
        expect(await isOpen(claims)).toBe(false)
      })
    })

    test('reads name and scopes again, and gives a disabled account nothing', async () => {
      let { refreshToken } = await loggedIn(ask)
      const set = (assignment: ReturnType<typeof sql>) =>
        sql`update auth_accounts set ${assignment} where id = '1'`.execute(database)
      await set(sql`scope = 'other'`)
      const { data } = await refresh(ask, refreshToken)
      refreshToken = data.refresh.refreshToken
      expect(claimsOf(data.refresh.token).scope).toBe('profile profile:email other')
      await set(sql`scope = '', disabled_at = 1`)
      const refused = await refresh(ask, refreshToken)
      await set(sql`disabled_at = null`)
      expect(codes(refused)).toEqual(['SESSION_ENDED'])
    })

    test('has exactly one winner of 20 concurrent ones, 10 times over', async () => {
      const { refreshToken, claims } = await loggedIn(ask)
      // As many processes as the database is made for, each with its own connections.
      const others = name === 'PostgreSQL' ? [await openAuthDatabase(scratch.url)] : []
      await raceRefreshes(refreshToken, { databases: [database, ...others], rounds: 10 })
      expect(await isOpen(claims)).toBe(true)
      await Promise.all(others.map((each) => each.destroy()))
    })

    test('stores no token in the clear', async () => {
      const { token, refreshToken } = await loggedIn(ask)
      const tables = ['auth_refresh_tokens', 'auth_sessions', 'auth_audit', 'auth_accounts']
      for (const table of tables) {
        const { rows } = await sql`select * from ${sql.table(table)}`.execute(database)
        expect(JSON.stringify(rows)).not.toContain(refreshToken)
        expect(JSON.stringify(rows)).not.toContain(token.split('.')[2])
      }
    })
  })

  describe('the end of a session', () => {
    test("logout ends the caller's session, and no other", async () => {
      const [own, other] = [await loggedIn(ask), await loggedIn(ask)]
      expect(await ask(own.claims, 'mutation { logout }')).toEqual({ data: { logout: true } })
      expect(await isOpen(own.claims)).toBe(false)
      expect(await isOpen(other.claims)).toBe(true)
      expect(codes(await refresh(ask, own.refreshToken))).toEqual(['SESSION_ENDED'])
      expect(await ask(own.claims, 'mutation { logout }')).toEqual({ data: { logout: false } })
      expect(await auditOf(own.claims)).toContain('logout')
    })

    test('logoutEverywhere ends every session of the account', async () => {
      const [own, other] = [await loggedIn(ask), await loggedIn(ask)]
      const answer = await ask(own.claims, 'mutation { logoutEverywhere }')
      expect(answer).toEqual({ data: { logoutEverywhere: true } })
      expect([await isOpen(own.claims), await isOpen(other.claims)]).toEqual([false, false])
      expect(codes(await ask(own.claims, 'mutation { logoutEverywhere }'))).toEqual([
        'UNAUTHENTICATED',
      ])
    })

    test("revokeSession ends one of the caller's sessions, and nobody else's", async () => {
      const [own, other] = [await loggedIn(ask), await loggedIn(ask)]
      const mutation = 'mutation ($id: ID!) { revokeSession(id: $id) }'
      const stranger = { sub: '2', sid: own.claims.sid }
      expect(codes(await ask(stranger, mutation, { id: other.claims.sid }))).toEqual([
        'UNAUTHENTICATED',
      ])
      expect(await isOpen(other.claims)).toBe(true)
      const answers = [
        await ask(own.claims, mutation, { id: other.claims.sid }),
        await ask(own.claims, mutation, { id: other.claims.sid }),
        await ask(own.claims, mutation, { id: 'unknown' }),
      ]
      expect(answers.map(({ data }) => data.revokeSession)).toEqual([true, false, false])
      expect([await isOpen(own.claims), await isOpen(other.claims)]).toEqual([true, false])
    })

    test.each(['logout', 'logoutEverywhere', 'revokeSession(id: "1")'])(
      'an anonymous caller cannot %s',
      async (field) => {
        expect(codes(await ask(null, `mutation { ${field} }`))).toEqual(['UNAUTHENTICATED'])
      },
    )
  })

  test('sessions shows when and from where each was used', async () => {
    const phone = { address: '192.0.2.7', agent: 'Phone/1.0' }
    const { claims: own } = await loggedIn(ask)
    await ask(own, 'mutation { logoutEverywhere }')
    const [first, second] = [await loggedIn(ask), await loggedIn(ask, alice, phone)]
    const moved = { address: '2001:db8::1', agent: 'Phone/2.0' }
    const query = '{ sessions { id createdAt lastUsedAt client address current user { id } } }'
    await after(minute, async () => {
      await refresh(ask, second.refreshToken, moved)
      const { data } = await ask(first.claims, query)
      expect(data.sessions).toMatchObject([
        { id: second.claims.sid, client: moved.agent, address: moved.address, current: false },
        { id: first.claims.sid, client: null, address: null, current: true, user: { id: '1' } },
      ])
      const [{ createdAt, lastUsedAt }] = data.sessions
      expect(Date.parse(lastUsedAt) - Date.parse(createdAt)).toBeGreaterThanOrEqual(minute)
    })
  })

  describe('what gateways read', () => {
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(new URL(path, running.url), { headers })
    const verified = async (response: Response, typ: string) => {
      const keys = createLocalJWKSet((await (await get('/.well-known/jwks.json')).json()) as any)
      const { payload } = await jwtVerify(await response.text(), keys, {
        typ,
        issuer: 'http://127.0.0.1:4001',
        subject: response.url,
        currentDate: new Date(Date.now() + ahead),
      })
      return payload
    }
    const isRevoked = (payload: JWTPayload, index: number) => {
      const { bits, lst } = payload.status_list as { bits: number; lst: string }
      const bytes = inflateSync(Buffer.from(lst, 'base64url'))
      expect({ bits, length: bytes.length }).toEqual({ bits: 1, length: indicesPerList / 8 })
      return ((bytes[index >> 3]! >> (index & 7)) & 1) === 1
    }
    const statusOf = async ({ status }: CallerClaims) => {
      const { idx, uri } = status.status_list
      return isRevoked(await verified(await get(uri), 'statuslist+jwt'), idx)
    }
    const revocations = async () => verified(await get('/revocations'), 'revocations+jwt')

    test('an access token names its bit of a status list, and logout sets it', async () => {
      const [own, other] = [await loggedIn(ask), await loggedIn(ask)]
      const { uri } = own.claims.status.status_list
      expect(uri).toBe(new URL('/status-lists/1', running.url).href)
      expect([await statusOf(own.claims), await statusOf(other.claims)]).toEqual([false, false])
      await ask(own.claims, 'mutation { logout }')
      await until(() => statusOf(own.claims), { atMost: 1_000 })
      expect(await statusOf(other.claims)).toBe(false)
    })

    test('logoutEverywhere sets the bit of every session, and cuts the subject off', async () => {
      const [own, other] = [await loggedIn(ask), await loggedIn(ask)]
      const before = Math.floor(Date.now() / 1000)
      await ask(own.claims, 'mutation { logoutEverywhere }')
      await until(async () => (await statusOf(own.claims)) && statusOf(other.claims))
      await until(async () => Number((await revocations()).subjects?.['1' as never]) >= before)
      const next = await loggedIn(ask)
      const { subjects } = (await revocations()) as { subjects: Record<string, number> }
      expect(next.claims.iat).toBeGreaterThanOrEqual(subjects['1']!)
      expect(await statusOf(next.claims)).toBe(false)
    })

    test('a reused refresh token reaches the list, too', async () => {
      const { refreshToken, claims } = await loggedIn(ask)
      const { data } = await refresh(ask, refreshToken)
      await after(11_000, async () => {
        await refresh(ask, data.refresh.refreshToken)
        await refresh(ask, refreshToken)
        await until(() => statusOf(claims))
      })
    })

    test('a bit is cleared and a not-before entry deleted once the tokens have expired', async () => {
      const { claims } = await loggedIn(ask)
      await ask(claims, 'mutation { logoutEverywhere }')
      await until(() => statusOf(claims))
      await after(9 * minute, async () => {
        expect(await statusOf(claims)).toBe(true)
        expect((await revocations()).subjects).toHaveProperty('1')
      })
      await after(11 * minute, async () => {
        expect(await statusOf(claims)).toBe(false)
        expect((await revocations()).subjects).toEqual({})
      })
    })

    test('an unchanged document costs a conditional request', async () => {
      for (const path of ['/status-lists/1', '/revocations']) {
        const first = await get(path)
        const etag = first.headers.get('etag')!
        expect(first.headers.get('cache-control')).toBe('public, max-age=1, must-revalidate')
        const again = await get(path, { 'if-none-match': etag, 'cache-control': '' })
        expect({ status: again.status, body: await again.text() }).toEqual({
          status: 304,
          body: '',
        })
        expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200)
      }
      const { claims } = await loggedIn(ask)
      const before = (await get('/status-lists/1')).headers.get('etag')!
      await ask(claims, 'mutation { logout }')
      await until(
        async () => (await get('/status-lists/1', { 'if-none-match': before })).status === 200,
      )
    })

    test('a list says how long it may be used', async () => {
      const { ttl, iat, exp } = await verified(await get('/status-lists/1'), 'statuslist+jwt')
      expect({ ttl, lifetime: exp! - iat! }).toEqual({ ttl: 5, lifetime: 3600 })
    })

    test('there is a list of the lists', async () => {
      const response = await get('/status-lists')
      expect(await response.json()).toEqual({
        status_lists: [new URL('/status-lists/1', running.url).href],
      })
    })

    test.each(['2', '0', '01', '-1', 'x', '1.0', '1e3', '99999999999'])(
      'there is no list %s',
      async (list) => {
        expect((await get(`/status-lists/${list}`)).status).toBe(404)
      },
    )
  })
})

test('a million tokens, 5 in 100 of them revoked, cost less than 150 KB of list', () => {
  const revoked = Array.from({ length: 1_000_000 }, (_, index) => index).filter(
    (index) => (Math.imul(index, 2_654_435_761) >>> 0) / 2 ** 32 < 0.05,
  )
  expect(revoked.length).toBeGreaterThan(45_000)
  // A JWT encodes the list once more.
  const bytes = (encodeStatusList(revoked).length * 4) / 3
  expect(bytes).toBeLessThan(150_000)
  expect(encodeStatusList([]).length).toBeLessThan(500)
})
