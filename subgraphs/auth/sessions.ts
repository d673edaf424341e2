import { randomUUID } from 'node:crypto'
import type { AuthDatabase } from './database.ts'

export interface Session {
  /** The `sid` of its access tokens. */
  readonly id: string
  readonly accountId: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface Sessions {
  start(accountId: string): Promise<Session>
  /** Returns the session if it is the account's own and has not ended. */
  find(id: string, accountId: string): Promise<Session | undefined>
}

/** @param lifetime of a session, in milliseconds */
export function sessionStore(
  database: AuthDatabase,
  lifetime: number,
  now: () => number,
): Sessions {
  return {
    async start(accountId) {
      const createdAt = now()
      const session = { id: randomUUID(), accountId, expiresAt: createdAt + lifetime }
      await database
        .insertInto('auth_sessions')
        .values({
          id: session.id,
          account_id: accountId,
          created_at: createdAt,
          expires_at: session.expiresAt,
        })
        .execute()
      return session
    },

    async find(id, accountId) {
      const row = await database
        .selectFrom('auth_sessions')
        .select(['id', 'account_id', 'expires_at'])
        .where('id', '=', id)
        .where('account_id', '=', accountId)
        .where('expires_at', '>', now())
        .executeTakeFirst()
      return row && { id: row.id, accountId: row.account_id, expiresAt: row.expires_at }
    },
  }
}
