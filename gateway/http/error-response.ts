/** The response that is nothing but errors: a row of the error table, or a request error. */
import { GatewayError } from '../errors.ts'
import { RequestError } from '../graphql/response-error.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { bearerChallenge } from './bearer-challenge.ts'
import type { Realm } from './bearer-challenge.ts'
import type { HttpResponse } from './http-message.ts'
import { responseMediaType } from './media-type.ts'

export interface ErrorResponseOptions {
  /** Described in `WWW-Authenticate`. */
  realm: Realm
  /** The client's Accept header. */
  accept?: string | undefined
  /** Names an unforeseen error, in the log too. */
  errorId?: string | undefined
}

/** Returns the response for a refused request. Its text comes from the table, never from the cause. */
export function errorResponse(
  error: GatewayError | RequestError,
  { realm, accept, errorId }: ErrorResponseOptions,
): HttpResponse {
  const headers = { 'content-type': responseMediaType(accept), 'cache-control': 'no-store' }
  if (error instanceof RequestError) {
    return { status: 400, headers, body: bodyOf(error.errors) }
  }
  const { row } = error
  return {
    status: row.status,
    headers: {
      ...headers,
      ...(row.challenge ? { 'www-authenticate': bearerChallenge(row, realm) } : {}),
      ...(row.retryAfter ? { 'retry-after': String(row.retryAfter) } : {}),
      ...(row.allow ? { allow: row.allow } : {}),
    },
    body: bodyOf(errorsOf(error, errorId)),
  }
}

/** Returns the errors that a client gets for a refusal. */
export function errorsOf(
  error: GatewayError | RequestError,
  errorId?: string,
): readonly ResponseError[] {
  if (error instanceof RequestError) return error.errors
  const { row, reason, retryAfter } = error
  const { message, code } = row
  const more = {
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(errorId === undefined ? {} : { errorId }),
  }
  return [{ message, extensions: { code, reason, ...more } }]
}

function bodyOf(errors: readonly ResponseError[]): string {
  return `${JSON.stringify({ errors })}\n`
}
