/** The id of a client's request: one for the client, the log of every process, and the subgraphs. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

export const requestIdHeader = 'x-request-id'

/** Long enough for a UUID, a trace id, and the ids of common proxies; nothing that a log or a header could misread. */
const safeId = /^[\w.:=+/-]{1,128}$/
const current = new AsyncLocalStorage<string>()

/** Returns the id that a trusted sender gave, if it is safe to repeat; otherwise a new one. */
export function requestIdFrom(given: string | string[] | undefined): string {
  return typeof given === 'string' && safeId.test(given) ? given : randomUUID()
}

/** Calls a function for the request of that id: what it logs, also later, has the id. */
export function withRequestId(id: string, work: () => void): void {
  current.run(id, work)
}

/** Returns the id of the request that this code works for; undefined outside of requests. */
export function currentRequestId(): string | undefined {
  return current.getStore()
}
