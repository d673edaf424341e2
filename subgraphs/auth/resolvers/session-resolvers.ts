import { requireClaims } from '../../kit/guards.ts'
import type { SubgraphResolvers } from '../../kit/serve-subgraph.ts'
import type { CallersSession } from '../sessions/callers-session.ts'
import type { SessionEnder } from '../sessions/end-sessions.ts'
import type { Login } from '../sessions/login.ts'
import type { Refresh } from '../sessions/refresh.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { time } from './time.ts'
import { tokensOutput } from './tokens-output.ts'

export interface SessionResolverParts {
  login: Login
  refresh: Refresh
  sessions: Sessions
  callersSession: CallersSession
  sessionEnder: SessionEnder
}

export function sessionResolvers(parts: SessionResolverParts) {
  const { login, refresh, sessions, callersSession, sessionEnder } = parts

  return {
    Query: {
      async session(_parent, _args, context) {
        const session = await callersSession.find(context)
        return session && sessionOutput(session, session)
      },
      async sessions(_parent, _args, context) {
        const own = await callersSession.require(context)
        const all = await sessions.list(own.accountId)
        return all.map((session) => sessionOutput(session, own))
      },
    },
    Mutation: {
      async login(_parent, credentials, { client }) {
        return tokensOutput(await login(credentials, client))
      },
      async refresh(_parent, { refreshToken }, { client }) {
        return tokensOutput(await refresh(refreshToken, client))
      },
      async logout(_parent, _args, context) {
        const { sub, sid } = requireClaims(context)
        return typeof sid === 'string' && sessionEnder.end('logout', sub, sid, context.client)
      },
      async logoutEverywhere(_parent, _args, context) {
        const { accountId } = await callersSession.require(context)
        await sessionEnder.endAll('logout everywhere', accountId, context.client)
        return true
      },
      async revokeSession(_parent, { id }, context) {
        const { accountId } = await callersSession.require(context)
        return sessionEnder.end('session revoked', accountId, id, context.client)
      },
    },
  } satisfies SubgraphResolvers
}

function sessionOutput(session: Session, own: Session) {
  return {
    id: session.id,
    createdAt: time(session.createdAt),
    lastUsedAt: time(session.lastUsedAt),
    expiresAt: time(session.expiresAt),
    client: session.client.agent,
    address: session.client.address,
    level: session.strength.level,
    current: session.id === own.id,
    user: { id: session.accountId },
  }
}
