import { GraphQLError } from 'graphql'
import type { AccessToken, AccessTokenIssuer } from './access-token.ts'
import type { Account, Accounts } from './accounts.ts'
import { isPassword } from './passwords.ts'
import type { Sessions } from './sessions.ts'

export interface LoginParts {
  accounts: Accounts
  sessions: Sessions
  issueAccessToken: AccessTokenIssuer
}

export interface LoggedIn extends AccessToken {
  readonly account: Account
}

export type Login = (username: string, password: string) => Promise<LoggedIn>

/**
 * Returns a function that exchanges credentials for an access token. Whatever is wrong with them,
 * the answer is the same and takes the same time.
 */
export function login({ accounts, sessions, issueAccessToken }: LoginParts): Login {
  return async (username, password) => {
    const account = await accounts.findByUsername(username)
    const proven = await isPassword(password, account?.passwordHash)
    if (!account || !proven) throw wrongCredentials()

    const session = await sessions.start(account.id)
    return { account, ...(await issueAccessToken(account, session)) }
  }
}

function wrongCredentials(): GraphQLError {
  return new GraphQLError('Wrong username or password', {
    extensions: { code: 'INVALID_CREDENTIALS' },
  })
}
