import type { Account } from '../accounts/accounts.ts'
import type { Session } from './sessions.ts'

/** Returns those scopes of the account that a session may use. */
export type SessionScopes = (account: Account, session: Session) => readonly string[]

/**
 * If a second factor is required, a session without one has no scopes: it can add the factor, and
 * nothing that a scope guards. A password is then never the only factor, and may be shorter
 * (NIST SP 800-63B-4 section 3.1.1.2).
 */
export function sessionScopes(isSecondFactorRequired: boolean): SessionScopes {
  return ({ scopes }, { strength }) =>
    isSecondFactorRequired && strength.level !== 'aal2' ? [] : scopes
}
