/** A session is started by a login; its access tokens name it as `sid`. */
import { randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { CallerClient } from '../../kit/client-headers.ts'
import type { AuthDatabase, SessionsTable } from '../database.ts'
import { takeStatusIndex } from '../revocation/status-index.ts'
import type { Strength } from './authentication-strength.ts'
import type { SessionEnd } from './session-end.ts'

export interface Session {
  /** The `sid` of its access tokens. */
  readonly id: string
  readonly accountId: string
  /** Times are milliseconds since the epoch. */
  readonly createdAt: number
  readonly lastUsedAt: number
  readonly expiresAt: number
  readonly client: CallerClient
  readonly strength: Strength
  /** Of its access tokens in the status lists. */
  readonly statusIndex: number
}

export interface SessionLifetimes {
  /** Of a session, however it is used, in milliseconds. */
  absolute: number
  /** Of a session that is not refreshed, in milliseconds. */
  idle: number
  /** Of an access token, in milliseconds. */
  accessToken: number
}

export interface Sessions {
  /** Starts a session within a transaction of the caller, which also records the reason. */
  start(
    transaction: AuthDatabase,
    accountId: string,
    client: CallerClient,
    strength: Strength,
  ): Promise<Session>
  /** Returns the session if it belongs to the account and has not ended. */
  find(id: string, accountId: string): Promise<Session | undefined>
  /** Returns the open sessions of an account, last used first; at most 100. */
  list(accountId: string): Promise<Session[]>
  /** Ends the given sessions of the account, and returns those that were open. */
  revoke(
    transaction: AuthDatabase,
    accountId: string,
    which: { only: string } | { allBut: string } | 'all',
    endedBy: SessionEnd,
  ): Promise<{ id: string }[]>
}

/** A program that logs in again each time opens any number of them. */
const mostListed = 100

export function sessionStore(
  database: AuthDatabase,
  lifetimes: SessionLifetimes,
  now: () => number,
): Sessions {
  const open = () =>
    database
      .selectFrom('auth_sessions')
      .selectAll()
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', now())
      .where('last_used_at', '>', now() - lifetimes.idle)

  return {
    async start(transaction, accountId, client, strength) {
      const startedAt = now()
      const row = await transaction
        .insertInto('auth_sessions')
        .values({
          id: randomUUID(),
          account_id: accountId,
          created_at: startedAt,
          last_used_at: startedAt,
          expires_at: startedAt + lifetimes.absolute,
          access_expires_at: startedAt + lifetimes.accessToken,
          refresh_generation: 1,
          address: client.address ?? null,
          agent: client.agent ?? null,
          level: strength.level,
          methods: strength.methods.join(' '),
          status_index: await takeStatusIndex(transaction),
          revoked_at: null,
          changed_at: startedAt,
          ended_by: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return sessionOf(row)
    },

    async find(id, accountId) {
      const row = await open()
        .where('id', '=', id)
        .where('account_id', '=', accountId)
        .executeTakeFirst()
      return row && sessionOf(row)
    },

    async list(accountId) {
      const rows = await open()
        .where('account_id', '=', accountId)
        .orderBy('last_used_at', 'desc')
        .orderBy('id')
        .limit(mostListed)
        .execute()
      return rows.map(sessionOf)
    },

    async revoke(transaction, accountId, which, endedBy) {
      const revokedAt = now()
      const ofAccount = transaction
        .updateTable('auth_sessions')
        .set({ revoked_at: revokedAt, changed_at: revokedAt, ended_by: endedBy })
        .where('account_id', '=', accountId)
        .where('revoked_at', 'is', null)
      const chosen =
        which === 'all'
          ? ofAccount
          : 'only' in which
            ? ofAccount.where('id', '=', which.only)
            : ofAccount.where('id', '<>', which.allBut)
      return chosen.returning('id').execute()
    },
  }
}

export function sessionOf(row: Selectable<SessionsTable>): Session {
  return {
    id: row.id,
    accountId: row.account_id,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    client: {
      ...(row.address === null ? {} : { address: row.address }),
      ...(row.agent === null ? {} : { agent: row.agent }),
    },
    strength: {
      level: row.level as Strength['level'],
      methods: row.methods.split(' ') as Strength['methods'][number][],
    },
    statusIndex: row.status_index,
  }
}
