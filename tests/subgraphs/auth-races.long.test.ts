import { afterAll, beforeAll, describe, test } from '@jest/globals'
import { openAuthDatabase } from '../../subgraphs/auth/database.ts'
import type { AuthDatabase } from '../../subgraphs/auth/database.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { asker } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes, loggedIn } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { raceRefreshes } from '../support/race-refreshes.ts'

describe.each(await testDatabases())('on $name', ({ name, make }) => {
  let scratch: ScratchDatabase
  let running: RunningProcess
  let databases: AuthDatabase[]

  beforeAll(async () => {
    scratch = await make()
    running = await startAuth(authEnvironment(scratch.url), { hashParameters: cheapHashes })
    // As many processes as the database is made for, each with its own connections.
    const processes = name === 'PostgreSQL' ? 3 : 1
    databases = await Promise.all(
      Array.from({ length: processes }, () => openAuthDatabase(scratch.url)),
    )
  })
  afterAll(async () => {
    await Promise.all(databases.map((each) => each.destroy()))
    await running.close()
    await scratch.drop()
  })

  test('a refresh has exactly one winner of 20 concurrent ones, 100 times over', async () => {
    const { refreshToken } = await loggedIn(asker('auth', running.url))
    await raceRefreshes(refreshToken, { databases, rounds: 100 })
  })
})
