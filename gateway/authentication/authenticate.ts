/** What authentication gives to the rest of the gateway. */
import type { Claims } from '../../subgraphs/kit/claims-header.ts'

/** Who is calling. */
export interface Caller {
  /**
   * The verified claims that may be forwarded, and those that authorization needs; null for an
   * anonymous caller. A frozen record without a prototype.
   */
  readonly claims: Claims | null
  /**
   * Every verified claim, for the operator's policies alone: no subgraph may see them. Subject and
   * scopes are those of `claims`. Left out where no policies are configured.
   */
  readonly verifiedClaims?: Claims
  /** When the access token expires, in seconds since the epoch. */
  readonly expiresAt?: number
  /** Who issued the access token. */
  readonly issuer?: string
  /** Whether the request carried a token at all: its answer must not be stored. */
  readonly carriedToken: boolean
}

/** Every header by its lower-case name, with each of its values: two Authorization headers are two. */
export type RequestHeaders = Readonly<Record<string, readonly string[] | undefined>>

/**
 * Returns the caller, at once when nobody has to be asked; a request that is refused throws or
 * rejects with a GatewayError.
 */
export type Authenticate = (headers: RequestHeaders) => Caller | Promise<Caller>
