/**
 * What a subgraph gets to know of a caller, as one list. The headers of a request and the key of
 * request deduplication are both made from it: no header can be added to the one without the other.
 *
 * `traceparent` and `x-request-id` are not in the list. They belong to a request, not to a caller: in
 * the key they would end all deduplication, so a shared fetch carries those of the request that sent it.
 */
import type { Caller } from '../client-request.ts'
import type { ReadPassedHeaders } from './response-headers.ts'

export type Headers = Readonly<Record<string, string>>

/** One kind of header: a value is selected from the caller, and the header is written from the value. */
export interface ForwardedHeader<Value = unknown> {
  /** Returns what is forwarded of a caller, as data that JSON represents unambiguously. It is part of the key. */
  select(caller: Caller): Value
  /**
   * Returns the headers that carry the value. It does not get the caller, so a header cannot hold
   * anything that is missing in the key.
   *
   * @param expiresAt when the caller's access token expires, in seconds since the epoch: the last
   *   moment at which a signature may be valid
   */
  write(value: Value, expiresAt: number): Headers
}

/** What is forwarded of callers to one subgraph, and what it may add to the responses to them. */
export interface Forwarding {
  /** Returns the headers of a request that is made for a caller. */
  headers(caller: Caller): Headers
  /** Returns a text that is the same for two callers exactly when the same is forwarded of them. */
  deduplicationKey(caller: Caller): string
  /** Returns those values of `Set-Cookie` that the subgraph may set for the client. */
  settableCookies(setCookie: string | readonly string[] | undefined): string[]
  /** Returns the headers of its response that the client gets; undefined: there are none. */
  readPassedHeaders?: ReadPassedHeaders | undefined
  /** The top-level extensions of its responses that the client gets; undefined: there are none. */
  passedExtensions?: ReadonlySet<string> | undefined
}

/** Returns the two functions that make of a list the headers for a caller, and the key. */
export function forwardedHeaders(
  list: readonly ForwardedHeader[],
): Pick<Forwarding, 'headers' | 'deduplicationKey'> {
  const headersOf = (forwarded: ForwardedHeader, caller: Caller) =>
    forwarded.write(forwarded.select(caller), caller.expiresAt ?? Infinity)
  const [first, ...more] = list
  return {
    headers(caller) {
      const headers = first ? headersOf(first, caller) : {}
      if (more.length === 0) return headers
      return Object.assign({}, headers, ...more.map((forwarded) => headersOf(forwarded, caller)))
    },
    deduplicationKey: (caller) => JSON.stringify(list.map(({ select }) => select(caller))),
  }
}

/** Returns the entry of headers that are written as they are: the value is the headers themselves. */
export function writtenAsSelected(select: (caller: Caller) => Headers): ForwardedHeader<Headers> {
  return { select, write: (headers) => headers }
}
