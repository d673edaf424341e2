/** The HTTP client of one subgraph: connections, retries, limits and the circuit breaker. */
import { Pool } from 'undici'
import { GatewayError } from '../errors.ts'
import { circuitBreaker } from './circuit-breaker.ts'
import type { CallSpan, EndSignal, PassedHeader, TraceContext } from '../client-request.ts'
import { decodeContent } from './decode-content.ts'
import { ResponseReceiver } from './receive-response.ts'
import type { RawResponse } from './receive-response.ts'

export interface SubgraphClientOptions {
  /** The longest a call may take until its last byte, in milliseconds. */
  timeout: number
  /** The most connections that are kept to the subgraph. */
  connections: number
  /** The largest response that is read, after decompression, in bytes; default 50 MB. */
  responseLimit?: number
  /** Whether the subgraph may compress its responses; default false. */
  compression?: boolean
  /** Whether HTTP/2 is offered to the subgraph, which works over TLS only; default false. */
  http2?: boolean
  /** PEM texts, for a subgraph with a private certificate authority, or with mutual TLS. */
  tls?:
    | { ca?: string | undefined; certificate?: string | undefined; key?: string | undefined }
    | undefined
  /**
   * The circuit breaker: after how many failures in a row calls stop, and for how many milliseconds;
   * false: never.
   */
  circuitBreaker?: { failures: number; pause: number } | false
  /** Returns the headers of a response that the client gets, of names and values in turn; default none. */
  readPassedHeaders?: ((headers: readonly Buffer[]) => readonly PassedHeader[]) | undefined
}

/** A subgraph's response. */
export interface SubgraphResponse {
  readonly status: number
  /** The value of its `Retry-After` header field. */
  readonly retryAfter: string | undefined
  /** The values of its `Set-Cookie` header fields. */
  readonly setCookie: readonly string[] | undefined
  /** The headers that the client gets. */
  readonly passed?: readonly PassedHeader[] | undefined
  readonly bytes: Uint8Array
}

export interface SubgraphCallOptions {
  /** Ends the call: the client has gone away, or the client's request has taken too long. */
  readonly signal?: EndSignal | undefined
  /** Whether the request may be sent again when it did not reach the subgraph: for queries only. */
  readonly mayRetry?: boolean
  /** The place of the client's request in a trace. */
  readonly traceContext?: TraceContext | undefined
  /** The place of this call in it; undefined if the request is not traced. */
  readonly span?: CallSpan | undefined
  /** The id of the client's request. */
  readonly requestId?: string | undefined
}

export interface SubgraphClient {
  /**
   * Posts a GraphQL request and returns the response. A failure is a GatewayError: SUBGRAPH_UNREACHABLE,
   * SUBGRAPH_TIMEOUT or SUBGRAPH_RESPONSE_INVALID.
   *
   * @param headers those that say something of the caller; the client adds those of the transport
   */
  post(
    headers: Readonly<Record<string, string>>,
    body: string,
    options?: SubgraphCallOptions,
  ): Promise<SubgraphResponse>
  /** Ends all connections. */
  close(): Promise<void>
}

const defaultResponseLimit = 50 * 1024 * 1024
const defaultBreaker = { failures: 20, pause: 2_000 }

/**
 * The subgraph did not receive the complete request in time, and closes the connection: the request may be
 * repeated on another (RFC 9110 section 15.5.9). A server of Node sends this when its process has stalled.
 */
export const requestTimeout = 408

