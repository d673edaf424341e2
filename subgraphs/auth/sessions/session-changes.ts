/** What happened to the sessions of accounts, told from the rows of their table. */
import type { Selectable } from 'kysely'
import type { AuthDatabase, SessionsTable } from '../database.ts'
import { sessionEndReasons } from './session-end.ts'
import type { SessionEnd } from './session-end.ts'
import { sessionOf } from './sessions.ts'
import type { Session } from './sessions.ts'

export interface SessionEvent {
  /** LISTENING is the first event of each listener, with its own session. */
  readonly kind: 'LISTENING' | 'SIGNED_IN' | 'REFRESHED' | 'ENDED'
  /** In milliseconds since the epoch. */
  readonly at: number
  /** Why it ended; null if it has not, or if an earlier version of auth ended it. */
  readonly reason: (typeof sessionEndReasons)[keyof typeof sessionEndReasons] | null
  readonly session: Session
}

/** What has been reported of a session. */
export interface SeenSession {
  readonly lastUsedAt: number
  readonly changedAt: number
  readonly isRevoked: boolean
}

export type SessionRow = Selectable<SessionsTable>

/** The most rows that are read of an account: its latest changes. */
const mostOfAccount = 100

/** Returns the sessions of the accounts that changed at a time or later, the earliest change first. */
export function readChangedSessions(
  database: AuthDatabase,
  accountIds: readonly string[],
  since: number,
): Promise<SessionRow[]> {
  return database
    .selectFrom((from) =>
      from
        .selectFrom('auth_sessions')
        .selectAll()
        .select(({ fn }) =>
          fn
            .agg<number>('row_number')
            .over((over) => over.partitionBy('account_id').orderBy('changed_at', 'desc'))
            .as('rank'),
        )
        .where('account_id', 'in', accountIds)
        .where('changed_at', '>=', since)
        .as('changed'),
    )
    .selectAll()
    .where('rank', '<=', mostOfAccount)
    .orderBy('changed_at')
    .execute()
}

/**
 * Returns what happened to a session, in order.
 *
 * @param seen what was reported of it; undefined if nothing was since `since`
 * @param lifetimeIdle after how long without a refresh a session has ended, in milliseconds
 */
export function eventsOfSession(
  row: SessionRow,
  seen: SeenSession | undefined,
  since: number,
  lifetimeIdle: number,
): SessionEvent[] {
  const session = sessionOf(row)
  const events: SessionEvent[] = []
  const add = (kind: SessionEvent['kind'], at: number, reason: SessionEvent['reason'] = null) =>
    void events.push({ kind, at, reason, session })

  if (!seen && row.created_at >= since) add('SIGNED_IN', row.created_at)
  const reported = seen?.lastUsedAt ?? Math.max(row.created_at, since - 1)
  if (row.last_used_at > reported) add('REFRESHED', row.last_used_at)
  if (row.revoked_at === null || seen?.isRevoked) return events
  // A logout everywhere also revokes sessions that had expired.
  const expiredAt = Math.min(row.expires_at, row.last_used_at + lifetimeIdle)
  if (row.revoked_at >= since && row.revoked_at < expiredAt) {
    add('ENDED', row.revoked_at, reasonOf(row))
  }
  return events
}

function reasonOf({ ended_by }: SessionRow): SessionEvent['reason'] {
  // A newer version of auth, beside this one, may have another word.
  return sessionEndReasons[ended_by as SessionEnd] ?? null
}

/** Returns what is known of a session once its events are reported. */
export function seenSession(row: SessionRow): SeenSession {
  return {
    lastUsedAt: row.last_used_at,
    changedAt: row.changed_at,
    isRevoked: row.revoked_at !== null,
  }
}
