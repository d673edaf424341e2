/**
 * The headers of a request to a subgraph: built from nothing, never copied from the client, so that
 * there is nothing to strip and nothing to spoof.
 */
import { claimsHeaderLifetime } from '../../subgraphs/kit/claims-header.ts'
import { claimsHeaderName, claimsHeaderWriter } from '../../subgraphs/kit/claims-header.ts'
import type { CallerClient } from '../../subgraphs/kit/client-headers.ts'
import type { Claims, ClaimsSigningKey } from '../../subgraphs/kit/claims-header.ts'

/** Who a request to a subgraph is made for. */
export interface ForwardedCaller {
  /** The verified claims, or null for an anonymous caller. */
  readonly claims: Claims | null
  /** When the access token expires, in seconds since the epoch. */
  readonly expiresAt?: number
  /** The client on the other side of the gateway: for the subgraphs that are told. */
  readonly client?: CallerClient
  /** The client's `Cookie` header: for the subgraphs that get some of its cookies. */
  readonly cookies?: string
}

export type SubgraphHeaders = (caller: ForwardedCaller) => Readonly<Record<string, string>>

export interface SubgraphHeadersOptions {
  /** The subgraph's name in supergraph.yaml: the header is good for it alone. */
  subgraph: string
  signingKey: ClaimsSigningKey
  /** Returns those of the claims that this subgraph gets. */
  narrow: (claims: Claims) => Claims
  /** Plain headers by name, each with the claim whose value it carries. */
  plainHeaders: Readonly<Record<string, string>>
  /** Milliseconds since the epoch. */
  now: () => number
}

interface Written {
  readonly headers: Readonly<Record<string, string>>
  /** Until when they serve further requests, in milliseconds since the epoch. */
  readonly reusableUntil: number
}

/**
 * Returns a function that gives the headers for one subgraph. For the same claims they serve again
 * during the first half of their lifetime: a caller's requests share one signature.
 */
export function subgraphHeaders(options: SubgraphHeadersOptions): SubgraphHeaders {
  const { subgraph, signingKey, narrow, plainHeaders, now } = options
  const write = claimsHeaderWriter(subgraph, signingKey, now)
  const written = new WeakMap<Claims, Written>()
  let writtenForAnonymous: Written | undefined

  return ({ claims, expiresAt }) => {
    const known = claims ? written.get(claims) : writtenForAnonymous
    if (known && now() < known.reusableUntil) return known.headers
    const fresh = headersFor(claims, expiresAt)
    if (claims) written.set(claims, fresh)
    else writtenForAnonymous = fresh
    return fresh.headers
  }

  function headersFor(claims: Claims | null, expiresAt = Infinity): Written {
    const seconds = now() / 1_000
    // A token may be accepted some seconds past its expiry, as clocks differ: the header says "now".
    const notAfter = Math.max(Math.ceil(expiresAt), Math.floor(seconds))
    const forwarded = claims && narrow(claims)
    const lifetime = Math.min(claimsHeaderLifetime, notAfter - seconds)
    return {
      headers: Object.freeze({
        'content-type': 'application/json',
        accept: 'application/json',
        [claimsHeaderName]: write(forwarded, notAfter),
        ...plainClaims(forwarded),
      }),
      reusableUntil: (seconds + lifetime / 2) * 1_000,
    }
  }

  /** An anonymous caller has none of them, nor has one whose token lacks the claim. */
  function plainClaims(claims: Claims | null): Record<string, string> {
    if (!claims) return {}
    const entries = Object.entries(plainHeaders).flatMap(([header, claim]) => {
      const value = claims[claim]
      return value === undefined || value === null ? [] : [[header, plainHeaderValue(value)]]
    })
    return Object.fromEntries(entries)
  }
}

/**
 * Returns a claim as the value of a plain header: a text as it is, anything else as JSON, and every
 * byte of its UTF-8 that is no visible ASCII, and `%`, percent-encoded. decodeURIComponent and its
 * like in any language give the text back; a value cannot break out of its header.
 */
export function plainHeaderValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (/^[\x21-\x24\x26-\x7e]*$/.test(text)) return text
  return Array.from(Buffer.from(text), (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}
