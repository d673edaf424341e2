/** What came of a credential: the caller that it identifies, or the reason why it is refused. */
import { GatewayError } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import type { Caller } from '../client-request.ts'
import type { Issuer } from './issuer.ts'
import type { VerificationKey } from './read-key-set.ts'
import type { RevocableToken } from './revocation/issuer-revocation.ts'

export type Judgement = Accepted | Refused

/**
 * A verified access token, as it is remembered. Each use checks what may change: time and
 * revocation.
 */
export interface Accepted {
  readonly outcome: 'accepted'
  readonly caller: Caller
  readonly issuer: Issuer
  /** The key that signed it; undefined where its issuer was asked. */
  readonly key: VerificationKey | undefined
  /** Until when the response of its issuer counts, in milliseconds since the epoch. */
  readonly verifiedUntil: number | undefined
  /** Until when it counts for open connections, while its issuer is away, in milliseconds since the epoch. */
  readonly keptUntil: number | undefined
  /** When it expires by our clock, in milliseconds since the epoch. */
  readonly expiresAt: number
  /** When it is too old by our clock, in milliseconds since the epoch. */
  readonly tooOldAt: number
  /** The `sid` of the login (OpenID Connect Back-Channel Logout 2.1), if the issuer names it. */
  readonly sessionId: string | undefined
  /** Undefined where the issuer publishes no revocations. */
  readonly revocable: RevocableToken | undefined
  readonly description: TokenDescription
}

/** A credential that is refused. */
export interface Refused {
  readonly outcome: 'refused'
  readonly reason: ErrorName
  /** For the log only. */
  readonly cause?: unknown
  /** Undefined where no access token could be read. */
  readonly description?: TokenDescription | undefined
  /** In how many seconds to retry, if that has been computed. */
  readonly retryAfter?: number | undefined
}

/** What the log may say about an access token. */
export interface TokenDescription {
  readonly issuer: string
  readonly jti: string | undefined
  readonly sub: string | undefined
}

/** A value, or a promise of it: most requests need no waiting, and a promise costs more. */
export type NowOrLater<Value> = Value | Promise<Value>

/** Returns the result of the next step, synchronously if the value is not a promise. */
export function andThen<Value, Result>(
  value: NowOrLater<Value>,
  next: (value: Value) => NowOrLater<Result>,
): NowOrLater<Result> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Returns the refusal that a GatewayError says; rethrows any other error. */
export function refusedBy(error: unknown, description: TokenDescription | undefined): Refused {
  if (!(error instanceof GatewayError)) throw error
  const { reason, cause } = error
  return { outcome: 'refused', reason, cause, description }
}
