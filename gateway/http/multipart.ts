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
import { streamHeaders } from './stream-format.ts'
import type { StreamFormat } from './stream-format.ts'

const headers = { 'content-type': multipart, ...streamHeaders } as const
const boundary = '\r\n--graphql'
/** After a boundary: that was the last part (RFC 2046, section 5.1.1). */
const end = '--\r\n'

export const multipartFormat: StreamFormat = {
  transport: 'multipart',
  headers,
  start: boundary + part('{}'),
  heartbeat: part('{}'),
  longestSilence: 5_000,
  next: (body) => part(`{"payload":${stringOf(body).trimEnd()}}`),
  ended: (errors) => (errors.length > 0 ? lastPart(errors) : end),
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
    body: boundary + part(stringOf(response.body).trimEnd()) + end,
  }),
}

/** Returns a part, after the boundary before it; the boundary after it is sent at once. */
function part(json: string): string {
  return `\r\ncontent-type: application/json\r\n\r\n${json}${boundary}`
}

function lastPart(errors: readonly ResponseError[]): string {
  return part(JSON.stringify({ payload: null, errors })) + end
}

function shutdownError(): ResponseError {
  const { message, code } = errorTable.SUBSCRIPTION_SERVER_SHUTDOWN
  return { message, extensions: { code, reason: 'SUBSCRIPTION_SERVER_SHUTDOWN' } }
}
