/** A client's request, as the stages that act for its caller see it: one object per request. */
import type { Claims } from '../subgraphs/kit/claims-header.ts'

/** The caller of a request: what authentication has verified of it, and the client that it uses. */
export interface Caller {
  /**
   * The verified claims that may be forwarded, and those that authorization needs; null for an
   * anonymous caller. A frozen record without a prototype.
   */
  readonly claims: Claims | null
  /**
   * Every verified claim, for the operator's policies alone: no subgraph may see them. Subject and
   * scopes are those of `claims`. Left out where no policies are configured.
   */
  readonly verifiedClaims?: Claims | undefined
  /** When the access token expires, in seconds since the epoch. */
  readonly expiresAt?: number | undefined
  /** The issuer of the access token, for the access log. */
  readonly issuer?: string | undefined
  /** The client that the access token was issued to, if its issuer says so. */
  readonly clientId?: string | undefined
  /** The client's address and agent, for the subgraphs that are configured to get them. */
  readonly client?: { readonly address?: string | undefined; readonly agent?: string | undefined }
  /** The client's `Cookie` header, for the subgraphs that are configured to get some of its cookies. */
  readonly cookies?: string | undefined
  /** The client's headers by lower-case name, for the subgraphs that are configured to get some of them. */
  readonly headers?: Readonly<Record<string, readonly string[] | undefined>> | undefined
  /** The access token as it was verified, if any subgraph is configured to get it. */
  readonly accessToken?: string | undefined
}

/**
 * How a request named its document, if documents have ids: a known operation by its `id` or by its `text`, a text or
 * an id that is in no manifest, or an automatic persisted query.
 */
export type DocumentUse =
  | 'id'
  | 'text'
  | 'unknown_text'
  | 'unknown_id'
  | 'automatic_found'
  | 'automatic_missed'
  | 'automatic_registered'

/** A rate that has counted a request, and what is left of it. */
export interface CountedRate {
  /** The one that counted the request before. */
  earlier: CountedRate | undefined
  readonly rate: RateTerms
  /** How many whole points are left. */
  readonly left: number
  /** In how many milliseconds all points will be there. */
  readonly full: number
}

/** What a rate allows: so many points in a time, in milliseconds. */
export interface RateTerms {
  readonly name: string
  readonly limit: number
  readonly per: number
}

/** A header of a subgraph's response that the client gets. */
export interface PassedHeader {
  /** In lower case. */
  readonly name: string
  readonly value: string
  /** What happens if several responses have it. `strictest` is that of `Cache-Control`. */
  readonly algorithm: 'first' | 'last' | 'append' | 'strictest'
  /** With `strictest`: how old the response is already, in seconds (RFC 9111 section 5.1); undefined: it is new. */
  readonly age?: number | undefined
}

/** What the client gets of a subgraph's response besides its data and errors. */
export interface PassedParts {
  /** `Set-Cookie` values, from a subgraph that may set cookies. */
  readonly setCookies?: readonly string[] | undefined
  readonly headers?: readonly PassedHeader[] | undefined
  readonly extensions?: Readonly<Record<string, unknown>> | undefined
}

/** What subgraphs have added to the response to a client. */
export interface AddedToResponse {
  readonly extensions: PassedParts['extensions']
  /** Adds the parts of one more response. */
  add(parts: PassedParts): void
}

/** The part of an AbortSignal that the gateway needs. */
export interface EndSignal {
  readonly aborted: boolean
  /** Why it was aborted. */
  readonly reason?: 'client gone' | 'deadline' | undefined
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Notes what happens to a request behind the door, for the access log and the metrics. */
export interface RequestObserver {
  /** How many fields of the response were denied. */
  denied: number
  /** Returns the result of a call to a subgraph, and notes how long the request waited for it. */
  duringCall<Result>(call: Promise<Result>): Promise<Result>
}

/** A request's place in a distributed trace, as header values (W3C Trace Context). */
export interface TraceContext {
  readonly traceparent: string
  readonly tracestate?: string | undefined
}

/** A step of a sampled trace. */
export interface Span {
  set(attribute: string, value: string | number | boolean): void
  /** Ends the span; `failure` is the reason if the step failed, in a word. */
  end(failure?: string): void
}

/** A call to a subgraph, as a step of a sampled trace. */
export interface CallSpan extends Span {
  /** What the request to the subgraph carries: this span is the parent of the subgraph's own. */
  readonly traceparent: string
  /** Notes that the subgraph is called for this span; otherwise it shares the call of another. */
  isCalling(): void
  /** Notes that the request is sent once more, as the connection failed. */
  retried(): void
}

/** The trace of a sampled request. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** Starts a step of the request. */
  start(name: string): Span
  /** Starts a call to a subgraph. */
  startCall(subgraph: string, url: string): CallSpan
}

export interface ClientRequest {
  readonly caller: Caller
  /** Names the request in the log, for the client and for subgraphs. */
  readonly requestId?: string | undefined
  readonly observer?: RequestObserver | undefined
  /** Aborted when the client has gone away, or when the request has taken too long. */
  readonly signal?: EndSignal | undefined
  /** Undefined if the request is not sampled. */
  readonly trace?: Trace | undefined
  /** What calls to subgraphs carry if the request is not sampled; `tracestate` in any case. */
  readonly traceContext?: TraceContext | undefined
  /** Gets what subgraphs add to the response. */
  readonly added: AddedToResponse
}

/** Resolves as the promise does; when the signal is aborted before, as what then is there instead. */
export function untilAborted<Value>(
  promise: Promise<Value>,
  signal: EndSignal | undefined,
  instead: () => Value | Promise<Value>,
): Promise<Value> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const leave = () => resolve(instead())
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
