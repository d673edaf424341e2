/**
 * Refresh tokens: opaque, each valid for one use, only their SHA-256 is stored. All tokens of a
 * session are one family; reuse of one means that it was stolen, and ends the session (RFC 9700
 * section 4.14.2).
 *
 * With one exception: a response can get lost, and then its client still has the previous token. As
 * long as the successor was never used, that token gets another successor, and the lost one becomes
 * invalid. Using the lost one afterwards is reuse.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { CallerClient } from '../../kit/client-headers.ts'
import type { Account, Accounts } from '../accounts/accounts.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import { sessionOf } from './sessions.ts'
import type { Session, SessionLifetimes } from './sessions.ts'

export type RefreshOutcome =
  | { outcome: 'rotated'; refreshToken: string; session: Session; account: Account }
  /**
   * Its successor was issued a moment ago: most likely two requests of one client.
   * `retryAfter`: after how many seconds it gets another if that one was lost; undefined: never.
   */
  | { outcome: 'conflict'; retryAfter: number | undefined }
  | { outcome: 'reused'; session: Session }
  /** Expired, or its session has ended, or its account is disabled. */
  | { outcome: 'ended' }
  | { outcome: 'unknown' }

export interface RefreshTokens {
  /** Returns the first refresh token of a new session. */
  first(transaction: AuthDatabase, session: Session): Promise<string>
  /** Exchanges a refresh token for its successor. Of concurrent calls, one succeeds. */
  rotate(refreshToken: string, client: CallerClient): Promise<RefreshOutcome>
  /** Returns the session that a refresh token belongs to, used or not. */
  sessionOf(refreshToken: string): Promise<{ id: string; accountId: string } | undefined>
}

export interface RefreshTokenParts {
  database: AuthDatabase
  accounts: Accounts
  audit: AuditTrail
  lifetimes: SessionLifetimes
  now: () => number
}

/** How long a second use counts as a concurrent request of the same client, in milliseconds. */
const conflictWindow = 10_000

const shape = /^[\w-]{43}$/

