/** The result of authentication, for the rest of the gateway. */
import type { Caller, Span } from '../client-request.ts'

/**
 * Every header by its lower-case name, with each of its values: two Authorization headers are two.
 */
export type RequestHeaders = Readonly<Record<string, readonly string[] | undefined>>

/**
 * Returns the caller, synchronously if no request to an issuer is needed; a refused request throws or
 * rejects with a GatewayError.
 *
 * @param requestId names the request in the log
 * @param span gets what is known of the access token, but never its subject
 * @param address the client's, whose failed authentications are counted and limited; undefined: they are not, as the
 *   same credentials have been accepted before
 */
export type Authenticate = (
  headers: RequestHeaders,
  requestId?: string,
  span?: Span,
  address?: string,
) => Caller | Promise<Caller>
