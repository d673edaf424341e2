import { GraphQLError } from 'graphql'
import { requireClaims } from '../../kit/guards.ts'
import type { SubgraphContext } from '../../kit/guards.ts'
import type { Session, Sessions } from './sessions.ts'

export interface CallersSession {
  /** The session that the verified claims name, if it is open and one of ours. */
  find(context: SubgraphContext): Promise<Session | undefined>
  /** The same; without one, an UNAUTHENTICATED error. */
  require(context: SubgraphContext): Promise<Session>
}

export function callersSession(sessions: Sessions): CallersSession {
  const find = async (context: SubgraphContext) => {
    const { sub, sid } = requireClaims(context)
    return typeof sid === 'string' ? sessions.find(sid, sub) : undefined
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
