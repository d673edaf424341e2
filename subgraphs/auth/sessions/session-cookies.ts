/**
 * Tokens in cookies, for browsers: scripts cannot read them, so they cannot be stolen by one
 * (`__Host-`: of this host alone, over TLS only, RFC 6265bis section 4.1.3.2).
 *
 * A browser sends cookies by itself, so another site must not be able to send requests through it.
 * Three things prevent that: SameSite=Strict; the gateway, which accepts mutations only as POST of
 * JSON, which a page of another origin may send only if CORS allows it; and CORS, which lists the
 * allowed origins (OWASP, Cross-Site Request Forgery Prevention: custom content types).
 */
import type { ClientCookies } from '../../kit/cookies.ts'
import { badInput } from '../bad-input.ts'
import type { Tokens } from './start-session.ts'

export const accessCookie = '__Host-access'
export const refreshCookie = '__Host-refresh'

/** Tokens; null for those that are in the client's cookies. */
export type HandedOut = Omit<Tokens, 'token' | 'refreshToken'> & {
  readonly token: string | null
  readonly refreshToken: string | null
}

export interface SessionCookies {
  /** Throws if cookies are requested and not configured. */
  check(inCookies: boolean): void
  /** Sets the cookies; throws before setting any if a browser would drop one. */
  handOut(tokens: Tokens, cookies: ClientCookies): HandedOut
  refreshToken(cookies: ClientCookies): string | undefined
  /** The same; throws an error that says where it is expected if there is none. */
  requireRefreshToken(cookies: ClientCookies): string
  /** Clears the cookies of a client that has them. */
  clear(cookies: ClientCookies): void
}

/** The least size that browsers support, name, value and attributes together (RFC 6265 section 6.1), in bytes. */
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
      // The browser drops an access token when it expires: then it is anonymous, and may refresh.
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

/** Without the error the client would be anonymous for no visible reason. */
function refuseTooLarge(cookie: string): void {
  if (cookie.length <= largestCookie) return
  throw badInput(
    `The access token does not fit into a cookie: browsers drop one of more than ${largestCookie} bytes, and this has ${cookie.length}. Give the account fewer or shorter scopes, or log in without inCookies`,
    { limit: largestCookie },
  )
}
