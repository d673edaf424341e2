import type { CallerClient } from '../../kit/client-headers.ts'
import type { Account } from '../accounts/accounts.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { AccessToken, AccessTokenIssuer } from '../tokens/access-token.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { Sessions } from './sessions.ts'

/** What a client gets for credentials or for a refresh token. */
export interface Tokens extends AccessToken {
  readonly refreshToken: string
  readonly account: Account
}

export interface SessionStarterParts {
  database: AuthDatabase
  sessions: Sessions
  refreshTokens: RefreshTokens
  audit: AuditTrail
  issueAccessToken: AccessTokenIssuer
}

/** Starts a session for an account that has proven itself. */
export type SessionStarter = (account: Account, client: CallerClient) => Promise<Tokens>

export function sessionStarter(parts: SessionStarterParts): SessionStarter {
  const { database, sessions, refreshTokens, audit, issueAccessToken } = parts

  return async (account, client) => {
    const { session, refreshToken } = await database.transaction().execute(async (transaction) => {
      const session = await sessions.start(transaction, account.id, client)
      const refreshToken = await refreshTokens.first(transaction, session)
      await audit.record(
        { event: 'login', accountId: account.id, sessionId: session.id, ...client },
        transaction,
      )
      return { session, refreshToken }
    })
    return { account, refreshToken, ...(await issueAccessToken(account, session)) }
  }
}
