import { GraphQLError } from 'graphql'
import { requireClaims } from '../../kit/guards.ts'
import type { SubgraphContext } from '../../kit/guards.ts'
import type { Session, Sessions } from './sessions.ts'

export interface CallersSession {
  /**
   * Returns the session that the verified claims name, if it is open and one of ours. Claims of another
   * issuer never name one.
   */
  find(context: SubgraphContext): Promise<Session | undefined>
  /** The same; throws an UNAUTHENTICATED error if there is none. */
  require(context: SubgraphContext): Promise<Session>
}

/** @param issuer the `iss` of our tokens, for gateways that forward it */
export function callersSession(sessions: Sessions, issuer: string): CallersSession {
  const find = async (context: SubgraphContext) => {
    const { sub, sid, iss } = requireClaims(context)
    if (typeof sid !== 'string' || (iss !== undefined && iss !== issuer)) return undefined
    return sessions.find(sid, sub)
  }
  return {
    find,
    async require(context) {
      const session = await find(context)
      if (session) return session
      throw new GraphQLError('Log in to see this', { extensions: { code: 'UNAUTHENTICATED' } })
    },
  }
}
