/** What a database of an earlier version holds goes on to work, also beside processes of that version. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createHash, randomBytes } from 'node:crypto'
import { hash } from '@node-rs/argon2'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import { migrations } from '../../subgraphs/auth/migrations.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { migrate } from '../../subgraphs/storage/migrate.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import {
  authEnvironment,
  cheapHashes,
  claimsOf,
  loggedIn,
  refresh,
} from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'

const password = 'purple kangaroo sings'

describe.each(await testDatabases())('a database without generations on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let database: Kysely<any>
  let running: RunningProcess
  let ask: Ask
  const refreshToken = randomBytes(32).toString('base64url')

  beforeAll(async () => {
    scratch = await make()
    database = await openDatabase(scratch.url)
    const earlier = Object.entries(migrations).filter(([name]) => name < '011')
    await migrate(database, 'auth', Object.fromEntries(earlier))
    const now = Date.now()
    const passwordHash = await hash(password, cheapHashes)
    for (const [id, username] of [
      ['1', 'alice'],
      ['2', 'bob'],
    ]) {
      await sql`insert into auth_accounts (id, username, skeleton, name, email, password_hash, roles, scope, created_at)
        values (${id}, ${username}, ${username}, ${username}, ${`${username}@example.com`}, ${passwordHash}, 'user', '', ${now})`.execute(
        database,
      )
    }
    await sql`insert into auth_sessions
      (id, account_id, created_at, last_used_at, expires_at, access_expires_at, refresh_generation, status_index)
      values ('session', '2', ${now}, ${now}, ${now + 1e8}, ${now + 3e5}, 1, 0)`.execute(database)
    await sql`update auth_counters set value = 1`.execute(database)
    await addRefreshToken(refreshToken, now)
    running = await startAuth(authEnvironment(scratch.url), { hashParameters: cheapHashes })
    ask = asker('auth', running.url)
  })
  afterAll(async () => {
    await running.close()
    await database.destroy()
    await scratch.drop()
  })

  /** As a process of the earlier version does, which knows nothing of the new columns. */
  const addRefreshToken = (token: string, now: number) =>
    sql`insert into auth_refresh_tokens (hash, session_id, generation, expires_at, used_at)
      values (${createHash('sha256').update(token).digest('base64url')}, 'session', 1, ${now + 1e8}, null)`.execute(
      database,
    )

  test('keeps its accounts, of which only the address of the development account is verified', async () => {
    const seen = []
    for (const username of ['alice', 'bob']) {
      const { claims } = await loggedIn(ask, { username, password })
      const { data } = await ask(claims, '{ me { username email emailVerified } }')
      seen.push({ ...data.me, inToken: claims.email })
    }
    expect(seen).toEqual([
      {
        username: 'alice',
        email: 'alice@example.com',
        emailVerified: true,
        inToken: 'alice@example.com',
      },
      { username: 'bob', email: 'bob@example.com', emailVerified: false, inToken: undefined },
    ])
  })

  test('keeps its sessions, which go on to be refreshed', async () => {
    const { data } = await refresh(ask, refreshToken)
    expect(claimsOf(data.refresh.token)).toMatchObject({ sub: '2', sid: 'session', gen: 0 })
    expect(codes(await refresh(ask, data.refresh.refreshToken))).toEqual([])
    expect(codes(await refresh(ask, refreshToken))).toEqual(['SESSION_ENDED'])
  })

  test('accepts not-before entries of processes without generations, and publishes them', async () => {
    const now = Date.now()
    await sql`insert into auth_subject_cut_offs (subject, issued_before, expires_at)
      values ('2', ${Math.floor(now / 1000)}, ${now + 3e5})`.execute(database)
    const response = await fetch(new URL('/revocations', running.url))
    const [, payload] = (await response.text()).split('.')
    const published = JSON.parse(Buffer.from(payload!, 'base64url').toString())
    expect(published.subjects).toEqual({ 2: Math.floor(now / 1000) })
    expect(published.generations).toEqual({})
  })
})
