/**
 * Tokens in cookies, for pages of a browser: no script can read them, so none can be stolen by one
 * (`__Host-`: of this host alone, over TLS only, RFC 6265bis section 4.1.3.2).
 *
 * A browser sends cookies by itself, so another site must not be able to make it act. Three things
 * keep it from that: SameSite=Strict; the gateway, which takes mutations only as POST of JSON, for which a
 * page of another origin needs the consent of CORS; and CORS, which names the origins that have it
 * (OWASP, Cross-Site Request Forgery Prevention: custom content types).
 */
import type { ClientCookies } from '../../kit/cookies.ts'
import { badInput } from '../bad-input.ts'
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
  /** Throws, before it hands anything out, where a browser would drop the cookie. */
  handOut(tokens: Tokens, cookies: ClientCookies): HandedOut
  refreshToken(cookies: ClientCookies): string | undefined
  /** The same; without one, an error says where it could have been. */
  requireRefreshToken(cookies: ClientCookies): string
  /** Takes the cookies away from a client that has them. */
  clear(cookies: ClientCookies): void
}

/** What a browser keeps at least, name, value and attributes together (RFC 6265 section 6.1), in bytes. */
const largestCookie = 4096

const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict'

/** @param lifetime of the refresh token's cookie, in milliseconds */
export function sessionCookies(isConfigured: boolean, lifetime: number): SessionCookies {
  return {
    check(inCookies) {
      if (isConfigured || !inCookies) return
      throw badInput('Cookies are off: set SESSION_COOKIES=on, or log in without inCookies', {
        field: 'inCookies',
        setting: 'SESSION_COOKIES',
      })
    },
    handOut(tokens, cookies) {
      // The browser forgets an access token when it expires: then it is anonymous, and may refresh.
      const access = cookieOf(accessCookie, tokens.token, tokens.expiresIn)
      refuseTooLarge(access)
      cookies.set(access)
      cookies.set(cookieOf(refreshCookie, tokens.refreshToken, Math.floor(lifetime / 1000)))
      return { ...tokens, token: null, refreshToken: null }
    },
    refreshToken,
    requireRefreshToken(cookies) {
      const kept = refreshToken(cookies)
      if (kept !== undefined) return kept
      if (isConfigured) {
        throw badInput(`Give refreshToken: there is no cookie ${refreshCookie} either`, {
          field: 'refreshToken',
        })
      }
      throw badInput('Give refreshToken: cookies are off (SESSION_COOKIES)', {
        field: 'refreshToken',
        setting: 'SESSION_COOKIES',
      })
    },
    clear(cookies) {
      if (!isConfigured) return
      cookies.set(cookieOf(accessCookie, '', 0))
      cookies.set(cookieOf(refreshCookie, '', 0))
    },
  }

  function refreshToken(cookies: ClientCookies): string | undefined {
    return isConfigured ? cookies.get(refreshCookie) : undefined
  }
}

function cookieOf(name: string, value: string, maxAge: number): string {
  return `${name}=${value}; Max-Age=${maxAge}; ${attributes}`
}

/** Its holder would be anonymous, and nobody would know why. */
function refuseTooLarge(cookie: string): void {
  if (cookie.length <= largestCookie) return
  throw badInput(
    `The access token does not fit into a cookie: browsers drop one of more than ${largestCookie} bytes, and this has ${cookie.length}. Give the account fewer or shorter scopes, or log in without inCookies`,
    { limit: largestCookie },
  )
}
