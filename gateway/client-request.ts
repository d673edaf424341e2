/** The client's request, as far as those who call subgraphs for it need it: one object for each request. */
import type { Claims } from '../subgraphs/kit/claims-header.ts'
import type { ForwardedCaller } from './forwarding/subgraph-headers.ts'

/** What is needed of an AbortSignal. */
export interface EndSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export interface ClientRequest {
  readonly caller: ForwardedCaller
  /** Every verified claim of the caller, for the operator's policies: it goes to no subgraph. */
  readonly verifiedClaims?: Claims | undefined
  /** Aborted when the client has gone away, or when the request has taken too long. */
  readonly signal?: EndSignal | undefined
  /** The client's place in a distributed trace (W3C Trace Context, section 3.2). */
  readonly traceparent?: string | undefined
  /** `Set-Cookie` values for the client, from subgraphs that may set cookies. */
  readonly setCookies: string[]
}

/** Version 00 with neither id all zeros; versions to come begin with the same fields. */
const traceparentForm =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Returns the client's `traceparent` if it is well-formed; one that is not must be ignored (section 3.2.2). */
export function readTraceparent(header: string | undefined): string | undefined {
  return header !== undefined && traceparentForm.test(header) ? header : undefined
}
