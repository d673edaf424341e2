/**
 * The headers of a request to a subgraph: built from nothing, never copied from the client, so that
 * there is nothing to strip and nothing to spoof.
 */
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
}

export type SubgraphHeaders = (caller: ForwardedCaller) => Record<string, string>

/** Returns a function that gives the headers for one subgraph. */
export function subgraphHeaders(
  subgraph: string,
  signingKey: ClaimsSigningKey,
  now: () => number,
): SubgraphHeaders {
  const write = claimsHeaderWriter(subgraph, signingKey, now)
  return (caller) => ({
    'content-type': 'application/json',
    accept: 'application/json',
    [claimsHeaderName]: write(caller.claims, caller.expiresAt),
  })
}
