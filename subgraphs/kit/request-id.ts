/** The id of the client's request, which the gateway sends with each of its requests. */
import { AsyncLocalStorage } from 'node:async_hooks'

export const requestIdHeader = 'x-request-id'

const safeId = /^[\w.:=+/-]{1,128}$/
const current = new AsyncLocalStorage<string>()

/** Calls a function for a request: what it logs, also later, has the id of the request. */
export function withRequestId(header: string | string[] | undefined, work: () => void): void {
  if (typeof header === 'string' && safeId.test(header)) current.run(header, work)
  else work()
}

/** Returns the id of the request that this code works for; undefined outside of requests. */
export function currentRequestId(): string | undefined {
  return current.getStore()
}
