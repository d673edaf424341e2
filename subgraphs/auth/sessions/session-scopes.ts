import type { Account } from '../accounts/accounts.ts'
import type { Session } from './sessions.ts'

/** The scopes that a session may use of its account's. */
export type SessionScopes = (account: Account, session: Session) => readonly string[]

/**
 * Where a second factor is required, a session without one has no scopes: enough to add the factor,
 * and for nothing that a scope guards. A password is then never the only factor, and may be shorter
 * (NIST SP 800-63B-4 section 3.1.1.2).
 */
export function sessionScopes(isSecondFactorRequired: boolean): SessionScopes {
  return ({ scopes }, { strength }) =>
    isSecondFactorRequired && strength.level !== 'aal2' ? [] : scopes
}
