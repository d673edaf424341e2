import { GraphQLError } from 'graphql'
import type { CallerClient } from '../../kit/client-headers.ts'
import type { Account, Accounts } from '../accounts/accounts.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { AccessToken, AccessTokenIssuer } from '../tokens/access-token.ts'
import type { Strength } from './authentication-strength.ts'
import type { KnownDevices } from './known-devices.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { Sessions } from './sessions.ts'

/** The tokens that a client gets for credentials or for a refresh token. */
export interface Tokens extends AccessToken {
  readonly refreshToken: string
  /** For the next login on this device. */
  readonly deviceToken?: string
  readonly account: Account
}

export interface SessionStarterParts {
  database: AuthDatabase
  accounts: Accounts
  sessions: Sessions
  devices: KnownDevices
  refreshTokens: RefreshTokens
  audit: AuditTrail
  issueAccessToken: AccessTokenIssuer
}

export interface Start {
  /** Runs in the transaction that starts the session. */
  inTransaction: (transaction: AuthDatabase) => Promise<void>
  /** The device's token, if it has one. */
  deviceToken: string | undefined
  /** How the user was authenticated. */
  strength: Strength
}

/** Starts a session for an authenticated account. */
export type SessionStarter = (
  account: Account,
  client: CallerClient,
  start: Start,
) => Promise<Tokens>

export function sessionStarter(parts: SessionStarterParts): SessionStarter {
  const { database, accounts, sessions, devices, refreshTokens, audit, issueAccessToken } = parts

  return async (proven, client, { inTransaction, deviceToken: known, strength }) => {
    const started = await database.transaction().execute(async (transaction) => {
      const account = await requireUnchanged(proven, transaction)
      await inTransaction(transaction)
      const session = await sessions.start(transaction, account.id, client, strength)
      const refreshToken = await refreshTokens.first(transaction, session)
      const deviceToken = known ?? (await devices.remember(transaction, account.id))
      await audit.record(
        { event: 'login', accountId: account.id, sessionId: session.id, ...client },
        transaction,
      )
      return { account, session, refreshToken, deviceToken }
    })
    const { session, ...tokens } = started
    return { ...tokens, ...(await issueAccessToken(tokens.account, session)) }
  }

  /**
   * Returns the current state of the account: during the authentication it may have been disabled, or
   * its password changed, which ends all sessions and must prevent this one.
   */
  async function requireUnchanged(proven: Account, transaction: AuthDatabase): Promise<Account> {
    const account = await accounts.lock(proven.id, transaction)
    const { passwordGeneration } = proven
    if (account && !account.disabled && account.passwordGeneration === passwordGeneration) {
      return account
    }
    throw new GraphQLError('The account was changed a moment ago: log in again', {
      extensions: { code: 'SESSION_ENDED' },
    })
  }
}
