/**
 * The headers of a request to a subgraph that come from its caller. They are made anew, never copied
 * from the client: there is nothing to strip and nothing to spoof.
 */
import { remembered } from '../values/remembered.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import { claimsHeader, ForwardedClaims } from './claims-header.ts'
import type { ClaimsHeaderOptions } from './claims-header.ts'
import { clientHeaders } from './client-headers.ts'
import { cookieHeader, namedSetCookies } from './cookies.ts'
import { forwardedHeaders } from './forwarded-headers.ts'
import type { Forwarding } from './forwarded-headers.ts'
import { plainClaims } from './plain-claims.ts'

export interface ForwardingOptions extends Omit<ClaimsHeaderOptions, 'now' | 'forward'> {
  /** Returns the claims that this subgraph gets; null: the caller is anonymous to it. */
  narrow: (claims: Claims) => Claims | null
  /** The claim of each plain header. */
  plainHeaders?: Readonly<Record<string, string>> | undefined
  /** Whether the subgraph gets the client's address and agent; default false. */
  clientHeaders?: boolean | undefined
  /** The cookies of the client that the subgraph gets, and may set; default none. */
  cookies?: readonly string[] | undefined
  /** Milliseconds since the epoch; default Date.now. */
  now?: () => number
}

/** Returns what is forwarded of callers to one subgraph. A new header for subgraphs is a new entry here. */
export function subgraphForwarding(options: ForwardingOptions): Forwarding {
  const { subgraph, signingKey, narrow, plainHeaders = {}, cookies = [] } = options
  const forward = once((claims) => new ForwardedClaims(narrow(claims)))
  return {
    ...forwardedHeaders([
      claimsHeader({ subgraph, signingKey, forward, now: options.now ?? Date.now }),
      ...(Object.keys(plainHeaders).length > 0 ? [plainClaims(plainHeaders, forward)] : []),
      ...(options.clientHeaders ? [clientHeaders()] : []),
      ...(cookies.length > 0 ? [cookieHeader(cookies)] : []),
    ]),
    settableCookies: (setCookie) => namedSetCookies(cookies, setCookie),
  }
}

/** Returns a function that calls `make` once per claims object, which authentication keeps for a token. */
function once(make: (claims: Claims) => ForwardedClaims): (claims: Claims) => ForwardedClaims {
  const results = new WeakMap<Claims, ForwardedClaims>()
  return (claims) => remembered(results, claims, make)
}
