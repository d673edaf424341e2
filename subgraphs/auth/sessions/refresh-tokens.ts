/**
 * Refresh tokens: opaque, each good for one use, only their SHA-256 is stored. All tokens of a
 * session are one family; a second use of one means that somebody else has it, and ends the session
 * (RFC 9700 section 4.14.2).
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
  /** Its successor was handed out a moment ago: two requests of one client, most likely. */
  | { outcome: 'conflict' }
  | { outcome: 'reused'; session: Session }
  /** Expired, or its session or account is at its end. */
  | { outcome: 'ended' }
  | { outcome: 'unknown' }

export interface RefreshTokens {
  /** Returns the first refresh token of a new session. */
  first(transaction: AuthDatabase, session: Session): Promise<string>
  /** Exchanges a refresh token for its successor. Of any number of callers at once, one wins. */
  rotate(refreshToken: string, client: CallerClient): Promise<RefreshOutcome>
}

export interface RefreshTokenParts {
  database: AuthDatabase
  accounts: Accounts
  audit: AuditTrail
  lifetimes: SessionLifetimes
  now: () => number
}

/** How long the use of a token just replaced is taken for a mishap, in milliseconds. */
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
  }

  async function add(transaction: AuthDatabase, session: Session, generation: number) {
    const refreshToken = randomBytes(32).toString('base64url')
    await transaction
      .insertInto('auth_refresh_tokens')
      .values({
        hash: hashOf(refreshToken),
        session_id: session.id,
        generation,
        // Idle time starts again at each rotation; the end of the session stays where it is.
        expires_at: Math.min(now() + lifetimes.idle, session.expiresAt),
        used_at: null,
      })
      .execute()
    return refreshToken
  }

  /** The one statement that decides the race. */
  function take(transaction: AuthDatabase, hash: string) {
    return transaction
      .updateTable('auth_refresh_tokens')
      .set({ used_at: now() })
      .where('hash', '=', hash)
      .where('used_at', 'is', null)
      .where('expires_at', '>', now())
      .returning(['session_id', 'generation'])
      .executeTakeFirst()
  }

  async function rotateSession(
    transaction: AuthDatabase,
    taken: { session_id: string; generation: number },
    client: CallerClient,
  ): Promise<RefreshOutcome> {
    const usedAt = now()
    const row = await transaction
      .updateTable('auth_sessions')
      .set({
        last_used_at: usedAt,
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
    // Read again at each refresh, so that what an administrator changed holds from here on.
    const account = await accounts.find(session.accountId, transaction)
    if (!account || account.disabled) throw new Ended()

    const refreshToken = await add(transaction, session, row.refresh_generation)
    await audit.record(
      { event: 'refresh', accountId: account.id, sessionId: session.id, ...client },
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
      .select(['session_id', 'generation', 'used_at'])
      .where('hash', '=', hash)
      .executeTakeFirst()
    if (!token) return { outcome: 'unknown' }
    if (token.used_at === null) return { outcome: 'ended' }

    const open = await transaction
      .selectFrom('auth_sessions')
      .select('refresh_generation')
      .where('id', '=', token.session_id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    if (!open) return { outcome: 'ended' }
    const isPredecessor = open.refresh_generation === token.generation + 1
    if (isPredecessor && token.used_at > now() - conflictWindow) return { outcome: 'conflict' }

    const ended = await transaction
      .updateTable('auth_sessions')
      .set({ revoked_at: now() })
      .where('id', '=', token.session_id)
      .where('revoked_at', 'is', null)
      .returningAll()
      .executeTakeFirst()
    if (!ended) return { outcome: 'ended' }
    const session = sessionOf(ended)
    await audit.record(
      {
        event: 'refresh token reused',
        accountId: session.accountId,
        sessionId: session.id,
        ...client,
      },
      transaction,
    )
    return { outcome: 'reused', session }
  }
}

/** Undoes the transaction: a token that led nowhere is not used up. */
class Ended extends Error {}

function asOutcome(cause: unknown): RefreshOutcome {
  if (cause instanceof Ended) return { outcome: 'ended' }
  throw cause
}

function hashOf(refreshToken: string): string {
  return createHash('sha256').update(refreshToken).digest('base64url')
}
