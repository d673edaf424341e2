/**
 * Server-sent events for clients, as GraphQL over SSE has them ("distinct connections mode"): `next` with
 * a response, `complete` at the end. EventSource drops an event without data, so `complete` has an empty line.
 */
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import { eventStream } from './media-type.ts'
import type { HttpResponse } from './http-message.ts'

/** Proxies must neither keep events nor hold them back: the last header is for nginx. */
export const eventStreamHeaders = {
  'content-type': eventStream,
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const

export const completeEvent = 'event: complete\ndata: \n\n'

/** A comment, which keeps the connection and says that it is alive. */
export const heartbeatComment = ':\n\n'

/** Returns the text of an event with a response. */
export function nextEvent(body: ResponseData): string {
  const text = stringOf(body).trimEnd()
  // In JSON, a line break is white space: within strings it is escaped.
  const line = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, ' ') : text
  return `event: next\ndata: ${line}\n\n`
}

/** Returns a complete response as a stream of one event. */
export function inEventStream({ status, headers, body }: HttpResponse): HttpResponse {
  return {
    status,
    headers: { ...headers, ...eventStreamHeaders },
    body: nextEvent(body) + completeEvent,
  }
}