/** Returns the client of one subgraph, with its own pool of kept-alive connections. */
export function subgraphClient(url: string, options: SubgraphClientOptions): SubgraphClient {
  const { origin, pathname, search } = new URL(url)
  const pool = new Pool(origin, poolOptions(options))
  const path = pathname + search
  const { timeout, readPassedHeaders: readPassed } = options
  const limit = options.responseLimit ?? defaultResponseLimit
  const transport = transportHeaders(options)
  const settings = options.circuitBreaker ?? defaultBreaker
  const breaker = settings && circuitBreaker({ ...settings, now: () => performance.now() })

  return {
    async post(headers, body, call = {}) {
      if (breaker && !breaker.allows()) {
        const cause = new Error('the circuit breaker is open after repeated failures')
        throw new GatewayError('SUBGRAPH_UNREACHABLE', { cause })
      }
      const sent = withTransport(headers, call)
      const start = performance.now()
      let spent = 0
      for (let mayRetry = call.mayRetry === true; ; mayRetry = false) {
        try {
          const raw = await send(sent, body, call.signal, spent)
          if (mayRetry && raw.status === requestTimeout) {
            spent = performance.now() - start
            call.span?.retried()
            continue
          }
          breaker && breaker.succeeded()
          const { status, setCookie, retryAfter, passed, encoding } = raw
          const bytes = encoding === undefined ? raw.body : await decoded(raw, limit)
          return { status, setCookie, retryAfter, passed, bytes }
        } catch (cause) {
          // A subgraph may close a kept-alive connection just as it is used.
          if (mayRetry && isConnectionFailure(cause)) {
            spent = performance.now() - start
            call.span?.retried()
            continue
          }
          const failure = failureOf(cause)
          const hasResponded = failure.reason === 'SUBGRAPH_RESPONSE_INVALID'
          if (breaker && !hasResponded && !call.signal?.aborted) breaker.failed()
          throw failure
        }
      }
    },
    close: () => pool.destroy(),
  }

  /** Returns names and values in turn, which is cheaper than an object for each request. */
  function withTransport(
    headers: Readonly<Record<string, string>>,
    { traceContext, span, requestId }: SubgraphCallOptions,
  ): string[] {
    const traceparent = span?.traceparent ?? traceContext?.traceparent
    const tracestate = traceContext?.tracestate
    const all = transport.slice()
    if (traceparent) all.push('traceparent', traceparent)
    if (tracestate) all.push('tracestate', tracestate)
    if (requestId) all.push('x-request-id', requestId)
    // A plain header may have the name of one of these.
    const ownLength = all.length
    for (const name in headers) if (!isNamed(all, name, ownLength)) all.push(name, headers[name]!)
    return all
  }

  function send(
    headers: string[],
    body: string,
    signal: EndSignal | undefined,
    spent: number,
  ): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      const receiver = new ResponseReceiver(resolve, reject, {
        timeout,
        spent,
        limit,
        signal,
        readPassed,
        ownsChunks: options.http2 !== true,
      })
      pool.dispatch({ method: 'POST', path, headers, body }, receiver)
    })
  }
}

/** Returns whether the first names and values, up to an index, have the name. */
function isNamed(headers: readonly string[], name: string, end: number): boolean {
  for (let index = 0; index < end; index += 2) if (headers[index] === name) return true
  return false
}

function transportHeaders({ compression }: SubgraphClientOptions): string[] {
  const headers = ['content-type', 'application/json', 'accept', 'application/json']
  return compression ? [...headers, 'accept-encoding', 'gzip, br'] : headers
}

function poolOptions({ connections, http2, tls }: SubgraphClientOptions): Pool.Options {
  return {
    connections,
    // A call has one time limit, until its last byte.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: http2 === true,
    ...(tls ? { connect: { ca: tls.ca, cert: tls.certificate, key: tls.key } } : {}),
  }
}

function failureOf(cause: unknown): GatewayError {
  return cause instanceof GatewayError ? cause : new GatewayError('SUBGRAPH_UNREACHABLE', { cause })
}

/** Returns whether the connection failed, so that the subgraph cannot have begun to respond. */
function isConnectionFailure(cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code ?? '')
}

async function decoded(
  { status, body, encoding = '' }: RawResponse,
  limit: number,
): Promise<Buffer> {
  try {
    return await decodeContent(body, encoding, limit)
  } catch (cause) {
    // The status of a refusal is enough to report it.
    if (status >= 400) return Buffer.alloc(0)
    throw new GatewayError('SUBGRAPH_RESPONSE_INVALID', { cause })
  }
}
