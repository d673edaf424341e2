/**
 * The codes with which a WebSocket is closed: those of the protocol graphql-transport-ws, and of RFC 6455
 * section 7.4. The client graphql-ws comes back by itself after 4403, 1012 and 1013, with the credentials
 * that it has then; after the others its application gets an error.
 */
import type { GatewayError } from '../errors.ts'

export const closeCodes = {
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  badRequest: 4400,
  unauthorized: 4401,
  forbidden: 4403,
  subprotocolNotAcceptable: 4406,
  initialisationTimeout: 4408,
  subscriberExists: 4409,
  tooManyInitialisations: 4429,
} as const

export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes]

/** Returns the code for credentials that are refused in `connection_init`. */
export function codeOfRefusedInit({ row }: GatewayError): CloseCode {
  if (row.status === 401) return closeCodes.forbidden
  return row.status === 429 || row.status >= 500 ? closeCodes.tryAgainLater : closeCodes.badRequest
}

/** Returns the code for a caller that was admitted, and is no longer. */
export function codeOfEndedCaller(error: GatewayError): CloseCode {
  // Another access token of the same login would be refused as well.
  return error.reason === 'TOKEN_REVOKED' ? closeCodes.unauthorized : codeOfRefusedInit(error)
}
