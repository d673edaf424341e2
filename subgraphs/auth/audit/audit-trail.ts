/** The audit trail, for administrators: rows are added and never changed. */
import { createHmac, hkdfSync, randomUUID } from 'node:crypto'
import type { AuthDatabase } from '../database.ts'

/** Every event that is recorded. */
export type AuditEvent =
  | 'login'
  | 'login failed'
  | 'login throttled'
  | 'refresh'
  | 'refresh repeated'
  | 'refresh token reused'
  | 'logout'
  | 'logout everywhere'
  | 'session revoked'
  | 'sign-up'
  | 'password changed'
  | 'password reset requested'
  | 'password reset'
  | 'account disabled'
  | 'account enabled'
  | 'account created'
  | 'accounts imported'
  | 'roles changed'
  | 'logout forced'
  | 'code refused'
  | 'second factor added'
  | 'second factor removed'
  | 'passkey added'
  | 'passkey removed'
  | 'client made'
  | 'client disabled'
  | 'client logged in'
  | 'API key made'
  | 'API key revoked'
  | 'keys rotated'
  | 'key retired'
  | 'key revoked'
  | 'keys re-encrypted'

export interface AuditEntry {
  event: AuditEvent
  accountId?: string | undefined
  /** The administrator who performed the action. */
  actorId?: string | undefined
  sessionId?: string | undefined
  /** The IP address of the client. */
  address?: string | undefined
  /** As it was typed: it may be a password, so only a keyed hash is kept. */
  username?: string | undefined
}

export interface AuditTrail {
  /** @param transaction that performs the recorded action, so that both happen or neither */
  record(entry: AuditEntry, transaction?: AuthDatabase): Promise<void>
}

/** @param secret keys the hash of usernames, so that a copy of the table does not reveal them */
export function auditTrail(database: AuthDatabase, secret: string, now: () => number): AuditTrail {
  const hashKey = new Uint8Array(hkdfSync('sha256', secret, '', 'portcullis audit usernames', 32))
  const hashed = (username: string) =>
    createHmac('sha256', hashKey).update(username).digest('base64url')

  return {
    async record(
      { event, accountId, actorId, sessionId, address, username },
      transaction = database,
    ) {
      await transaction
        .insertInto('auth_audit')
        .values({
          id: randomUUID(),
          at: now(),
          event,
          account_id: accountId ?? null,
          actor_id: actorId ?? null,
          session_id: sessionId ?? null,
          address: address ?? null,
          username_hash: username === undefined ? null : hashed(username),
        })
        .execute()
    },
  }
}
