import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes, login, signedUp } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'

const good = 'purple kangaroo sings'
const second = 1000

describe.each(await testDatabases())('many logins on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let running: RunningProcess
  let ask: Ask
  let ahead = 0

  beforeAll(async () => {
    scratch = await make()
    running = await startAuth(authEnvironment(scratch.url), {
      now: () => Date.now() + ahead,
      hashParameters: cheapHashes,
    })
    ask = asker('auth', running.url)
  })
  afterAll(async () => {
    await running.close()
    await scratch.drop()
  })

  let count = 0
  const newAccount = () => signedUp(ask, `regular${count++}`, good)
  const guess = (username: string) =>
    login(ask, { username, password: `guess ${count++} ${Math.random()}` })
  const works = async (credentials: Record<string, string>) =>
    codes(await login(ask, credentials)).length === 0

  test('logins that succeed do not use up the tries of a network', async () => {
    const credentials = await newAccount()
    for (let logins = 0; logins < 25; logins++) {
      expect(codes(await login(ask, credentials, { address: '198.51.100.7' }))).toEqual([])
    }
  })

  test('of the devices of an account the last 20 are known', async () => {
    const credentials = await newAccount()
    const tokens: string[] = []
    for (let logins = 0; logins < 22; logins++) {
      ahead += second
      tokens.push((await login(ask, credentials)).data.login.deviceToken)
    }
    for (let tries = 0; tries < 5; tries++) await guess(credentials.username)
    expect(await works({ ...credentials, deviceToken: tokens[0]! })).toBe(false)
    expect(await works({ ...credentials, deviceToken: tokens[2]! })).toBe(true)
    expect(await works({ ...credentials, deviceToken: tokens[21]! })).toBe(true)
  })

  test('30 concurrent logins of one user are not guessing', async () => {
    const credentials = await newAccount()
    const logins = await Promise.all(Array.from({ length: 30 }, () => login(ask, credentials)))
    expect(logins.flatMap(codes)).toEqual([])
  })
})
