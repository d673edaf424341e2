/** The ways to end a session. Each updates the status list, so that its access tokens are revoked. */
import type { CallerClient } from '../../kit/client-headers.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { NotBeforeStore } from '../revocation/not-before.ts'
import type { SessionEnd } from './session-end.ts'
import type { Sessions } from './sessions.ts'

export interface SessionEnder {
  /** Ends one session of an account; returns false if it has no such open session. */
  end(event: SessionEnd, accountId: string, id: string, client: CallerClient): Promise<boolean>
  /** Ends every session of an account, and revokes all other tokens issued to it until now. */
  endAll(event: SessionEnd, accountId: string, client: CallerClient): Promise<void>
}

export interface SessionEnderParts {
  database: AuthDatabase
  sessions: Sessions
  notBefore: NotBeforeStore
  audit: AuditTrail
}

export function sessionEnder({
  database,
  sessions,
  notBefore,
  audit,
}: SessionEnderParts): SessionEnder {
  return {
    async end(event, accountId, id, client) {
      return database.transaction().execute(async (transaction) => {
        const [ended] = await sessions.revoke(transaction, accountId, { only: id }, event)
        if (!ended) return false
        await audit.record({ event, accountId, sessionId: id, ...client }, transaction)
        return true
      })
    },

    async endAll(event, accountId, client) {
      await database.transaction().execute(async (transaction) => {
        // First, because it locks the account, so that no session starts meanwhile.
        await notBefore.revoke({ account: accountId }, transaction)
        await sessions.revoke(transaction, accountId, 'all', event)
        await audit.record({ event, accountId, ...client }, transaction)
      })
    },
  }
}
