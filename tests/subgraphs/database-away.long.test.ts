/** The connections of a subgraph end under its hands: a caller is asked to retry, and it goes on. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, claimsKeyOf, codes } from '../support/ask-subgraph.ts'
import type { Answer } from '../support/ask-subgraph.ts'
import { authEnvironment, login } from '../support/auth-client.ts'
import { startSubgraphProcess } from '../support/auth-process.ts'
import type { AuthProcess } from '../support/auth-process.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const postgres = (await testDatabases()).find(({ name }) => name === 'PostgreSQL')
const describeOnPostgres = postgres ? describe : describe.skip

describeOnPostgres('when the connections to PostgreSQL end under load', () => {
  let scratch: ScratchDatabase
  let database: Kysely<any>
  let auth: AuthProcess
  let users: AuthProcess

  beforeAll(async () => {
    scratch = await postgres!.make()
    database = await openDatabase(scratch.url)
    auth = await startSubgraphProcess('auth', authEnvironment(scratch.url))
    users = await startSubgraphProcess('users', {
      USERS_PORT: '0',
      DATABASE_URL: scratch.url,
      CLAIMS_KEY: claimsKeyOf('users'),
    })
  })
  afterAll(async () => {
    await auth.kill()
    await users.kill()
    await database.destroy()
    await scratch.drop()
  })

  test('auth and users respond with SERVICE_UNAVAILABLE and retryAfter, and recover', async () => {
    const ask = asker('auth', auth.url)
    const askUsers = asker('users', users.url)
    const failed = { auth: [] as Answer[], users: [] as Answer[] }
    const note = (subgraph: 'auth' | 'users', answer: Answer) => {
      if (answer.errors) failed[subgraph].push(answer)
    }
    let ended = false
    const clients = Array.from({ length: 20 }, async (_, client) => {
      for (let index = 0; !ended; index++) {
        const claims = { sub: `u${client} ${index}`, name: 'U' }
        note('users', await askUsers(claims, '{ userData { name } }'))
        note('auth', await ask(null, 'mutation { startPasskeyLogin(username: "alice") }'))
      }
    })
    await until(async () => {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where pid <> pg_backend_pid() and datname = current_database()`.execute(database)
      return failed.auth.length >= 5 && failed.users.length >= 5
    })
    ended = true
    await Promise.all(clients)

    expect([auth.child.exitCode, users.child.exitCode]).toEqual([null, null])
    for (const { errors } of [...failed.auth, ...failed.users]) {
      expect(errors).toMatchObject([
        {
          message: 'The service is unavailable: retry after 5 seconds',
          extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 5 },
        },
      ])
    }
    expect(codes(await login(ask))).toEqual([])
  })
})
