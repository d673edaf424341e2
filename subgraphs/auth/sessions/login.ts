import type { CallerClient } from '../../kit/client-headers.ts'
import type { Account, Accounts } from '../accounts/accounts.ts'
import { canonicalUsername } from '../accounts/username.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { ShedLoad } from '../passwords/load-shedding.ts'
import type { PasswordHasher } from '../passwords/hashing.ts'
import { readPassword } from '../passwords/password-text.ts'
import type { OneTimeCodes } from '../second-factors/one-time-codes.ts'
import type { LoginGuard, LoginPermission } from '../throttling/login-guard.ts'
import { strengths } from './authentication-strength.ts'
import type { Strength } from './authentication-strength.ts'
import type { SessionStarter, Tokens } from './start-session.ts'
import { codeRequired, isRefusal, wrongCredentials } from './wrong-credentials.ts'

export interface LoginParts {
  database: AuthDatabase
  accounts: Accounts
  passwords: PasswordHasher
  guard: LoginGuard
  audit: AuditTrail
  startSession: SessionStarter
  codes: OneTimeCodes
  /** Refuses logins when too many are running. */
  shedLoad: ShedLoad
}

export interface Credentials {
  username: string
  password: string
  /** From an earlier login on the same device. */
  deviceToken?: string | null
  /** From an authenticator app, or a recovery code. */
  code?: string | null
}

type Proof =
  | { outcome: 'proven'; account: Account; strength: Strength }
  | { outcome: 'code missing' }
  | { outcome: 'refused'; event: 'login failed' | 'login throttled' | 'code refused' }

export type Login = (credentials: Credentials, client: CallerClient) => Promise<Tokens>

/**
 * Returns a function that exchanges credentials for tokens. For unknown, wrong, disabled and throttled
 * credentials the response is the same and takes the same time.
 */
export function login(parts: LoginParts): Login {
  const { database, accounts, passwords, guard, audit, startSession, codes, shedLoad } = parts

  return (credentials, client) => shedLoad(() => attemptLogin(credentials, client))

  async function attemptLogin(credentials: Credentials, client: CallerClient): Promise<Tokens> {
    const username = canonicalUsername(credentials.username)
    const { password } = credentials
    const account = await accounts.findByUsername(username)
    const deviceToken = credentials.deviceToken ?? undefined
    const permission = await guard.allow({ username, password, client, deviceToken }, account?.id)
    try {
      const proof = await prove(account, credentials, permission)
      if (proof.outcome === 'proven') {
        return await startSession(proof.account, client, {
          inTransaction: permission.succeeded,
          deviceToken: permission.knownDevice ? deviceToken : undefined,
          strength: proof.strength,
        })
      }
      if (proof.outcome === 'code missing') {
        await permission.abandoned(database)
        throw codeRequired()
      }
      const { event } = proof
      await database.transaction().execute(async (transaction) => {
        await permission.failed(transaction)
        const entry = { event, accountId: account?.id, username: credentials.username, ...client }
        await audit.record(entry, transaction)
      })
      throw wrongCredentials()
    } catch (cause) {
      // A failure on our side does not count as a failed attempt.
      if (!isRefusal(cause)) await permission.abandoned(database)
      throw cause
    }
  }

  /** Takes the same time for unknown, wrong, disabled and throttled credentials. */
  async function prove(
    account: Account | undefined,
    { password, code }: Credentials,
    { allowed }: LoginPermission,
  ): Promise<Proof> {
    const proven = await passwords.matches(password, allowed ? account?.passwordHash : undefined)
    if (!allowed) return { outcome: 'refused', event: 'login throttled' }
    if (!account || !proven || account.disabled)
      return { outcome: 'refused', event: 'login failed' }

    const needsCode = await codes.isRequired(account.id)
    if (needsCode && code == null) return { outcome: 'code missing' }
    if (needsCode && !(await codes.use(database, account.id, code!))) {
      return { outcome: 'refused', event: 'code refused' }
    }
    if (passwords.isOutdated(account.passwordHash)) await rehash(account, password)
    const strength = needsCode ? strengths.passwordAndCode : strengths.password
    return { outcome: 'proven', account, strength }
  }

  /** Runs at login, the only time at which the password is known. */
  async function rehash({ id, passwordHash }: Account, password: string): Promise<void> {
    await accounts.rehash(id, passwordHash, await passwords.hash(readPassword(password)!))
  }
}
