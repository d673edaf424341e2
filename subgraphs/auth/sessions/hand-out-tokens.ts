import type { SubgraphContext } from '../../kit/guards.ts'
import type { SessionEnder } from './end-sessions.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { HandedOut, SessionCookies } from './session-cookies.ts'
import type { Tokens } from './start-session.ts'

export interface HandOutParts {
  inBrowser: SessionCookies
  refreshTokens: RefreshTokens
  sessionEnder: SessionEnder
}

/** Returns the tokens of a new session in the way that the client requested. */
export type HandOutTokens = (
  tokens: Tokens,
  inCookies: boolean,
  context: SubgraphContext,
) => Promise<HandedOut>

export function handOutTokens({
  inBrowser,
  refreshTokens,
  sessionEnder,
}: HandOutParts): HandOutTokens {
  return async (tokens, inCookies, { client, cookies }) => {
    if (!inCookies) return tokens
    try {
      return inBrowser.handOut(tokens, cookies)
    } catch (error) {
      // No client has received its tokens.
      const session = await refreshTokens.sessionOf(tokens.refreshToken)
      if (session) await sessionEnder.end('logout', session.accountId, session.id, client)
      throw error
    }
  }
}
