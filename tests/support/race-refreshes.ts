import { expect } from '@jest/globals'
import { accountStore } from '../../subgraphs/auth/accounts/accounts.ts'
import { standardRoles } from '../../subgraphs/auth/accounts/roles.ts'
import { auditTrail } from '../../subgraphs/auth/audit/audit-trail.ts'
import type { AuthDatabase } from '../../subgraphs/auth/database.ts'
import { refreshTokenStore } from '../../subgraphs/auth/sessions/refresh-tokens.ts'

const minute = 60 * 1000
const day = 24 * 60 * minute

/** Uses a refresh token 20 times concurrently, then its successor, and so on: each has one winner. */
export async function raceRefreshes(
  refreshToken: string,
  { databases, rounds }: { databases: readonly AuthDatabase[]; rounds: number },
): Promise<void> {
  const stores = databases.map((database) => {
    const lifetimes = { absolute: 30 * day, idle: 7 * day, accessToken: 5 * minute }
    const audit = auditTrail(database, 'a secret', Date.now)
    const accounts = accountStore(database, standardRoles, Date.now)
    return refreshTokenStore({ database, accounts, audit, lifetimes, now: Date.now })
  })
  for (let round = 0; round < rounds; round++) {
    const token = refreshToken
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => stores[index % stores.length]!.rotate(token, {})),
    )
    const winners = results.flatMap((result) => (result.outcome === 'rotated' ? [result] : []))
    expect(winners).toHaveLength(1)
    expect(results.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(19)
    refreshToken = winners[0]!.refreshToken
  }
}
