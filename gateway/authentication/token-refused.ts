/**
 * The refusal of an access token: a row of the error table that has the columns of access tokens.
 */
import { errorTable, GatewayError } from '../errors.ts'
import type { AccessTokenColumns, ErrorName } from '../errors.ts'

type Table = typeof errorTable

/** The rows that refuse an access token. */
export type TokenReason = {
  [Name in ErrorName]: Table[Name]['accessToken'] extends AccessTokenColumns ? Name : never
}[ErrorName]

/** The checks of an access token, as explain-token names them. */
export type TokenCheck = Table[TokenReason]['accessToken']['check']

/** The refusal of an access token. */
export class TokenRefused extends GatewayError {
  declare readonly reason: TokenReason

  /** @param why for the log only: it never reaches the client and never contains a token */
  constructor(reason: TokenReason, why?: string) {
    super(reason, why === undefined ? {} : { cause: new Error(why) })
  }
}

/** Returns the check that fails for the reason. */
export function checkOf(reason: TokenReason): TokenCheck {
  return errorTable[reason].accessToken.check
}

/** Returns the access-token columns of a row, or undefined if it has none. */
export function accessTokenColumns(reason: ErrorName): AccessTokenColumns | undefined {
  const { accessToken } = errorTable[reason]
  return accessToken === 'not concerned' ? undefined : accessToken
}
