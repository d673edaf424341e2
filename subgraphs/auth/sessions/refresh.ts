import { GraphQLError } from 'graphql'
import type { CallerClient } from '../../kit/client-headers.ts'
import type { AccessTokenIssuer } from '../tokens/access-token.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { Tokens } from './start-session.ts'

export type Refresh = (refreshToken: string, client: CallerClient) => Promise<Tokens>

/** Returns a function that exchanges a refresh token for new tokens, once. */
export function refresh(
  refreshTokens: RefreshTokens,
  issueAccessToken: AccessTokenIssuer,
): Refresh {
  return async (presented, client) => {
    const result = await refreshTokens.rotate(presented, client)
    if (result.outcome === 'conflict') {
      throw conflict(result.retryAfter)
    }
    if (result.outcome !== 'rotated') {
      throw refused('SESSION_ENDED', 'The session has ended: log in again')
    }
    const { account, session, refreshToken } = result
    return { account, refreshToken, ...(await issueAccessToken(account, session)) }
  }
}

function conflict(retryAfter: number | undefined): GraphQLError {
  const lost = `, or, if it never arrived, try again in ${retryAfter} seconds`
  return new GraphQLError(
    `This refresh token was used a moment ago: use the newest one${retryAfter === undefined ? '' : lost}`,
    {
      extensions: { code: 'REFRESH_CONFLICT', ...(retryAfter === undefined ? {} : { retryAfter }) },
    },
  )
}

function refused(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}