export function refreshTokenStore({
  database,
  accounts,
  audit,
  lifetimes,
  now,
}: RefreshTokenParts): RefreshTokens {
  return {
    first: (transaction, session) => add(transaction, session, 1),

    async rotate(refreshToken, client) {
      if (!shape.test(refreshToken)) return { outcome: 'unknown' }
      const hash = hashOf(refreshToken)
      return database
        .transaction()
        .execute(async (transaction) => {
          const taken = await take(transaction, hash)
          return taken
            ? rotateSession(transaction, taken, client)
            : judgeRefused(transaction, hash, client)
        })
        .catch(asOutcome)
    },

    async sessionOf(refreshToken) {
      const row = await database
        .selectFrom('auth_refresh_tokens')
        .innerJoin('auth_sessions', 'auth_sessions.id', 'auth_refresh_tokens.session_id')
        .select(['auth_sessions.account_id', 'auth_sessions.id'])
        .where('hash', '=', hashOf(refreshToken))
        .executeTakeFirst()
      return row && { id: row.id, accountId: row.account_id }
    },
  }

  async function add(transaction: AuthDatabase, session: Session, generation: number) {
    const refreshToken = randomBytes(32).toString('base64url')
    await transaction
      .insertInto('auth_refresh_tokens')
      .values({
        hash: hashOf(refreshToken),
        session_id: session.id,
        generation,
        // Idle time restarts at each rotation; the end of the session does not move.
        expires_at: Math.min(now() + lifetimes.idle, session.expiresAt),
        used_at: null,
        replaced_at: null,
      })
      .execute()
    return refreshToken
  }

  /** The statement that decides the race. */
  function take(transaction: AuthDatabase, hash: string) {
    return transaction
      .updateTable('auth_refresh_tokens')
      .set({ used_at: now() })
      .where('hash', '=', hash)
      .where('used_at', 'is', null)
      .where('replaced_at', 'is', null)
      .where('expires_at', '>', now())
      .returning(['session_id', 'generation'])
      .executeTakeFirst()
  }

  async function rotateSession(
    transaction: AuthDatabase,
    taken: { session_id: string; generation: number },
    client: CallerClient,
    event: 'refresh' | 'refresh repeated' = 'refresh',
  ): Promise<RefreshOutcome> {
    const usedAt = now()
    const row = await transaction
      .updateTable('auth_sessions')
      .set({
        last_used_at: usedAt,
        changed_at: usedAt,
        access_expires_at: usedAt + lifetimes.accessToken,
        refresh_generation: taken.generation + 1,
        ...(client.address === undefined ? {} : { address: client.address }),
        ...(client.agent === undefined ? {} : { agent: client.agent }),
      })
      .where('id', '=', taken.session_id)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', usedAt)
      .returningAll()
      .executeTakeFirst()
    if (!row) throw new Ended()

    const session = sessionOf(row)
    // Read again at each refresh, so that changes by an administrator take effect.
    const account = await accounts.find(session.accountId, transaction)
    if (!account || account.disabled) throw new Ended()

    const refreshToken = await add(transaction, session, row.refresh_generation)
    await audit.record(
      { event, accountId: account.id, sessionId: session.id, ...client },
      transaction,
    )
    return { outcome: 'rotated', refreshToken, session, account }
  }

  async function judgeRefused(
    transaction: AuthDatabase,
    hash: string,
    client: CallerClient,
  ): Promise<RefreshOutcome> {
    const token = await transaction
      .selectFrom('auth_refresh_tokens')
      .select(['hash', 'session_id', 'generation', 'used_at', 'replaced_at'])
      .where('hash', '=', hash)
      .executeTakeFirst()
    if (!token) return { outcome: 'unknown' }
    const spentAt = token.replaced_at ?? token.used_at
    if (spentAt === null) return { outcome: 'ended' }

    const open = await transaction
      .selectFrom('auth_sessions')
      .select('refresh_generation')
      .where('id', '=', token.session_id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    if (!open) return { outcome: 'ended' }
    const isReplaced = token.replaced_at !== null
    const isPredecessor = !isReplaced && open.refresh_generation === token.generation + 1
    const waitingTime = spentAt + conflictWindow - now()
    if (waitingTime > 0 && (isPredecessor || isReplaced)) {
      return {
        outcome: 'conflict',
        retryAfter: isReplaced ? undefined : Math.ceil(waitingTime / 1000),
      }
    }
    if (isPredecessor) {
      const repeated = await repeat(transaction, { ...token, used_at: spentAt }, client)
      if (repeated) return repeated
    }
    return endFamily(transaction, token.session_id, client)
  }

  /** Gives another successor to a token whose successor was never used; undefined if it was. */
  async function repeat(
    transaction: AuthDatabase,
    token: { hash: string; session_id: string; generation: number; used_at: number },
    client: CallerClient,
  ): Promise<RefreshOutcome | undefined> {
    // Of concurrent calls, the first updates the time, and the others are too early.
    const moved = await transaction
      .updateTable('auth_refresh_tokens')
      .set({ used_at: now() })
      .where('hash', '=', token.hash)
      .where('used_at', '=', token.used_at)
      .returning('hash')
      .executeTakeFirst()
    if (!moved) return { outcome: 'conflict', retryAfter: conflictWindow / 1000 }

    const replaced = await transaction
      .updateTable('auth_refresh_tokens')
      .set({ replaced_at: now() })
      .where('session_id', '=', token.session_id)
      .where('generation', '=', token.generation + 1)
      .where('used_at', 'is', null)
      .where('replaced_at', 'is', null)
      .returning('expires_at')
      .executeTakeFirst()
    if (!replaced) return undefined
    // The new successor replaces it, and has the same expiry.
    if (replaced.expires_at <= now()) throw new Ended()
    return rotateSession(transaction, token, client, 'refresh repeated')
  }

  /** A token of the session was stolen. */
  async function endFamily(
    transaction: AuthDatabase,
    sessionId: string,
    client: CallerClient,
  ): Promise<RefreshOutcome> {
    const event = 'refresh token reused'
    const endedAt = now()
    const ended = await transaction
      .updateTable('auth_sessions')
      .set({ revoked_at: endedAt, changed_at: endedAt, ended_by: event })
      .where('id', '=', sessionId)
      .where('revoked_at', 'is', null)
      .returningAll()
      .executeTakeFirst()
    if (!ended) return { outcome: 'ended' }
    const session = sessionOf(ended)
    await audit.record(
      {
        event,
        accountId: session.accountId,
        sessionId: session.id,
        ...client,
      },
      transaction,
    )
    return { outcome: 'reused', session }
  }
}

/** Rolls the transaction back, so that a refused token is not used up. */
class Ended extends Error {}

function asOutcome(cause: unknown): RefreshOutcome {
  if (cause instanceof Ended) return { outcome: 'ended' }
  throw cause
}

function hashOf(refreshToken: string): string {
  return createHash('sha256').update(refreshToken).digest('base64url')
}
