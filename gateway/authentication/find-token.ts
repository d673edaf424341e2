/** Where in a request the access token stands. */
import { cookieValues } from '../../subgraphs/kit/cookies.ts'
import { GatewayError } from '../errors.ts'
import type { RequestHeaders } from './authenticate.ts'

export type TokenSource =
  { readonly header: string; readonly scheme?: string | undefined } | { readonly cookie: string }

export interface FindTokenOptions {
  /** In order: the first that is present counts. */
  sources: readonly TokenSource[]
  /** What an Authorization header with a scheme that no source names means. */
  otherSchemes: 'refuse' | 'anonymous'
}

export type TokenFinder = (headers: RequestHeaders) => string | undefined

/**
 * Returns a function that finds the token of a request, or undefined for an anonymous one. A request
 * that carries a credential twice in one place, or one of another kind, is refused.
 */
export function tokenFinder({ sources, otherSchemes }: FindTokenOptions): TokenFinder {
  const finders = sources.map((source) =>
    'cookie' in source ? inCookie(source.cookie) : inHeader(source.header, source.scheme),
  )

  return (headers) => {
    for (const find of finders) {
      const token = find(headers)
      if (token !== undefined) return token
    }
    if (otherSchemes === 'refuse' && valuesOf(headers, 'authorization').length > 0) {
      throw new GatewayError('SCHEME_UNSUPPORTED')
    }
    return undefined
  }
}

/**
 * Returns a function that finds the cookie whose token counts in a request, or undefined where a header
 * has the token or nothing has. For requests that tokenFinder does not refuse.
 */
export function tokenCookieFinder(
  sources: readonly TokenSource[],
): (headers: RequestHeaders) => string | undefined {
  const finders = sources.map((source) =>
    'cookie' in source
      ? { cookie: source.cookie, find: inCookie(source.cookie) }
      : { cookie: undefined, find: inHeader(source.header, source.scheme) },
  )
  return (headers) => finders.find(({ find }) => find(headers) !== undefined)?.cookie
}

function inHeader(name: string, scheme: string | undefined): TokenFinder {
  const prefix = scheme === undefined ? undefined : `${scheme.toLowerCase()} `

  return (headers) => {
    const values = valuesOf(headers, name)
    if (values.length > 1) throw new GatewayError('CREDENTIALS_AMBIGUOUS')
    const [value] = values
    if (value === undefined || prefix === undefined) return value
    // `Bearer` with nothing after it is a token that is malformed, not another scheme.
    const start = `${value} `.slice(0, prefix.length).toLowerCase()
    return start === prefix ? value.slice(prefix.length).trimStart() : undefined
  }
}

/** RFC 6265 section 5.4; a browser that has a name twice sends both, and we do not guess. */
function inCookie(name: string): TokenFinder {
  return (headers) => {
    const values = (headers.cookie ?? [])
      .flatMap((header) => cookieValues(header, name))
      .map((value) => value.replace(/^"(.*)"$/, '$1'))
      .filter((value) => value.trim() !== '')
    if (new Set(values).size > 1) throw new GatewayError('CREDENTIALS_AMBIGUOUS')
    return values[0]
  }
}

/**
 * Returns the values of a header that hold anything. An empty one is no credential (RFC 9110 section
 * 11.4 begins one with a scheme), and clients send it when nobody has logged in yet.
 */
function valuesOf(headers: RequestHeaders, name: string): readonly string[] {
  const values = headers[name]
  if (values === undefined) return none
  return values.every(isPresent) ? values : values.filter(isPresent)
}

const none: readonly string[] = []

function isPresent(value: string): boolean {
  return value.trim() !== ''
}
