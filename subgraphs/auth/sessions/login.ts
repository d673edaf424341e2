import type { CallerClient } from '../../kit/client-headers.ts'
import type { Account, Accounts } from '../accounts/accounts.ts'
import { canonicalUsername } from '../accounts/username.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { PasswordHasher } from '../passwords/hashing.ts'
import { readPassword } from '../passwords/password-text.ts'
import type { OneTimeCodes } from '../second-factors/one-time-codes.ts'
import type { LoginGuard } from '../throttling/login-guard.ts'
import { strengths } from './authentication-strength.ts'
import type { SessionStarter, Tokens } from './start-session.ts'
import { codeRequired, wrongCredentials } from './wrong-credentials.ts'

export interface LoginParts {
  database: AuthDatabase
  accounts: Accounts
  passwords: PasswordHasher
  guard: LoginGuard
  audit: AuditTrail
  startSession: SessionStarter
  codes: OneTimeCodes
}

export interface Credentials {
  username: string
  password: string
  /** From an earlier login on the same device. */
  deviceToken?: string | null
  /** From an authenticator app, or a recovery code. */
  code?: string | null
}

export type Login = (credentials: Credentials, client: CallerClient) => Promise<Tokens>

/**
 * Returns a function that exchanges credentials for tokens. Unknown, wrong, disabled or throttled:
 * the answer is the same and takes the same time.
 */
export function login(parts: LoginParts): Login {
  const { database, accounts, passwords, guard, audit, startSession, codes } = parts

  return async ({ username: typed, password, deviceToken, code }, client) => {
    const username = canonicalUsername(typed)
    const account = await accounts.findByUsername(username)
    const attempt = { username, password, client, deviceToken: deviceToken ?? undefined }
    const permission = await guard.admit(attempt, account?.id)

    const stored = permission.allowed ? account?.passwordHash : undefined
    const proven = await passwords.matches(password, stored)
    if (!account || !proven || account.disabled) {
      const event = permission.allowed ? 'login failed' : 'login throttled'
      const entry = { event, accountId: account?.id, username: typed, ...client } as const
      await database.transaction().execute(async (transaction) => {
        await permission.failed(transaction)
        await audit.record(entry, transaction)
      })
      throw wrongCredentials()
    }
    const needsCode = await codes.isRequired(account.id)
    if (needsCode && code == null) {
      await permission.abandoned(database)
      throw codeRequired()
    }
    if (needsCode && !(await isRightCode(account, code!))) {
      const entry = { event: 'code refused', accountId: account.id, ...client } as const
      await database.transaction().execute(async (transaction) => {
        await permission.failed(transaction)
        await audit.record(entry, transaction)
      })
      throw wrongCredentials()
    }
    if (passwords.isOutdated(account.passwordHash)) await rehash(account, password)
    return startSession(account, client, {
      inTransaction: permission.succeeded,
      deviceToken: permission.knownDevice ? attempt.deviceToken : undefined,
      strength: needsCode ? strengths.passwordAndCode : strengths.password,
    })
  }

  async function isRightCode(account: Account, code: string): Promise<boolean> {
    return (await codes.use(database, account.id, code)) !== undefined
  }

  /** The password is known now, and at no other time. */
  async function rehash({ id, passwordHash }: Account, password: string): Promise<void> {
    await accounts.rehash(id, passwordHash, await passwords.hash(readPassword(password)!))
  }
}
