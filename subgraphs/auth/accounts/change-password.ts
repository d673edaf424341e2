import type { CallerClient } from '../../kit/client-headers.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { PasswordHasher } from '../passwords/hashing.ts'
import { passwordProblems } from '../passwords/password-rules.ts'
import type { PasswordRules } from '../passwords/password-rules.ts'
import { readPassword } from '../passwords/password-text.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import type { Throttles } from '../throttling/throttles.ts'
import type { Accounts } from './accounts.ts'
import type { InputProblem } from './input-problem.ts'

export interface ChangePasswordParts {
  database: AuthDatabase
  accounts: Accounts
  sessions: Sessions
  passwords: PasswordHasher
  rules: PasswordRules
  audit: AuditTrail
  throttles: Throttles
}

export type ChangePasswordResult =
  | { outcome: 'changed' }
  | { outcome: 'wrong password' }
  | { outcome: 'refused'; problems: InputProblem[] }

export type ChangePassword = (
  session: Session,
  current: string,
  next: string,
  client: CallerClient,
) => Promise<ChangePasswordResult>

/** Returns a function that changes the password of a session's account, and ends its other sessions. */
export function changePassword(parts: ChangePasswordParts): ChangePassword {
  const { database, accounts, sessions, passwords, rules, audit, throttles } = parts

  return async (session, current, next, client) => {
    const account = await accounts.find(session.accountId)
    // A stolen access token must not allow guessing the password.
    const key = `change ${session.accountId}`
    const allowed = (await throttles.begin(database, key)) === 'allowed'
    const proven = await passwords.matches(current, allowed ? account?.passwordHash : undefined)
    if (!account || !proven) {
      if (allowed) await throttles.failed(database, key)
      return { outcome: 'wrong password' }
    }
    await throttles.succeeded(database, key)

    const problems = passwordProblems('newPassword', next, account.username, rules)
    if (problems.length > 0) return { outcome: 'refused', problems }

    const passwordHash = await passwords.hash(readPassword(next)!)
    return database.transaction().execute(async (transaction) => {
      // The owner may have reset it meanwhile, because another person knows it.
      const present = await accounts.lock(account.id, transaction)
      if (!present || present.disabled) return { outcome: 'wrong password' }
      if (present.passwordGeneration !== account.passwordGeneration) {
        return { outcome: 'wrong password' }
      }
      await accounts.setPassword(account.id, passwordHash, transaction)
      await sessions.revoke(transaction, account.id, { allBut: session.id }, 'password changed')
      await audit.record(
        { event: 'password changed', accountId: account.id, sessionId: session.id, ...client },
        transaction,
      )
      return { outcome: 'changed' }
    })
  }
}
