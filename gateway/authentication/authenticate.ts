/** The result of authentication, for the rest of the gateway. */
import type { Caller } from '../client-request.ts'

/**
 * Every header by its lower-case name, with each of its values: two Authorization headers are two.
 */
export type RequestHeaders = Readonly<Record<string, readonly string[] | undefined>>

/**
 * Returns the caller, synchronously if no request to an issuer is needed; a refused request throws or
 * rejects with a GatewayError.
 *
 * @param requestId names the request in the log
 */
export type Authenticate = (headers: RequestHeaders, requestId?: string) => Caller | Promise<Caller>
