/** Finds the access token of a request, in the configured headers and cookies. */
import { cookieValues } from '../../subgraphs/kit/cookies.ts'
import type { RequestHeaders } from './authenticate.ts'

export type TokenSource =
  { readonly header: string; readonly scheme?: string | undefined } | { readonly cookie: string }

export interface FindTokenOptions {
  /**
   * The headers and cookies that may contain a token, in order: the first that is present counts.
   */
  sources: readonly TokenSource[]
  /** What happens to an Authorization header with a scheme that no source names. */
  otherSchemes: 'refuse' | 'anonymous'
}

export type FoundToken =
  | { readonly outcome: 'found'; readonly token: string }
  | { readonly outcome: 'none' }
  | { readonly outcome: 'refused'; readonly reason: 'CREDENTIALS_AMBIGUOUS' | 'SCHEME_UNSUPPORTED' }

/** Returns the tokens in one place of a request: more than one is ambiguous. */
type ReadPlace = (headers: RequestHeaders) => readonly string[]

/** Returns a function that finds the access token or API key of a request. */
export function tokenFinder({
  sources,
  otherSchemes,
}: FindTokenOptions): (headers: RequestHeaders) => FoundToken {
  const places = sources.map(placeOf)

  return (headers) => {
    for (const read of places) {
      const tokens = read(headers)
      if (tokens.length > 1) return { outcome: 'refused', reason: 'CREDENTIALS_AMBIGUOUS' }
      if (tokens.length === 1) return { outcome: 'found', token: tokens[0]! }
    }
    if (otherSchemes === 'refuse' && valuesOf(headers, 'authorization').length > 0) {
      return { outcome: 'refused', reason: 'SCHEME_UNSUPPORTED' }
    }
    return nothing
  }
}

const nothing: FoundToken = { outcome: 'none' }

/**
 * Returns a function that finds the name of the cookie that contains the token of a request, or undefined
 * where a header contains it or nothing does. It expects a request that tokenFinder does not refuse.
 */
export function tokenCookieFinder(
  sources: readonly TokenSource[],
): (headers: RequestHeaders) => string | undefined {
  const places = sources.map((source) => ({ source, read: placeOf(source) }))

  return (headers) => {
    const found = places.find(({ read }) => read(headers).length > 0)?.source
    return found && 'cookie' in found ? found.cookie : undefined
  }
}

function placeOf(source: TokenSource): ReadPlace {
  return 'cookie' in source ? inCookie(source.cookie) : inHeader(source.header, source.scheme)
}

function inHeader(name: string, scheme: string | undefined): ReadPlace {
  const prefix = scheme === undefined ? undefined : `${scheme.toLowerCase()} `

  return (headers) => {
    const values = valuesOf(headers, name)
    const [value] = values
    if (value === undefined || values.length > 1 || prefix === undefined) return values
    // As nearly all clients write it.
    if (value.startsWith(`${scheme} `)) return [value.slice(prefix.length).trimStart()]
    // `Bearer` with nothing after it is a token that is malformed, not another scheme.
    const start = `${value} `.slice(0, prefix.length).toLowerCase()
    return start === prefix ? [value.slice(prefix.length).trimStart()] : none
  }
}

/**
 * RFC 6265 section 5.4: a browser that has a name twice sends both, and the gateway does not guess.
 */
function inCookie(name: string): ReadPlace {
  return (headers) => {
    const values = (headers.cookie ?? [])
      .flatMap((header) => cookieValues(header, name))
      .map((value) => value.replace(/^"(.*)"$/, '$1'))
      .filter(isPresent)
    return [...new Set(values)]
  }
}

/**
 * Returns the values of a header that are not empty. An empty one is no credential (RFC 9110 section
 * 11.4 begins one with a scheme), and clients send it before a login.
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
