import { GraphQLError } from 'graphql'
import { requireClaims } from '../../kit/guards.ts'
import type { CallerClient } from '../../kit/client-headers.ts'
import type { SubgraphResolvers } from '../../kit/serve-subgraph.ts'
import type { CallersSession } from '../sessions/callers-session.ts'
import type { SessionEnder } from '../sessions/end-sessions.ts'
import type { HandOutTokens } from '../sessions/hand-out-tokens.ts'
import type { Login } from '../sessions/login.ts'
import type { Refresh } from '../sessions/refresh.ts'
import type { RefreshTokens } from '../sessions/refresh-tokens.ts'
import type { SessionCookies } from '../sessions/session-cookies.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { sessionOutput } from './session-output.ts'
import { tokensOutput } from './tokens-output.ts'

export interface SessionResolverParts {
  login: Login
  refresh: Refresh
  refreshTokens: RefreshTokens
  sessions: Sessions
  callersSession: CallersSession
  sessionEnder: SessionEnder
  inBrowser: SessionCookies
  handOutTokens: HandOutTokens
}

export function sessionResolvers(parts: SessionResolverParts) {
  const { login, refresh, refreshTokens, sessions, callersSession, sessionEnder, inBrowser } = parts
  const { handOutTokens } = parts

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
      async login(_parent, { inCookies, ...credentials }, context) {
        inBrowser.check(inCookies)
        const tokens = await login(credentials, context.client)
        return tokensOutput(await handOutTokens(tokens, inCookies, context))
      },
      async refresh(_parent, { refreshToken: given }, { client, cookies }) {
        if (typeof given === 'string') return tokensOutput(await refresh(given, client))
        const kept = inBrowser.requireRefreshToken(cookies)
        try {
          return tokensOutput(inBrowser.handOut(await refresh(kept, client), cookies))
        } catch (error) {
          // The browser would keep sending it.
          if (isSessionEnded(error)) inBrowser.clear(cookies)
          throw error
        }
      },
      async logout(_parent, _args, context) {
        const kept = inBrowser.refreshToken(context.cookies)
        // The browser drops the access token after five minutes: the refresh token is enough.
        if (kept === undefined) requireClaims(context)
        const own = context.claims ? await callersSession.find(context) : undefined
        const inCookie = kept === undefined ? undefined : await refreshTokens.sessionOf(kept)
        const ended = await endEach(
          [
            own && { id: own.id, accountId: own.accountId },
            inCookie?.id === own?.id ? undefined : inCookie,
          ],
          context.client,
        )
        // Not earlier: without them the client could not retry when ending the session fails.
        inBrowser.clear(context.cookies)
        return ended
      },
      async logoutEverywhere(_parent, _args, context) {
        const { accountId } = await callersSession.require(context)
        await sessionEnder.endAll('logout everywhere', accountId, context.client)
        inBrowser.clear(context.cookies)
        return true
      },
      async revokeSession(_parent, { id }, context) {
        const { accountId } = await callersSession.require(context)
        return sessionEnder.end('session revoked', accountId, id, context.client)
      },
    },
  } satisfies SubgraphResolvers

  /** Returns whether there was a session to end. */
  async function endEach(
    ending: readonly ({ id: string; accountId: string } | undefined)[],
    client: CallerClient,
  ): Promise<boolean> {
    let ended = false
    for (const session of ending) {
      if (!session) continue
      if (await sessionEnder.end('logout', session.accountId, session.id, client)) ended = true
    }
    return ended
  }
}

function isSessionEnded(error: unknown): boolean {
  return error instanceof GraphQLError && error.extensions.code === 'SESSION_ENDED'
}
