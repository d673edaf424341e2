import { cookies } from './credential.ts'
import type { Exchange, Operation, SendOperation } from './graph.ts'

/**
 * The Web Lock of what changes the cookies, and what the tabs know of them: one tab at a time. Otherwise the response
 * to a renewal could put the cookies of an earlier session in the place of those of a later login.
 */
export const cookieLock = 'portcullis.cookies'

/**
 * Sends an operation that writes, replaces or removes the cookies. A 401 has removed an access token that is refused,
 * of an earlier session or of another system on this host: without it, the same operation may succeed. The caller has
 * the lock.
 */
export async function sendInCookies(send: SendOperation, operation: Operation): Promise<Exchange> {
  const exchange = await send(operation, cookies)
  return exchange.status === 401 ? send(operation, cookies) : exchange
}
