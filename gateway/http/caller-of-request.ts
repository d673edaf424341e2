import type { Caller } from '../client-request.ts'
import { soleHeader } from './http-message.ts'
import type { HttpRequest } from './http-message.ts'

/** Returns the caller with what the request says of its client. */
export function callerOfRequest(
  { claims, verifiedClaims, expiresAt, issuer, accessToken }: Caller,
  { clientAddress: address, headers }: HttpRequest,
): Caller {
  return {
    claims,
    verifiedClaims,
    expiresAt,
    issuer,
    client: { address, agent: soleHeader(headers, 'user-agent') },
    cookies: headers.cookie?.join('; '),
    headers,
    accessToken,
  }
}
