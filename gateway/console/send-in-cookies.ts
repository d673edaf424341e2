import { cookies } from './credential.ts'
import type { Exchange, Operation, SendOperation } from './graph.ts'

/**
 * Sends an operation that writes, replaces or removes the cookies. A 401 has removed an access token that is refused,
 * of an earlier session or of another system on this host: without it, the same operation may succeed.
 */
export async function sendInCookies(send: SendOperation, operation: Operation): Promise<Exchange> {
  const exchange = await send(operation, cookies)
  return exchange.status === 401 ? send(operation, cookies) : exchange
}
