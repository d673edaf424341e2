import { describe, expect, test } from '@jest/globals'

import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Answer } from '../support/ask-subgraph.ts'
import { authEnvironment, loggedIn, refresh } from '../support/auth-client.ts'
import { startAuthProcess } from '../support/auth-process.ts'
import { testDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'

describe.each(await testDatabases())('auth on $name', ({ make }) => {
  test('killed during refreshes, no token works twice and no confirmed session is lost', async () => {
    const own = await make()
    const environment = authEnvironment(own.url)
    let process = await startAuthProcess(environment)
    const clients = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { refreshToken } = await loggedIn(asker('auth', process.url))
        return { used: [] as string[], newest: refreshToken, confirmed: 0, inFlight: false }
      }),
    )

    const refreshing = clients.map(async (client) => {
      for (;;) {
        const presented = client.newest
        client.inFlight = true
        const answer: Answer | undefined = await refresh(
          asker('auth', process.url),
          presented,
        ).catch(() => undefined)
        if (!answer) return
        client.inFlight = false
        client.used.push(presented)
        client.newest = answer.data.refresh.refreshToken
        client.confirmed++
      }
    })
    await until(() => clients.every(({ confirmed }) => confirmed >= 3))
    await process.kill()
    await Promise.all(refreshing)

    const again = await startAuth(environment)
    const askAgain = asker('auth', again.url)
    for (const client of clients) {
      // An operation in progress when the process was killed may have been done but not confirmed.
      const answer = await refresh(askAgain, client.newest)
      if (!client.inFlight) expect(codes(answer)).toEqual([])
      expect([[], ['REFRESH_CONFLICT'], ['SESSION_ENDED']]).toContainEqual(codes(answer))
      const old = await refresh(askAgain, client.used[0]!)
      expect(codes(old)).toEqual(['SESSION_ENDED'])
    }
    await again.close()
    await own.drop()
  }, 90_000)
})
