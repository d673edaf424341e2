import { GraphQLError } from 'graphql'
import type { CallerClient } from '../../kit/client-headers.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import { isPassword } from '../passwords/hashing.ts'
import type { SessionStarter, Tokens } from './start-session.ts'

export interface LoginParts {
  accounts: Accounts
  audit: AuditTrail
  startSession: SessionStarter
}

export type Login = (username: string, password: string, client: CallerClient) => Promise<Tokens>

/**
 * Returns a function that exchanges credentials for tokens. Whatever is wrong with them, the answer
 * is the same and takes the same time.
 */
export function login({ accounts, audit, startSession }: LoginParts): Login {
  return async (username, password, client) => {
    const account = await accounts.findByUsername(username)
    const proven = await isPassword(password, account?.passwordHash)
    if (!account || !proven) {
      await audit.record({ event: 'login failed', accountId: account?.id, username, ...client })
      throw wrongCredentials()
    }
    return startSession(account, client)
  }
}

function wrongCredentials(): GraphQLError {
  return new GraphQLError('Wrong username or password', {
    extensions: { code: 'INVALID_CREDENTIALS' },
  })
}
