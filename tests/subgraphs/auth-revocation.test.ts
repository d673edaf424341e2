/** Nothing that was issued before a revocation works later than the promised lag. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { makeAuthParts } from '../../subgraphs/auth/auth-parts.ts'
import type { AuthParts } from '../../subgraphs/auth/auth-parts.ts'
import { strengths } from '../../subgraphs/auth/sessions/authentication-strength.ts'
import { readAuthSettings } from '../../subgraphs/auth/settings.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { administrator } from '../support/administrator.ts'
import { asker } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import { alice, authEnvironment, cheapHashes, loggedIn, signedUp } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { gatewayOfAuth } from '../support/gateway-of-auth.ts'
import type { GatewayOfAuth } from '../support/gateway-of-auth.ts'
import { until } from '../support/until.ts'

const password = 'purple kangaroo sings'

describe.each(await testDatabases())('a revocation on $name', ({ name, make }) => {
  let scratch: ScratchDatabase
  let running: RunningProcess[]
  let asks: Ask[]
  let gateway: GatewayOfAuth
  let parts: AuthParts
  /** While set, time stands still at the auth processes. */
  let frozenAt: number | undefined

  beforeAll(async () => {
    scratch = await make()
    const surroundings = { hashParameters: cheapHashes, now: () => frozenAt ?? Date.now() }
    const environment = authEnvironment(scratch.url)
    const first = await startAuth(environment, surroundings)
    const statusUrl = { TOKEN_STATUS_URL: new URL(first.url).origin }
    // As many processes as the database is made for.
    const others =
      name === 'PostgreSQL' ? [await startAuth({ ...environment, ...statusUrl }, surroundings)] : []
    running = [first, ...others]
    asks = running.map(({ url }) => asker('auth', url))
    const settings = readAuthSettings({ ...environment, ...statusUrl })
    parts = await makeAuthParts(settings, surroundings, () => statusUrl.TOKEN_STATUS_URL)
    gateway = await gatewayOfAuth(first.url)
  })
  afterAll(async () => {
    await gateway.close()
    await parts.database.destroy()
    await Promise.all(running.map((each) => each.close()))
    await scratch.drop()
  })

  const accepts = (token: string) => gateway.accepts(token)
  const isRefused = (token: string) => until(async () => !(await accepts(token)))
  const inOneSecond = async <T>(act: () => Promise<T>): Promise<T> => {
    frozenAt = Date.now()
    try {
      return await act()
    } finally {
      frozenAt = undefined
    }
  }
  const token = async (form: Record<string, string>) => {
    const body = new URLSearchParams(form)
    const response = await fetch(new URL('/oauth/token', running[0]!.url), { method: 'POST', body })
    const { access_token: token } = (await response.json()) as { access_token: string }
    return token
  }

  /** What happens, and which tokens are good for nothing afterwards, or still good. */
  const scenes: Record<string, () => Promise<{ refused: string[]; accepted?: string[] }>> = {
    async 'refuses a token of its own second, and accepts the one of a login right after'() {
      const [ask] = asks as [Ask]
      const credentials = await signedUp(ask, 'everywhere', password)
      return inOneSecond(async () => {
        const before = await loggedIn(ask, credentials)
        await ask(before.claims, 'mutation { logoutEverywhere }')
        const after = await loggedIn(ask, credentials)
        expect(after.claims.iat).toBe(before.claims.iat)
        return { refused: [before.token], accepted: [after.token] }
      })
    },

    async 'refuses tokens of API keys and of clients that were issued in its own second'() {
      const [ask] = asks as [Ask]
      const { claims: admin } = await administrator(ask, scratch.url, 'closer')
      const { claims } = await loggedIn(ask, await signedUp(ask, 'closed', password))
      const make = 'mutation { createApiKey(name: "k", scopes: ["profile"]) { key } }'
      const { key } = (await ask(claims, make)).data.createApiKey
      const add = 'mutation { adminCreateClient(name: "c", scopes: []) { secret client { id } } }'
      const { client, secret } = (await ask(admin, add)).data.adminCreateClient
      return inOneSecond(async () => {
        const ofKey = await token({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token_type: 'urn:portcullis:params:oauth:token-type:api-key',
          subject_token: key,
        })
        const ofClient = await token({
          grant_type: 'client_credentials',
          client_id: client.id,
          client_secret: secret,
        })
        const end = `mutation ($user: ID!, $client: ID!) {
          adminDisableUser(id: $user) { disabled }
          adminDisableClient(id: $client) { disabled }
        }`
        const { errors } = await ask(admin, end, { user: claims.sub, client: client.id })
        expect(errors).toBeUndefined()
        return { refused: [ofKey, ofClient] }
      })
    },

    async 'refuses a token that is signed after it for what was read before it'() {
      const [ask] = asks as [Ask]
      const { claims: admin } = await administrator(ask, scratch.url, 'demoter')
      const { credentials, refreshToken, claims } = await administrator(ask, scratch.url, 'demoted')
      // A process that is held up between reading the account and signing.
      const read = await parts.refreshTokens.rotate(refreshToken, {})
      if (read.outcome !== 'rotated') throw new Error(read.outcome)
      const demote = 'mutation ($id: ID!) { adminSetRoles(id: $id, roles: ["user"]) { roles } }'
      await ask(admin, demote, { id: claims.sub })
      const late = await parts.issueAccessToken(read.account, read.session)
      expect(await parts.verifyOwnToken(late.token)).toBeUndefined()
      return { refused: [late.token], accepted: [(await loggedIn(ask, credentials)).token] }
    },

    async 'ends a session that begins beside it'() {
      const account = (await parts.accounts.findByUsername(alice.username))!
      let ending: Promise<void> | undefined
      const tokens = await parts.startSession(
        account,
        {},
        {
          inTransaction: async () => {
            ending = parts.sessionEnder.endAll('logout everywhere', account.id, {})
            await new Promise((resolve) => setTimeout(resolve, 100))
          },
          deviceToken: undefined,
          strength: strengths.password,
        },
      )
      await ending
      const rotated = await parts.refreshTokens.rotate(tokens.refreshToken, {})
      expect(rotated).toEqual({ outcome: 'ended' })
      return { refused: [tokens.token] }
    },
  }

  describe('is known to the gateway, which', () => {
    const outcomes = new Map<string, { refused: string[]; accepted?: string[] }>()
    // All of them first: the gateway asks once for what each test is about.
    beforeAll(async () => {
      for (const [name, act] of Object.entries(scenes)) outcomes.set(name, await act())
    })

    test.each(Object.keys(scenes))('%s', async (name) => {
      const { refused, accepted = [] } = outcomes.get(name)!
      await Promise.all(refused.map(isRefused))
      expect(await Promise.all(accepted.map(accepts))).toEqual(accepted.map(() => true))
    })
  })

  test.each(['a new password', 'the end of the account'])(
    'by %s refuses a login that was proven before it',
    async (what) => {
      const credentials = await signedUp(asks[0]!, `late-${what.length}`, password)
      const account = (await parts.accounts.findByUsername(credentials.username))!
      if (what === 'a new password') await parts.accounts.setPassword(account.id, 'another hash')
      else await parts.administration.disable({ id: 'root', client: {} }, account.id)
      const start = {
        inTransaction: async () => {},
        deviceToken: undefined,
        strength: strengths.password,
      }
      await expect(parts.startSession(account, {}, start)).rejects.toMatchObject({
        extensions: { code: 'SESSION_ENDED' },
      })
    },
  )

  test.each(['a new password', 'the end of the account'])(
    'by %s refuses a change of the password that was proven before it',
    async (what) => {
      const credentials = await signedUp(asks[0]!, `raced-${what.length}`, password)
      const { claims } = await loggedIn(asks[0]!, credentials)
      const session = (await parts.sessions.find(claims.sid, claims.sub))!
      const { passwordHash } = (await parts.accounts.find(claims.sub))!
      const { hash } = parts.passwords
      // While the new password of an attacker, who knows the old one, is hashed.
      parts.passwords.hash = async (text) => {
        parts.passwords.hash = hash
        if (what === 'a new password') await parts.accounts.setPassword(claims.sub, 'of its owner')
        else await parts.administration.disable({ id: 'root', client: {} }, claims.sub)
        return hash(text)
      }
      const change = parts.changePassword(session, password, 'another kangaroo sings', {})
      expect(await change).toEqual({ outcome: 'wrong password' })
      const kept = (await parts.accounts.find(claims.sub))!.passwordHash
      expect(kept).toBe(what === 'a new password' ? 'of its owner' : passwordHash)
    },
  )
})
