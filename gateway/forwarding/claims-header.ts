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
  /** Returns what this subgraph gets of claims: the same object for the same claims. */
  forward: (claims: Claims) => ForwardedClaims
  /** Milliseconds since the epoch. */
  now: () => number
}

/** The claims that a subgraph gets, with the header that was written of them last. */
export class ForwardedClaims {
  /** Null for an anonymous caller. */
  readonly claims: Claims | null
  written: Written | undefined

  constructor(claims: Claims | null) {
    this.claims = claims
  }

  /** Returns what is part of the key: the claims alone. */
  toJSON(): Claims | null {
    return this.claims
  }
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
export function claimsHeader(options: ClaimsHeaderOptions): ForwardedHeader<ForwardedClaims> {
  const { subgraph, signingKey, forward, now } = options
  const sign = claimsHeaderWriter(subgraph, signingKey, now)
  const anonymous = new ForwardedClaims(null)

  return {
    select: ({ claims }) => (claims ? forward(claims) : anonymous),
    write(forwarded, expiresAt) {
      const { written } = forwarded
      if (written && now() < written.reusableUntil) return written.headers
      const fresh = writeAnew(forwarded.claims, expiresAt)
      forwarded.written = fresh
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
