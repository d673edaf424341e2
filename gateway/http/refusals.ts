/** What a request gets that fails: a row of the error table, the errors of its document, or no detail. */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { GatewayError } from '../errors.ts'
import { RequestError } from '../graphql/response-error.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { Realm } from './bearer-challenge.ts'
import { errorResponse, errorsOf } from './error-response.ts'
import { eventStreamFormat } from './event-stream.ts'
import { listHeader } from './http-message.ts'
import type { HttpRequest, HttpResponse, RequestHeaders } from './http-message.ts'
import { acceptedMediaType, eventStream } from './media-type.ts'

export interface RefusalsParts {
  /** Described in `WWW-Authenticate`. */
  readonly realm: Realm
  /** Returns the name of the cookie with the access token of a request, if there is one. */
  readonly tokenCookie: (headers: RequestHeaders) => string | undefined
  readonly log: Logger
}

/** What is known of a request that fails. */
export interface FailedRequest {
  readonly request: HttpRequest
  readonly requestId: string
  refusal: GatewayError | RequestError | 'unforeseen' | undefined
}

export interface Refusals {
  /** Returns the response to a request that fails, and notes why it failed. */
  refuse(failed: FailedRequest, error: unknown): HttpResponse
  /** Returns the errors for what fails on an open connection. */
  errorsFor(failed: Pick<FailedRequest, 'requestId'>, error: unknown): readonly ResponseError[]
}

/** Returns the functions that refuse. An unforeseen error is logged under an id that its client gets. */
export function refusals({ realm, tokenCookie, log }: RefusalsParts): Refusals {
  return {
    refuse(failed, error) {
      const response = responseTo(failed, error)
      const headers = { ...response.headers, 'x-request-id': failed.requestId }
      return { ...response, headers }
    },
    errorsFor({ requestId }, error) {
      if (isForeseen(error)) return errorsOf(error)
      const errorId = reportUnforeseen(requestId, error)
      return errorsOf(new GatewayError('INTERNAL_SERVER_ERROR'), errorId)
    },
  }

  /** An expected failure is a row of the error table, or a request error; the rest is a fault of ours. */
  function responseTo(failed: FailedRequest, error: unknown): HttpResponse {
    const { request, requestId } = failed
    const accept = listHeader(request.headers, 'accept')
    const options = { realm, accept }
    failed.refusal = isForeseen(error) ? error : 'unforeseen'
    if (error instanceof RequestError) {
      const response = errorResponse(error, options)
      // An EventSource knows nothing of a status: the stream says what is wrong (GraphQL over SSE).
      const isStream = acceptedMediaType(accept) === eventStream
      return isStream ? eventStreamFormat.complete({ ...response, status: 200 }) : response
    }
    if (error instanceof GatewayError) return withoutCookie(request, errorResponse(error, options))
    const errorId = reportUnforeseen(requestId, error)
    return errorResponse(new GatewayError('INTERNAL_SERVER_ERROR'), { ...options, errorId })
  }

  function reportUnforeseen(requestId: string, error: unknown): string {
    const errorId = randomUUID()
    log.error({ requestId, errorId, err: error }, 'unforeseen error')
    return errorId
  }

  /**
   * A browser would keep sending a refused token, even with a login, and no script can prevent it: the
   * response clears the cookie. A cookie that was not used stays.
   */
  function withoutCookie({ headers }: HttpRequest, refused: HttpResponse): HttpResponse {
    if (refused.status !== 401 || !headers.cookie) return refused
    const name = tokenCookie(headers)
    if (name === undefined) return refused
    const cleared = `${name}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict`
    return { ...refused, headers: { ...refused.headers, 'set-cookie': [cleared] } }
  }
}

function isForeseen(error: unknown): error is GatewayError | RequestError {
  return error instanceof RequestError || error instanceof GatewayError
}
