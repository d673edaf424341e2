import type { CallerClient } from '../../kit/client-headers.ts'
import type { Account, Accounts } from '../accounts/accounts.ts'
import { canonicalUsername } from '../accounts/username.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { PasswordHasher } from '../passwords/hashing.ts'
import { readPassword } from '../passwords/password-text.ts'
import type { SessionStarter, Tokens } from './start-session.ts'
import { wrongCredentials } from './wrong-credentials.ts'

export interface LoginParts {
  accounts: Accounts
  passwords: PasswordHasher
  audit: AuditTrail
  startSession: SessionStarter
}

export type Login = (username: string, password: string, client: CallerClient) => Promise<Tokens>

/**
 * Returns a function that exchanges credentials for tokens. Whatever is wrong with them, the answer
 * is the same and takes the same time.
 */
export function login({ accounts, passwords, audit, startSession }: LoginParts): Login {
  return async (username, password, client) => {
    const account = await accounts.findByUsername(canonicalUsername(username))
    const proven = await passwords.matches(password, account?.passwordHash)
    if (!account || !proven || account.disabled) {
      await audit.record({ event: 'login failed', accountId: account?.id, username, ...client })
      throw wrongCredentials()
    }
    if (passwords.isOutdated(account.passwordHash)) await rehash(account, password)
    return startSession(account, client)
  }

  /** The password is known now, and at no other time. */
  async function rehash({ id, passwordHash }: Account, password: string): Promise<void> {
    await accounts.rehash(id, passwordHash, await passwords.hash(readPassword(password)!))
  }
}
