import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { gatewayHeaders } from '../../subgraphs/kit/testing.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, codes, gatewaySecret } from '../support/ask-subgraph.ts'
import type { Answer, Ask } from '../support/ask-subgraph.ts'
import { authEnvironment, login, signedUp } from '../support/auth-client.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

const good = 'purple kangaroo sings'
const minute = 60_000

describe('with real hashes', () => {
  let running: RunningProcess
  let ask: Ask
  let ahead = 0
  const folder = scratchFolder()

  beforeAll(async () => {
    // One hash at a time: 250 concurrent logins are too many for any machine.
    const environment = { ...authEnvironment(`sqlite:${folder}/auth.db`), UV_THREADPOOL_SIZE: '2' }
    running = await startAuth(environment, { now: () => Date.now() + ahead })
    ask = asker('auth', running.url)
  })
  afterAll(() => running.close())

  test('a flood of logins gets SERVICE_OVERLOADED, and other requests are served', async () => {
    const { port, hostname } = new URL(running.url)
    const attempt = async (index: number) => {
      const response = await fetch(running.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...gatewayHeaders('auth', deriveClaimsKey(gatewaySecret, 'auth'), null),
        },
        body: JSON.stringify({
          query: `mutation { login(username: "flood${index}", password: "guess ${index}") { token } }`,
        }),
      })
      return { status: response.status, ...((await response.json()) as Answer) }
    }
    const answers = Promise.all(Array.from({ length: 250 }, (_, index) => attempt(index)))
    const health = await fetch(`http://${hostname}:${port}/health`)
    expect(health.status).toBe(200)
    const all = await answers
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
    const busy = all.filter((answer) => codes(answer).includes('SERVICE_UNAVAILABLE'))
    expect(busy.length).toBeGreaterThan(0)
    expect(busy.length).toBeLessThan(250 - 60)
    expect(busy[0]).toMatchObject({
      errors: [
        {
          message: 'The service is overloaded: retry after 1 second',
          extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 },
        },
      ],
    })
  })

  test('unknown, wrong, disabled and throttled take the same time', async () => {
    for (const username of ['known', 'throttled', 'disabled']) {
      await signedUp(ask, username, good)
    }
    const database = await openDatabase<any>(`sqlite:${folder}/auth.db`)
    await sql`update auth_accounts set disabled_at = 1 where username = 'disabled'`.execute(
      database,
    )
    await database.destroy()
    let count = 0
    const guess = (username: string) =>
      login(ask, { username, password: `guess ${count++} ${Math.random()}` })
    for (let tries = 0; tries < 8; tries++) await guess('throttled')

    // CPU time, which other processes on the machine do not change.
    const times: Record<string, number[]> = { known: [], unknown: [], disabled: [], throttled: [] }
    for (let round = 0; round < 12; round++) {
      // Known accounts have waited for long enough, each time; the throttled one never has.
      for (const kind of ['known', 'unknown', 'disabled', 'throttled']) {
        if (kind !== 'throttled') ahead += 30 * minute
        else ahead = 0
        const before = process.cpuUsage()
        await guess(kind === 'unknown' ? `unknown${round}` : kind)
        const { user, system } = process.cpuUsage(before)
        times[kind]!.push(user + system)
      }
    }
    const medians = Object.values(times).map(median)
    expect(Math.max(...medians) / Math.min(...medians)).toBeLessThan(1.5)
  })
})

function median(numbers: number[]): number {
  return numbers.sort((one, other) => one - other)[Math.floor(numbers.length / 2)]!
}
