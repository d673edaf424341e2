/**
 * Subscriptions by multipart responses, Apollo's protocol `subscriptionSpec=1.0`: each result is a part
 * `{"payload":{...}}`, a heartbeat the part `{}`. When the gateway ends a stream, the last part has
 * `"payload":null` and the errors; its client does not come back by itself.
 */
import { errorTable } from '../errors.ts'
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { errorsOf } from './error-response.ts'
import { multipart } from './media-type.ts'
import { afterLastPart, firstBoundary, part } from './parts.ts'
import { streamHeaders } from './stream-format.ts'
import type { StreamFormat } from './stream-format.ts'

const headers = { 'content-type': multipart.subscriptionSpec, ...streamHeaders } as const

export const multipartFormat: StreamFormat = {
  transport: 'multipart',
  headers,
  start: firstBoundary + part('{}'),
  heartbeat: part('{}'),
  longestSilence: 5_000,
  next: (body) => part(`{"payload":${stringOf(body).trimEnd()}}`),
  ended: (errors) => (errors.length > 0 ? lastPart(errors) : afterLastPart),
  refused(error) {
    const hasExpired = error.reason === 'TOKEN_EXPIRED'
    return lastPart(
      errorsOf(error).map(({ message, extensions }) => ({
        message,
        extensions: hasExpired ? { ...extensions, code: 'SUBSCRIPTION_JWT_EXPIRED' } : extensions,
      })),
    )
  },
  restart: lastPart([shutdownError()]),
  // As Apollo's router responds to a query of a client that accepts nothing else: without `payload`.
  complete: (response) => ({
    status: response.status,
    headers: { ...response.headers, ...headers },
    body: firstBoundary + part(stringOf(response.body).trimEnd()) + afterLastPart,
  }),
}

function lastPart(errors: readonly ResponseError[]): string {
  return part(JSON.stringify({ payload: null, errors })) + afterLastPart
}

function shutdownError(): ResponseError {
  const { message, code } = errorTable.SUBSCRIPTION_SERVER_SHUTDOWN
  return { message, extensions: { code, reason: 'SUBSCRIPTION_SERVER_SHUTDOWN' } }
}
