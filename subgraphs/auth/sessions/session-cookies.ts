/**
 * Tokens in cookies, for pages of a browser: no script can read them, so none can be stolen by one
 * (`__Host-`: of this host alone, over TLS only, RFC 6265bis section 4.1.3.2).
 *
 * A browser sends cookies by itself, so another site must not be able to make it act. Three things
 * keep it from that: SameSite=Strict; the gateway, which takes mutations only as POST of JSON, for which a
 * page of another origin needs the consent of CORS; and CORS, which names the origins that have it
 * (OWASP, Cross-Site Request Forgery Prevention: custom content types).
 */
import { GraphQLError } from 'graphql'
import type { ClientCookies } from '../../kit/cookies.ts'
import type { Tokens } from './start-session.ts'

export const accessCookie = '__Host-access'
export const refreshCookie = '__Host-refresh'

/** Tokens, or null for those that the client has in its cookies. */
export type HandedOut = Omit<Tokens, 'token' | 'refreshToken'> & {
  readonly token: string | null
  readonly refreshToken: string | null
}

export interface SessionCookies {
  /** Throws where cookies are wanted and not configured: before anything is done. */
  check(inCookies: boolean): void
  handOut(tokens: Tokens, cookies: ClientCookies): HandedOut
  refreshToken(cookies: ClientCookies): string | undefined
  /** Takes the cookies away from a client that has them. */
  clear(cookies: ClientCookies): void
}

const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict'

/** @param lifetime of the refresh token's cookie, in milliseconds */
export function sessionCookies(isConfigured: boolean, lifetime: number): SessionCookies {
  return {
    check(inCookies) {
      if (isConfigured || !inCookies) return
      throw new GraphQLError('Cookies are not configured here', {
        extensions: { code: 'BAD_USER_INPUT' },
      })
    },
    handOut(tokens, cookies) {
      // The browser forgets an access token when it expires: then it is anonymous, and may refresh.
      set(cookies, accessCookie, tokens.token, tokens.expiresIn)
      set(cookies, refreshCookie, tokens.refreshToken, Math.floor(lifetime / 1000))
      return { ...tokens, token: null, refreshToken: null }
    },
    refreshToken: (cookies) => (isConfigured ? cookies.get(refreshCookie) : undefined),
    clear(cookies) {
      if (!isConfigured) return
      set(cookies, accessCookie, '', 0)
      set(cookies, refreshCookie, '', 0)
    },
  }
}

function set(cookies: ClientCookies, name: string, value: string, maxAge: number): void {
  cookies.set(`${name}=${value}; Max-Age=${maxAge}; ${attributes}`)
}
