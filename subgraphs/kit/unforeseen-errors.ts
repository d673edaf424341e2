/**
 * What resolvers and routes throw without meaning to: the cause is for the log, the caller learns
 * that it failed, and where trying again helps, when.
 */
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { GraphQLError } from 'graphql'
import type { GraphQLFormattedError } from 'graphql'
import { unavailableError } from './retry-later.ts'

/** After how many seconds a caller should retry while something that the subgraph needs is away. */
export const unavailableRetryAfter = 5

/** How often the log says that something is away, in milliseconds: each request would say it. */
const reportInterval = 10_000

export interface UnforeseenErrors {
  /** Returns a GraphQL error as the caller sees it. */
  format(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError
  /** Answers what no route answers: 404, as JSON. */
  notFound: RequestHandler
  /** Answers what a route throws, as JSON. */
  handle: ErrorRequestHandler
}

/**
 * @param name of the subgraph, for the log
 * @param isUnavailable whether an error means that something the subgraph needs is away
 */
export function unforeseenErrors(
  name: string,
  isUnavailable: (error: unknown) => boolean = () => false,
): UnforeseenErrors {
  let reportedAt = -Infinity

  return {
    format(formatted, error) {
      const cause = (error as { originalError?: unknown }).originalError ?? error
      if (formatted.extensions?.code !== 'INTERNAL_SERVER_ERROR')
        return withOwnCode(formatted, cause)
      if (!isUnavailable(cause)) {
        console.error(`${name}:`, cause)
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
      // What was being prepared is not sent: its headers must not tell a cache to keep the error.
      for (const header of response.getHeaderNames()) response.removeHeader(header)
      response.set('cache-control', 'no-store')
      const status = clientErrorStatus(error)
      if (status !== undefined)
        return void response.status(status).json({ error: 'invalid_request' })
      if (isUnavailable(error)) {
        reportUnavailable(error)
        response.set('retry-after', String(unavailableRetryAfter))
        return void response.status(503).json({ error: 'temporarily_unavailable' })
      }
      console.error(`${name}:`, error)
      response.status(500).json({ error: 'server_error' })
    },
  }

  function reportUnavailable(cause: unknown): void {
    if (performance.now() - reportedAt < reportInterval) return
    reportedAt = performance.now()
    console.error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

/** Apollo Server gives every error of a validation rule a code of its own: the one that the rule gave holds. */
function withOwnCode(formatted: GraphQLFormattedError, cause: unknown): GraphQLFormattedError {
  const code = cause instanceof GraphQLError ? cause.extensions.code : undefined
  return code === undefined
    ? formatted
    : { ...formatted, extensions: { ...formatted.extensions, code } }
}

/** Express and its body parsers say with a status that the fault is the caller's. */
function clientErrorStatus(error: unknown): number | undefined {
  const { status } = (error ?? {}) as { status?: unknown }
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined
}
