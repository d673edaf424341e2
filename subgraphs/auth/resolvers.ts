import { requireClaims } from '../kit/guards.ts'
import type { SubgraphContext } from '../kit/guards.ts'
import type { Login } from './login.ts'
import type { Session, Sessions } from './sessions.ts'

export interface ResolverParts {
  login: Login
  sessions: Sessions
}

export function resolvers({ login, sessions }: ResolverParts) {
  return {
    Query: {
      async session(_parent: unknown, _args: unknown, context: SubgraphContext) {
        const { sub, sid } = requireClaims(context)
        const session = typeof sid === 'string' ? await sessions.find(sid, sub) : undefined
        return session && sessionOutput(session)
      },
    },
    Mutation: {
      async login(_parent: unknown, args: { username: string; password: string }) {
        const { account, token, expiresIn } = await login(args.username, args.password)
        return { token, expiresIn, user: { id: account.id } }
      },
    },
  }
}

function sessionOutput(session: Session) {
  return {
    id: session.id,
    expiresAt: new Date(session.expiresAt).toISOString(),
    user: { id: session.accountId },
  }
}
