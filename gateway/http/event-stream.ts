/**
 * Server-sent events for clients, as GraphQL over SSE has them ("distinct connections mode"): `next` with
 * a response, `complete` at the end. EventSource drops an event without data, so `complete` has an empty line.
 * A stream that ends without `complete` is opened again by its client, by graphql-sse as well as by a
 * browser's EventSource, with the credentials that the client has then.
 */
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { errorsOf } from './error-response.ts'
import { eventStream } from './media-type.ts'
import { streamHeaders } from './stream-format.ts'
import type { StreamFormat } from './stream-format.ts'

const headers = { 'content-type': eventStream, ...streamHeaders } as const
const completeEvent = 'event: complete\ndata: \n\n'
const comment = ':\n\n'

export const eventStreamFormat: StreamFormat = {
  transport: 'event_stream',
  headers,
  start: comment,
  heartbeat: comment,
  longestSilence: Infinity,
  next: nextEvent,
  ended,
  // Another access token may help, unless the login itself has ended.
  refused: (error) => (error.reason === 'TOKEN_REVOKED' ? ended(errorsOf(error)) : ''),
  restart: '',
  complete: (response) => ({
    status: response.status,
    headers: { ...response.headers, ...headers },
    body: nextEvent(response.body) + completeEvent,
  }),
}

function ended(errors: readonly ResponseError[]): string {
  const last = errors.length > 0 ? nextEvent(JSON.stringify({ errors })) : ''
  return last + completeEvent
}

function nextEvent(body: ResponseData): string {
  const text = stringOf(body).trimEnd()
  // In JSON, a line break is white space: within strings it is escaped.
  const line = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, ' ') : text
  return `event: next\ndata: ${line}\n\n`
}
