/**
 * Unforeseen errors of resolvers and routes: the cause goes to the log; the caller learns that the
 * request failed, and if retrying helps, when to retry.
 */
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { GraphQLError } from 'graphql'
import type { GraphQLFormattedError } from 'graphql'
import { requestIdHeader } from './request-id.ts'
import { unavailableError } from './retry-later.ts'
import type { SubgraphLog } from './subgraph-log.ts'

/** After how many seconds a caller should retry while something that the subgraph needs is unavailable. */
export const unavailableRetryAfter = 5

/** How often an outage is logged, in milliseconds: otherwise each request would log it. */
const reportInterval = 10_000

export interface UnforeseenErrors {
  /** Returns a GraphQL error for the caller. */
  format(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError
  /** Responds if no route matched: 404, as JSON. */
  notFound: RequestHandler
  /** Responds to an error of a route, as JSON. */
  handle: ErrorRequestHandler
}

/**
 * @param isUnavailable returns whether an error means that something the subgraph needs is unavailable
 */
export function unforeseenErrors(
  log: SubgraphLog,
  isUnavailable: (error: unknown) => boolean = () => false,
): UnforeseenErrors {
  let reportedAt = -Infinity

  return {
    format(formatted, error) {
      const cause = (error as { originalError?: unknown }).originalError ?? error
      if (formatted.extensions?.code !== 'INTERNAL_SERVER_ERROR')
        return withOwnCode(formatted, cause)
      if (!isUnavailable(cause)) {
        log.error({ err: cause }, 'unforeseen error')
        return { ...formatted, message: 'Internal server error' }
      }
      reportUnavailable(cause)
      return { ...formatted, ...unavailableError(unavailableRetryAfter) }
    },

    notFound(_request, response) {
      response.status(404).json({ error: 'not_found' })
    },

    handle(error, _request, response, next) {
      if (response.headersSent) return void next(error)
      // The headers of the unfinished response are dropped: a cache must not keep the error.
      for (const header of response.getHeaderNames()) {
        if (header !== requestIdHeader) response.removeHeader(header)
      }
      response.set('cache-control', 'no-store')
      const status = clientErrorStatus(error)
      if (status !== undefined)
        return void response.status(status).json({ error: 'invalid_request' })
      if (isUnavailable(error)) {
        reportUnavailable(error)
        response.set('retry-after', String(unavailableRetryAfter))
        return void response.status(503).json({ error: 'temporarily_unavailable' })
      }
      log.error({ err: error }, 'unforeseen error')
      response.status(500).json({ error: 'server_error' })
    },
  }

  function reportUnavailable(cause: unknown): void {
    if (performance.now() - reportedAt < reportInterval) return
    reportedAt = performance.now()
    log.error({ reason: cause instanceof Error ? cause.message : typeof cause }, 'unavailable')
  }
}

/** Apollo Server overwrites the code of every error of a validation rule: the rule's own code is restored. */
function withOwnCode(formatted: GraphQLFormattedError, cause: unknown): GraphQLFormattedError {
  const code = cause instanceof GraphQLError ? cause.extensions.code : undefined
  return code === undefined
    ? formatted
    : { ...formatted, extensions: { ...formatted.extensions, code } }
}

/** Errors of Express and its body parsers have a status if the fault is the caller's. */
function clientErrorStatus(error: unknown): number | undefined {
  const { status } = (error ?? {}) as { status?: unknown }
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined
}
