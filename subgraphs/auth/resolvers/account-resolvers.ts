import type { SubgraphResolvers } from '../../kit/serve-subgraph.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { ChangePassword } from '../accounts/change-password.ts'
import type { PasswordReset } from '../accounts/reset-password.ts'
import type { SignUp } from '../accounts/sign-up.ts'
import type { PasswordStrength, StrengthEstimator } from '../passwords/password-strength.ts'
import type { CallersSession } from '../sessions/callers-session.ts'
import { wrongCredentials } from '../sessions/wrong-credentials.ts'
import { time } from './time.ts'

export interface AccountResolverParts {
  accounts: Accounts
  callersSession: CallersSession
  signUp: SignUp
  changePassword: ChangePassword
  passwordReset: PasswordReset
  strength: StrengthEstimator
}

export function accountResolvers(parts: AccountResolverParts) {
  const { accounts, callersSession, signUp, changePassword, passwordReset, strength } = parts

  return {
    Query: {
      async me(_parent, _args, context) {
        const { accountId } = await callersSession.require(context)
        const account = await accounts.find(accountId)
        return (
          account && {
            username: account.username,
            email: account.email,
            emailVerified: account.emailVerified,
            roles: account.roles,
            scopes: account.scopes,
            createdAt: time(account.createdAt),
            user: { id: account.id },
          }
        )
      },
    },
    Mutation: {
      async signUp(_parent, request, { client }) {
        const result = await signUp(request, client)
        const known = [request.username, request.name, request.email].filter(Boolean) as string[]
        return {
          user: result.outcome === 'signed up' ? { id: result.accountId } : null,
          problems: result.outcome === 'signed up' ? [] : result.problems,
          strength: once(() => strength.estimate(request.password, known)),
        }
      },
      async changePassword(_parent, { currentPassword, newPassword }, context) {
        const session = await callersSession.require(context)
        const result = await changePassword(session, currentPassword, newPassword, context.client)
        if (result.outcome === 'wrong password') throw wrongCredentials()
        return output(result, newPassword)
      },
      async requestPasswordReset(_parent, { username }, { client }) {
        await passwordReset.request(username, client)
        return true
      },
      async resetPassword(_parent, { token, newPassword }, { client }) {
        return output(await passwordReset.reset(token, newPassword, client), newPassword)
      },
    },
  } satisfies SubgraphResolvers

  function output(
    result: { outcome: 'refused'; problems: readonly unknown[] } | { outcome: 'changed' | 'reset' },
    password: string,
  ) {
    const refused = result.outcome === 'refused'
    return {
      changed: !refused,
      problems: refused ? result.problems : [],
      strength: once(() => strength.estimate(password, [])),
    }
  }
}

/** Computes the function's result once: an operation may select it under any number of aliases. */
function once(estimate: () => Promise<PasswordStrength>): () => Promise<PasswordStrength> {
  let result: Promise<PasswordStrength> | undefined
  return () => (result ??= estimate())
}
