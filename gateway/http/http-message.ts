/** A request and its response as plain values, independent of the web framework. */
import type { ServerResponse } from 'node:http'
import type { GatewayError } from '../errors.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { Additions } from './added-to-response.ts'
import type { RequestSignal } from './request-signal.ts'

/** Every header by its lower-case name, with each of its values: two Authorization headers are two. */
export type RequestHeaders = Readonly<Record<string, readonly string[] | undefined>>

export interface HttpRequest {
  readonly method: string
  /** The query string with its question mark, or an empty string. */
  readonly search: string
  readonly headers: RequestHeaders
  /** The id of a document in the path: `/graphql/ID`. */
  readonly documentId?: string | undefined
  /** The bytes received, without a content coding; empty when there was no body. */
  readonly body: Uint8Array
  /** The address of the client, or of the last proxy that is not trusted. */
  readonly clientAddress?: string | undefined
  /** Set if the request could not be read: it gets this error. */
  readonly refused?: GatewayError | undefined
  /** Whether a trusted proxy sent it. */
  readonly isFromTrustedProxy?: boolean | undefined
  /** Whether it is an operation of an open connection, which can carry a stream. */
  readonly isConnection?: boolean | undefined
  /** Its id, if it has one already. */
  readonly requestId?: string | undefined
  /** Aborted when the client has gone away, or when the response has taken too long. */
  readonly signal?: RequestSignal | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: ResponseData
  /** The request headers on which it depends, besides those of the transport; undefined: caches do not keep it. */
  readonly vary?: readonly string[] | undefined
  /** What subgraphs have added, from which a batch makes its own headers; undefined: nothing. */
  readonly added?: Additions | undefined
  /** Writes the rest of the response, whose head has been sent: there is no complete body. */
  readonly stream?: ((response: ServerResponse) => void) | undefined
}

/** Returns the values of a header as one (RFC 9110, section 5.3); undefined when it is absent. */
export function listHeader(headers: RequestHeaders, name: string): string | undefined {
  const values = headers[name]
  return values?.length === 1 ? values[0] : values?.join(', ')
}

/** Returns the only value of a header that may occur once; undefined when it is absent or repeated. */
export function soleHeader(headers: RequestHeaders, name: string): string | undefined {
  const values = headers[name]
  return values?.length === 1 ? values[0] : undefined
}
