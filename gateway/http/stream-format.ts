/** How a stream of results is written as the body of an HTTP response. */
import type { GatewayError } from '../errors.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { HttpResponse } from './http-message.ts'

/** A format of streams. The client gets `start`, then what comes, then one of the last texts. */
export interface StreamFormat {
  /** What carries the events, in the metrics. */
  readonly transport: 'event_stream' | 'multipart'
  readonly headers: Readonly<Record<string, string>>
  /** The first text: with it, the head reaches the client. */
  readonly start: string
  /** Shows that the connection is alive. */
  readonly heartbeat: string
  /** The longest time between two of them that clients expect, in milliseconds. */
  readonly longestSilence: number
  /** Returns the text of a result. */
  next(body: ResponseData): string
  /** Returns the last text when no more results come, for these reasons; without one, all have come. */
  ended(errors: readonly ResponseError[]): string
  /** Returns the last text when the caller is no longer admitted. */
  refused(error: GatewayError): string
  /** The last text when the gateway stops: the client should come back. */
  readonly restart: string
  /** Returns a complete response as a stream of this format. */
  complete(response: HttpResponse): HttpResponse
}

/** Proxies must neither keep events nor hold them back: the last header is for nginx. */
export const streamHeaders = { 'cache-control': 'no-store', 'x-accel-buffering': 'no' } as const
