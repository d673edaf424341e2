/** Revocations while clients refresh all the time: what was issued before must not work afterwards. */
import { expect } from '@jest/globals'
import { randomInt } from 'node:crypto'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { Ask } from './ask-subgraph.ts'
import { loggedIn, refresh, signedUp } from './auth-client.ts'
import { until } from './until.ts'

export interface RevocationRace {
  /** One for each auth process: a client and its adversary do not always use the same. */
  readonly asks: readonly Ask[]
  readonly administrator: Claims
  /** Whether the gateway accepts an access token. */
  accepts(token: string): Promise<boolean>
}

export type Act = (race: RevocationRace, victim: Victim) => Promise<unknown>

export interface Victim {
  readonly id: string
  /** Of a session that does not refresh. */
  readonly claims: Claims
}

const password = 'purple kangaroo sings'

const administrate =
  (field: string): Act =>
  ({ asks, administrator }, { id }) =>
    required(asks.at(-1)!(administrator, `mutation ($id: ID!) { ${field} { username } }`, { id }))

export const acts = {
  adminSetRoles: administrate('adminSetRoles(id: $id, roles: ["user"])'),
  adminDisableUser: administrate('adminDisableUser(id: $id)'),
  adminForceLogout: administrate('adminForceLogout(id: $id)'),
  logoutEverywhere: ({ asks }, { claims }) =>
    required(asks.at(-1)!(claims, 'mutation { logoutEverywhere }')),
  changePassword: ({ asks }, { claims }) =>
    required(
      asks.at(-1)!(
        claims,
        `mutation ($current: String!) {
          changePassword(currentPassword: $current, newPassword: "another kangaroo sings") { changed }
        }`,
        { current: password },
      ),
    ),
} satisfies Record<string, Act>

/**
 * Lets a client refresh in a loop, and revokes what it has at a random moment. Returns the tokens
 * that must be refused soon, and those that must be accepted.
 */
export async function raceRevocation(race: RevocationRace, name: keyof typeof acts, round: number) {
  const { asks } = race
  const ask = asks[round % asks.length]!
  const credentials = await signedUp(ask, `${name}-${round}`, password)
  const looping = await loggedIn(ask, credentials)
  const idle = await loggedIn(ask, credentials)

  const before = [looping.token, idle.token]
  let over = false
  const loop = async () => {
    for (let refreshToken: string | undefined = looping.refreshToken; refreshToken && !over;) {
      const { data } = await refresh(ask, refreshToken)
      refreshToken = data.refresh?.refreshToken
      if (data.refresh && !over) before.push(data.refresh.token)
    }
  }
  const ended = loop()
  await until(() => before.length > 2, { pause: 1 })
  await new Promise((resolve) => setTimeout(resolve, randomInt(0, 60)))
  const known = before.length
  await acts[name](race, { id: looping.claims.sub, claims: idle.claims })
  over = true
  await ended

  const again =
    name === 'changePassword' ? { ...credentials, password: 'another kangaroo sings' } : credentials
  const after = name === 'adminDisableUser' ? [] : [(await loggedIn(ask, again)).token]
  return {
    // What was issued while the call was under way may have been issued after what it did.
    refused:
      name === 'changePassword'
        ? before.filter((token) => token !== idle.token)
        : before.slice(0, known),
    accepted: after,
  }
}

/** Races each act the given number of times, concurrently, and waits until the gateway knows of all of them. */
export async function raceRevocations(
  race: RevocationRace,
  { rounds, turn = 0 }: { rounds: number; turn?: number },
): Promise<void> {
  const results = await Promise.all(
    (Object.keys(acts) as (keyof typeof acts)[]).flatMap((name) =>
      Array.from({ length: rounds }, async (_, round) => ({
        name,
        ...(await raceRevocation(race, name, turn * rounds + round)),
      })),
    ),
  )
  const accepted = async (tokens: readonly { name: string; token: string }[]) => {
    const answers = await Promise.all(tokens.map(({ token }) => race.accepts(token)))
    return tokens.filter((_, index) => answers[index]).map(({ name }) => name)
  }
  const all = (which: 'refused' | 'accepted') =>
    results.flatMap(({ name, ...tokens }) => tokens[which].map((token) => ({ name, token })))
  expect(all('refused').length).toBeGreaterThanOrEqual(14 * rounds)
  await until(async () => (await accepted(all('refused'))).length === 0, {
    atMost: 6_000,
    pause: 200,
  })
  expect(await accepted(all('accepted'))).toHaveLength(4 * rounds)
}

async function required(answer: ReturnType<Ask>): Promise<void> {
  const { errors } = await answer
  expect(errors).toBeUndefined()
}
