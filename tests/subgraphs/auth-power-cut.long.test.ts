import { describe, expect, test } from '@jest/globals'

import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { asker, claimsKeyOf } from '../support/ask-subgraph.ts'
import { kill, launchAuthProcess, startAuthProcess } from '../support/auth-process.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const keyEncryptionSecret = 'a key encryption secret of the tests'
const loginMutation = `mutation ($username: String!, $password: String!) {
  login(username: $username, password: $password) { token expiresIn user { id } }
}`
const alice = { username: 'alice', password: 'secret' }

describe('with real processes', () => {
  const folder = scratchFolder()

  test('processes that start together agree on one key and one account; killed at any time they lose neither', async () => {
    const settings = {
      AUTH_PORT: '0',
      DATABASE_URL: `sqlite:${folder}/auth.db`,
      CLAIMS_KEY: claimsKeyOf('auth'),
      KEY_ENCRYPTION_SECRET: keyEncryptionSecret,
    }
    const kids = async (url: string) => {
      const response = await fetch(new URL('/.well-known/jwks.json', url))
      return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
    }

    const pair = await Promise.all([startAuthProcess(settings), startAuthProcess(settings)])
    const [first, second] = await Promise.all(pair.map(({ url }) => kids(url)))
    expect(first).toHaveLength(2)
    expect(second).toEqual(first)

    // Killed while both write: each login is a session in the database.
    let answered = 0
    const sids: string[] = []
    const logins = pair.flatMap(({ url }) =>
      Array.from({ length: 3 }, async () => {
        for (;;) {
          const answer = await asker('auth', url)(null, loginMutation, alice).catch(() => undefined)
          if (!answer) return
          if (answer.errors) throw new Error(JSON.stringify(answer.errors))
          const payload = answer.data.login.token.split('.')[1]
          sids.push(JSON.parse(Buffer.from(payload, 'base64url').toString()).sid)
          answered++
        }
      }),
    )
    await until(() => answered > 10)
    await Promise.all(pair.map((process) => process.kill()))
    await Promise.all(logins)

    // Killed while it starts, too.
    const interrupted = launchAuthProcess(settings)
    await new Promise((resolve) => setTimeout(resolve, 700))
    await kill(interrupted)

    const again = await startAuth(settings)
    const askAgain = asker('auth', again.url)
    expect(await kids(again.url)).toEqual(first)
    expect((await askAgain(null, loginMutation, alice)).data.login.user.id).toBe('1')
    for (const sid of sids) {
      const { data } = await askAgain({ sub: '1', sid }, '{ session { id } }')
      expect(data.session).toEqual({ id: sid })
    }
    await again.close()
  }, 90_000)
})
