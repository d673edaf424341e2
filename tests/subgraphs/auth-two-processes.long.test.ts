/** Races between two auth processes on one PostgreSQL, and the time that a login takes. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import { authEnvironment, loggedIn, login, refresh } from '../support/auth-client.ts'
import { startAuthProcess } from '../support/auth-process.ts'
import type { AuthProcess } from '../support/auth-process.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'

const good = 'purple kangaroo sings'
const all = await testDatabases()
const { make } = all.find(({ name }) => name === 'PostgreSQL') ?? all[0]!
let scratch: ScratchDatabase
let processes: AuthProcess[]
let asks: Ask[]
let database: Kysely<any>

beforeAll(async () => {
  scratch = await make()
  const environment = authEnvironment(scratch.url)
  processes = await Promise.all([startAuthProcess(environment), startAuthProcess(environment)])
  asks = processes.map(({ url }) => asker('auth', url))
  database = await openDatabase(scratch.url)
})
afterAll(async () => {
  await database.destroy()
  for (const process of processes) await process.kill()
  await scratch.drop()
})

/** The two take turns. */
const askOf = (index: number) => asks[index % 2]!
const many = <T>(count: number, act: (ask: Ask, index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => act(askOf(index), index)))

const signUp = (ask: Ask, username: string) =>
  ask(
    null,
    `mutation ($username: String!, $password: String!) {
      signUp(username: $username, password: $password) { user { id } problems { code } }
    }`,
    { username, password: good },
  )

test('of 20 concurrent refreshes of one token, one wins, 50 times over', async () => {
  let { refreshToken } = await loggedIn(asks[0]!)
  for (let round = 0; round < 50; round++) {
    const answers = await many(20, (ask) => refresh(ask, refreshToken))
    const won = answers.filter(({ data }) => data?.refresh)
    expect({ round, winners: won.length }).toEqual({ round, winners: 1 })
    expect(new Set(answers.flatMap(codes))).toEqual(new Set(['REFRESH_CONFLICT']))
    refreshToken = won[0]!.data.refresh.refreshToken
  }
})

test('of 50 concurrent sign-ups of one name, one creates an account', async () => {
  const answers = await many(50, (ask) => signUp(ask, 'Wanted'))
  const made = answers.filter(({ data }) => data?.signUp?.user)
  expect(made).toHaveLength(1)
  const { rows } = await sql`select id from auth_accounts where username = 'wanted'`.execute(
    database,
  )
  expect(rows).toHaveLength(1)
})

test('of 100 concurrent wrong logins, every one is counted', async () => {
  await signUp(asks[0]!, 'victim')
  const answers = await many(100, (ask, index) =>
    login(ask, { username: 'victim', password: `wrong ${index} ${Math.random()}` }),
  )
  expect(new Set(answers.flatMap(codes))).toEqual(new Set(['INVALID_CREDENTIALS']))
  const { rows } = await sql<{ attempts: number; pending: number }>`
    select attempts, pending from auth_throttles where failures > 0 order by attempts desc`.execute(
    database,
  )
  expect(rows[0]).toMatchObject({ attempts: 100, pending: 0 })
  const { rows: told } = await sql<{ count: string }>`
    select count(*) as count from auth_audit where event in ('login failed', 'login throttled')`.execute(
    database,
  )
  expect(Number(told[0]!.count)).toBe(100)
})

test('a login takes the same time for known and unknown accounts, over 200 of each', async () => {
  const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] }
  for (let round = 0; round < 200; round++) {
    // Accounts of their own, so that none has to wait.
    const username = `person${round}`
    if (round % 4 === 0) await signUp(askOf(round), username)
    const known = `person${round - (round % 4)}`
    for (const kind of round % 2 === 0
      ? (['known', 'unknown'] as const)
      : (['unknown', 'known'] as const)) {
      const name = kind === 'known' ? known : `nobody${round - (round % 4)}`
      const client = { address: `10.${round % 250}.${kind === 'known' ? 1 : 2}.1` }
      const start = performance.now()
      await login(askOf(round), { username: name, password: `wrong ${Math.random()}` }, client)
      times[kind].push(performance.now() - start)
    }
  }
  const medians = Object.values(times).map(median)
  expect(Math.max(...medians) / Math.min(...medians)).toBeLessThan(1.2)
})

function median(numbers: number[]): number {
  return numbers.sort((one, other) => one - other)[Math.floor(numbers.length / 2)]!
}
