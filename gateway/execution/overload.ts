/** An overloaded subgraph, as the status of its response reports it. */
import { plausibleRetryAfter } from '../errors.ts'
import type { SubgraphResponse } from './subgraph-client.ts'

export interface Overload {
  readonly reason: 'SERVICE_UNAVAILABLE' | 'TOO_MANY_REQUESTS'
  /** Whole seconds until the next call. */
  readonly retryAfter?: number
}

/** Returns the overload that HTTP 429 or 503 reports; undefined for any other status. */
export function overloadOf({ status, retryAfter }: SubgraphResponse): Overload | undefined {
  if (status !== 429 && status !== 503) return undefined
  const seconds = retryAfter === undefined ? undefined : secondsUntil(retryAfter, Date.now())
  return {
    reason: status === 429 ? 'TOO_MANY_REQUESTS' : 'SERVICE_UNAVAILABLE',
    ...(seconds === undefined ? {} : { retryAfter: seconds }),
  }
}

/** `Retry-After` is a number of seconds or a date (RFC 9110 section 10.2.3). */
function secondsUntil(retryAfter: string, now: number): number | undefined {
  const text = retryAfter.trim()
  if (/^\d{1,9}$/.test(text)) return plausibleRetryAfter(Number(text))
  return plausibleRetryAfter(Math.ceil((Date.parse(text) - now) / 1_000))
}
