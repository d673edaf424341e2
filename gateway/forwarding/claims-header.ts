/** The claims header: the claims that a subgraph gets, signed for this subgraph alone. */
import {
  claimsHeaderLifetime,
  claimsHeaderName,
  claimsHeaderWriter,
} from '../../subgraphs/kit/claims-header.ts'
import type { Claims, ClaimsSigningKey } from '../../subgraphs/kit/claims-header.ts'
import type { ForwardedHeader, Headers } from './forwarded-headers.ts'

export interface ClaimsHeaderOptions {
  /** The subgraph's name in supergraph.yaml: the audience of the header. */
  subgraph: string
  signingKey: ClaimsSigningKey
  /** Returns the claims that this subgraph gets. */
  narrow: (claims: Claims) => Claims
  /** Milliseconds since the epoch. */
  now: () => number
}

interface Written {
  readonly headers: Headers
  /** The end of its use for further requests, in milliseconds since the epoch. */
  readonly reusableUntil: number
}

/**
 * Returns the entry of the claims header. A written header is used again for the same claims during the
 * first half of its lifetime, so that the requests of a caller share one signature. The signature holds
 * the time and cannot be part of a key; the claims are.
 */
export function claimsHeader(options: ClaimsHeaderOptions): ForwardedHeader<Claims | null> {
  const { subgraph, signingKey, narrow, now } = options
  const sign = claimsHeaderWriter(subgraph, signingKey, now)
  const written = new WeakMap<Claims, Written>()
  let writtenForAnonymous: Written | undefined

  return {
    select: ({ claims }) => claims && narrow(claims),
    write(claims, expiresAt) {
      const known = claims ? written.get(claims) : writtenForAnonymous
      if (known && now() < known.reusableUntil) return known.headers
      const fresh = writeAnew(claims, expiresAt)
      if (claims) written.set(claims, fresh)
      else writtenForAnonymous = fresh
      return fresh.headers
    },
  }

  function writeAnew(claims: Claims | null, expiresAt: number): Written {
    const seconds = now() / 1_000
    // A token may be accepted some seconds past its expiry, as clocks differ: the header says "now".
    const notAfter = Math.max(Math.ceil(expiresAt), Math.floor(seconds))
    const lifetime = Math.min(claimsHeaderLifetime, notAfter - seconds)
    return {
      headers: { [claimsHeaderName]: sign(claims, notAfter) },
      reusableUntil: (seconds + lifetime / 2) * 1_000,
    }
  }
}
