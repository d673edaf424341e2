/** Every reason for which a token is refused, and the check that it fails: explain-token shows the checks. */
import { errorTable, GatewayError } from '../errors.ts'
import type { ErrorName } from '../errors.ts'

/** A token is refused for one of these reasons and no other: there is a check for each. */
export const checkOfReason = {
  TOKEN_TOO_LARGE: 'size',
  TOKEN_MALFORMED: 'form',
  HEADER_PARAMETER_REFUSED: 'header',
  ISSUER_UNKNOWN: 'issuer',
  TOKEN_TYPE_WRONG: 'type',
  ALGORITHM_REFUSED: 'algorithm',
  KEY_UNKNOWN: 'key',
  KEYS_UNAVAILABLE: 'key',
  SIGNATURE_INVALID: 'signature',
  CLAIM_MISSING: 'required claims',
  AUDIENCE_MISMATCH: 'audience',
  TOKEN_NOT_YET_VALID: 'not before',
  TOKEN_EXPIRED: 'expiry',
  TOKEN_TOO_OLD: 'age',
  CLAIM_INVALID: 'claims',
  CLAIMS_TOO_LARGE: 'claims to forward',
  TOKEN_REVOKED: 'revocation',
  REVOCATION_UNAVAILABLE: 'revocation',
} as const satisfies Partial<Record<ErrorName, string>>

export type TokenReason = keyof typeof checkOfReason
export type TokenCheck = (typeof checkOfReason)[TokenReason]

/** The refusal of a token. */
export class TokenRefused extends GatewayError {
  declare readonly reason: TokenReason

  /** @param why for the log only; it never reaches the client, and never holds a token */
  constructor(reason: TokenReason, why?: string) {
    super(reason, why === undefined ? {} : { cause: new Error(why) })
  }
}

type RowsWith<Challenge extends string> = {
  [Name in ErrorName]: (typeof errorTable)[Name] extends { challenge: Challenge } ? Name : never
}[ErrorName]

/** A new row about tokens needs a check above: without it, this does not compile. */
export const rowsWithoutCheck: Record<
  Exclude<RowsWith<'invalid_token'>, TokenReason | 'API_KEY_REFUSED'>,
  never
> = {}
