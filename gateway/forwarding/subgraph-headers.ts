/**
 * The headers of a request to a subgraph that come from its caller. They are made anew; of the client's own headers,
 * only those pass that the subgraph is configured to get: there is nothing to strip and nothing to spoof.
 */
import { remembered } from '../values/remembered.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import { accessToken } from './access-token.ts'
import { claimsHeader, ForwardedClaims } from './claims-header.ts'
import type { ClaimsHeaderOptions } from './claims-header.ts'
import { clientHeaders } from './client-headers.ts'
import { cookieHeader, namedSetCookies } from './cookies.ts'
import { forwardedHeaders } from './forwarded-headers.ts'
import type { ForwardedHeader, Forwarding } from './forwarded-headers.ts'
import type { HeaderRule } from './header-rules.ts'
import { plainClaims } from './plain-claims.ts'
import { requestHeaders } from './request-headers.ts'
import { responseHeaders } from './response-headers.ts'
import type { CacheControlReading } from './response-headers.ts'

export interface ForwardingOptions extends Omit<ClaimsHeaderOptions, 'now' | 'forward'> {
  /** Returns the claims that this subgraph gets; null: the caller is anonymous to it. */
  narrow: (claims: Claims) => Claims | null
  /** The claim of each plain header. */
  plainHeaders?: Readonly<Record<string, string>> | undefined
  /** Whether the subgraph gets the client's address and agent; default false. */
  clientHeaders?: boolean | undefined
  /** The cookies of the client that the subgraph gets, and may set; default none. */
  cookies?: readonly string[] | undefined
  /** Which headers of the client the subgraph gets; default none. */
  requestHeaders?: readonly HeaderRule[] | undefined
  /** The headers that may carry credentials of a client, which `requestHeaders` never pass. */
  credentialHeaders?: readonly string[] | undefined
  /** Whether the subgraph gets the access token of the caller; default false. */
  passToken?: boolean | undefined
  /** Which headers of its responses clients get; default none. */
  responseHeaders?: readonly HeaderRule[] | undefined
  /** Whether any subgraph's rules name `cache-control`: then it is read of all; default false. */
  readsCacheControl?: boolean | undefined
  /** Which top-level extensions of its responses clients get; default none. */
  responseExtensions?: readonly string[] | undefined
  /** Milliseconds since the epoch; default Date.now. */
  now?: () => number
}

/** Returns what is forwarded of callers to one subgraph. A new header for subgraphs is a new entry here. */
export function subgraphForwarding(options: ForwardingOptions): Forwarding {
  const { subgraph, signingKey, narrow, plainHeaders = {}, cookies = [] } = options
  const { responseHeaders: returned = [], responseExtensions: extensions = [] } = options
  const forward = once((claims) => new ForwardedClaims(narrow(claims)))
  return {
    ...forwardedHeaders([
      // First, so that no header of a client takes the place of one that follows.
      ...takenFromClient(options),
      claimsHeader({ subgraph, signingKey, forward, now: options.now ?? Date.now }),
      ...(Object.keys(plainHeaders).length > 0 ? [plainClaims(plainHeaders, forward)] : []),
      ...(options.clientHeaders ? [clientHeaders()] : []),
    ]),
    settableCookies: (setCookie) => namedSetCookies(cookies, setCookie),
    readPassedHeaders:
      returned.length > 0 || options.readsCacheControl
        ? responseHeaders(returned, cacheControlReading(options))
        : undefined,
    passedExtensions: extensions.length > 0 ? new Set(extensions) : undefined,
  }
}

/** Returns the entries of what a client has sent, and the subgraph gets as it is. */
export function takenFromClient(
  options: Omit<ForwardingOptions, 'subgraph' | 'signingKey' | 'narrow'>,
): readonly ForwardedHeader[] {
  const { requestHeaders: rules = [], plainHeaders = {}, credentialHeaders = [] } = options
  const { cookies = [], passToken } = options
  const taken = [...Object.keys(plainHeaders), ...credentialHeaders]
  return [
    ...(rules.length > 0 ? [requestHeaders(rules, taken)] : []),
    ...(passToken ? [accessToken()] : []),
    ...(cookies.length > 0 ? [cookieHeader(cookies)] : []),
  ]
}

/** No `Vary` can name an address, a cookie, or the headers that a pattern passes. */
function cacheControlReading({
  readsCacheControl = false,
  requestHeaders = [],
  clientHeaders,
  cookies = [],
}: ForwardingOptions): CacheControlReading {
  if (!readsCacheControl) return 'not read'
  const hasPattern = requestHeaders.some(
    (rule) => 'propagate' in rule && 'matching' in rule.propagate,
  )
  return clientHeaders || cookies.length > 0 || hasPattern ? 'never cached' : 'as it says'
}

/** Returns a function that calls `make` once per claims object, which authentication keeps for a token. */
function once(make: (claims: Claims) => ForwardedClaims): (claims: Claims) => ForwardedClaims {
  const results = new WeakMap<Claims, ForwardedClaims>()
  return (claims) => remembered(results, claims, make)
}
