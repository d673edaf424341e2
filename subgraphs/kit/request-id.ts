/** The id of a client's request: one for the client, the log of every process, and the subgraphs. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

export const requestIdHeader = 'x-request-id'

/** Long enough for a UUID, a trace id, and the ids of common proxies; nothing that a log or a header could misread. */
const safeId = /^[\w.:=+/-]{1,128}$/

interface CurrentRequest {
  readonly id: string
  readonly traceId: string | undefined
}

const current = new AsyncLocalStorage<CurrentRequest>()

/** Returns the id that a trusted sender gave, if it is safe to repeat; otherwise a new one. */
export function requestIdFrom(given: string | string[] | undefined): string {
  return typeof given === 'string' && safeId.test(given) ? given : randomUUID()
}

/** Calls a function for the request of these ids: what it logs, also later, has them. */
export function withRequestId(id: string, traceId: string | undefined, work: () => void): void {
  current.run({ id, traceId }, work)
}

/** Returns the id of the request that this code works for; undefined outside of requests. */
export function currentRequestId(): string | undefined {
  return current.getStore()?.id
}

/** Returns the id of the trace that this code works for; undefined if the request is not traced. */
export function currentTraceId(): string | undefined {
  return current.getStore()?.traceId
}
