/** The Express handler for a subgraph: verifies the claims header, then calls Apollo Server. */
import { HeaderMap } from '@apollo/server'
import type { ApolloServer } from '@apollo/server'
import { raw } from 'express'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { ClaimsHeaderError, claimsHeaderName, claimsHeaderReader } from './claims-header.ts'
import type { Claims } from './claims-header.ts'
import { verificationKeys } from './claims-keys.ts'
import type { ClaimsKeys } from './claims-keys.ts'
import { readClientHeaders } from './client-headers.ts'
import { clientCookies } from './cookies.ts'
import type { EventStreams } from './event-streams.ts'
import type { SubgraphContext } from './guards.ts'

export interface SubgraphHandlerOptions {
  /** The subgraph's name in supergraph.yaml: headers for any other name are refused. */
  subgraph: string
  /** Verifies the claims header: the text of CLAIMS_KEY, the keys as bytes, or the gateway's public key set. */
  keys: ClaimsKeys
  /** The largest request body, in bytes; default: 10 MB, enough for long lists of representations. */
  bodyLimit?: number
  /** Serves subscriptions; left out: they are refused. */
  events?: EventStreams
  /** Called for each request that came through the gateway. */
  onAccepted?: () => void
  /** Called with the reason for each refused request. It never contains the header itself. */
  onRefused?: (reason: Error) => void
}

const defaultBodyLimit = 10 * 1024 * 1024

/**
 * Returns the handlers for a subgraph's `/graphql`:
 *
 *   app.use('/graphql', subgraphHandler(server, { subgraph: 'users', keys }))
 *
 * A request without a valid claims header gets a 401 response, `_service` and `_entities` included.
 */
export function subgraphHandler(
  server: ApolloServer<SubgraphContext>,
  options: SubgraphHandlerOptions,
): (RequestHandler | ErrorRequestHandler)[] {
  const { bodyLimit = defaultBodyLimit } = options
  const readClaims = claimsHeaderReader(
    options.subgraph,
    verificationKeys(options.keys, options.subgraph),
  )

  const requireGateway: RequestHandler = async (request, response, next) => {
    try {
      const [header, ...more] = request.headersDistinct[claimsHeaderName] ?? []
      if (more.length > 0) throw new Error(`more than one ${claimsHeaderName} header`)
      response.locals.claims = await readClaims(header)
    } catch (reason) {
      options.onRefused?.(reason as Error)
      const claim = reason instanceof ClaimsHeaderError ? reason.claim : undefined
      const message = 'This subgraph accepts requests only from its gateway'
      const more = { reason: 'CLAIMS_HEADER_REFUSED', claim }
      response.status(401).json(errorBody('UNAUTHENTICATED', message, more))
      return
    }
    options.onAccepted?.()
    next()
  }

  const executeRequest: RequestHandler = async (request, response) => {
    const setCookies: string[] = []
    const context: SubgraphContext = {
      claims: response.locals.claims as Claims | null,
      client: readClientHeaders(request.headers),
      cookies: clientCookies(request.headers.cookie, setCookies),
    }
    if (options.events?.accepts(request.headers.accept)) {
      return options.events.respond({ body: parseJson(request.body), context }, response)
    }
    const { status, headers, body } = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: request.method,
        headers: headerMap(request.headers),
        search: new URL(request.originalUrl, 'http://subgraph').search,
        body: parseJson(request.body),
      },
      context: async () => context,
    })
    for (const [name, value] of headers) response.setHeader(name, value)
    if (setCookies.length > 0) response.setHeader('set-cookie', setCookies)
    response.status(status ?? 200)
    if (body.kind === 'complete') return void response.send(body.string)
    for await (const chunk of body.asyncIterator) response.write(chunk)
    response.end()
  }

  const refuseBody: ErrorRequestHandler = (error, _request, response, _next) => {
    const status = typeof error?.status === 'number' ? error.status : 500
    const message = status < 500 ? bodyProblem(status) : 'Internal server error'
    response
      .status(status)
      .json(errorBody(status < 500 ? 'BAD_REQUEST' : 'INTERNAL_SERVER_ERROR', message))
  }

  return [requireGateway, raw({ type: () => true, limit: bodyLimit }), executeRequest, refuseBody]

  function bodyProblem(status: number): string {
    return status === 413
      ? `The request body is larger than ${bodyLimit} bytes`
      : 'The request body could not be read'
  }
}

function headerMap(headers: Record<string, string | string[] | undefined>): HeaderMap {
  const map = new HeaderMap()
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  return map
}

/** Returns undefined for an unreadable body, for which Apollo Server responds with 400. */
function parseJson(body: unknown): unknown {
  if (!Buffer.isBuffer(body)) return undefined
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function errorBody(code: string, message: string, more = {}) {
  return { errors: [{ message, extensions: { code, ...more } }] }
}
