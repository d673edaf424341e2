/** The Express app: converts its requests to plain values, and plain values to responses. */
import type { IncomingHttpHeaders } from 'node:http'
import cors from 'cors'
import express, { raw } from 'express'
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express'
import type { Logger } from 'pino'
import { requestIdFrom, requestIdHeader } from '../../subgraphs/kit/request-id.ts'
import { errorTable, GatewayError } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import { consolePage } from './console-page.ts'
import type { ConsoleParts } from './console-page.ts'
import { distinctHeaders } from './distinct-headers.ts'
import type { ReportForwardedAddress } from './forwarded-address.ts'
import type { HttpResponse, HttpRequest } from './http-message.ts'
import { errorResponse } from './error-response.ts'
import type { ErrorResponseOptions } from './error-response.ts'
import { publicDocuments } from './public-documents.ts'
import type { PublicDocuments } from './public-documents.ts'
import { requestSignal } from './request-signal.ts'
import type { SendResponse } from './send-response.ts'

export interface ExpressAppParts extends ErrorResponseOptions {
  /** Returns the response to a request to /graphql; never rejects. */
  respond: (request: HttpRequest) => Promise<HttpResponse>
  send: SendResponse
  /** What has been served since the start, shown by `/health`. */
  served: () => object | Promise<object>
  /** Why the gateway cannot serve right now, or nothing. */
  unreadiness: () => readonly string[] | Promise<readonly string[]>
  /** The page that explains decisions to people who open the address of the gateway. */
  console?: ConsoleParts | undefined
  /** The largest request body that is read, in bytes. */
  bodyLimit: number
  /** How long a response may take, in milliseconds. */
  deadline: number
  /** The origins whose pages may use the gateway; default: none. */
  cors?: { origins: '*' | (string | RegExp)[]; credentials: boolean } | undefined
  /** Headers of responses that pages of those origins may read, besides the gateway's own. */
  exposedHeaders?: readonly string[] | undefined
  /** The trusted proxies, by number or address: their X-Forwarded-For is used. */
  trustedProxies: number | string[]
  /** Called with a request with an untrusted X-Forwarded-For. */
  onForwardedAddress: ReportForwardedAddress
  log: Logger
  /** Whether documents have ids: `/graphql/ID` is a path then, too. */
  documentIds?: boolean | undefined
  /** JSON documents such as the gateway's public keys. */
  documents: PublicDocuments
}

/** How long a browser may cache the response to a preflight, in seconds. */
const preflightLifetime = 600

/** Returns the app with `/graphql`, `/health` (alive) and `/ready` (can serve). */
export function expressApp(parts: ExpressAppParts): Express {
  const { send } = parts
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  app.set('trust proxy', parts.trustedProxies)

  app.use((request, response, next) => {
    const given = isTrusted(request) ? request.headers[requestIdHeader] : undefined
    response.setHeader(requestIdHeader, requestIdFrom(given))
    next()
  })
  app.use(['/health', '/ready'], (_request, response, next) => {
    response.setHeader('cache-control', 'no-store')
    next()
  })
  app.get('/health', async (_request, response) => {
    response.json({ status: 'alive', ...(await parts.served()) })
  })
  app.get('/ready', async (_request, response) => {
    const reasons = await parts.unreadiness()
    if (reasons.length === 0) return void response.json({ status: 'ready' })
    response.status(503).json({ status: 'not ready', reasons })
  })
  app.use(publicDocuments(parts.documents, parts))
  if (parts.console) app.use(consolePage(parts.console, parts))
  if (parts.cors) app.use('/graphql', crossOrigin(parts.cors, parts.exposedHeaders))
  app.all(
    parts.documentIds ? ['/graphql', '/graphql/:documentId'] : '/graphql',
    refuseOtherCodings,
    raw({ type: () => true, limit: parts.bodyLimit, inflate: true }),
    async (request, response) => {
      if (isForwarded(request) && !isTrusted(request)) parts.onForwardedAddress(request)
      send(request, response, await parts.respond(httpRequest(request, response, parts.deadline)))
    },
  )
  app.use((request, response) =>
    send(request, response, errorResponse(new GatewayError('NOT_FOUND'), parts)),
  )
  app.use(refuseUnreadable(parts))
  return app
}

function httpRequest(request: Request, response: Response, deadline: number): HttpRequest {
  return {
    method: request.method,
    search: searchOf(request.originalUrl),
    documentId: request.params?.['documentId'] as string | undefined,
    headers: distinctHeaders(request),
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    clientAddress: request.ip,
    isFromTrustedProxy: isTrusted(request),
    requestId: String(response.getHeader(requestIdHeader)),
    signal: requestSignal(response, deadline),
  }
}

function isForwarded({ headers }: Request): boolean {
  return headers['x-forwarded-for'] !== undefined
}

/** Returns whether the request came from a trusted proxy, whose headers about the client count. */
function isTrusted(request: Request): boolean {
  const trusts = request.app.get('trust proxy fn') as (address: string, hop: number) => boolean
  return trusts(request.socket.remoteAddress ?? '', 0)
}

function crossOrigin(
  { origins, credentials }: NonNullable<ExpressAppParts['cors']>,
  exposedHeaders: readonly string[] = [],
) {
  return cors({
    origin: origins,
    credentials,
    methods: ['GET', 'POST'],
    exposedHeaders: [
      ...['retry-after', 'www-authenticate', 'x-request-id', 'ratelimit', 'ratelimit-policy'],
      ...exposedHeaders,
    ],
    maxAge: preflightLifetime,
  })
}

/** The refusals of Express and its body reader, by HTTP status. */
const refusals: Readonly<Record<number, ErrorName>> = {
  400: 'BAD_REQUEST',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
}

function refuseUnreadable(parts: ExpressAppParts): ErrorRequestHandler {
  const { log, realm, bodyLimit, deadline, send } = parts
  return async (error, request, response, _next) => {
    const name = refusals[error?.status] ?? 'INTERNAL_SERVER_ERROR'
    if (name === 'INTERNAL_SERVER_ERROR') log.error({ err: error }, 'unforeseen error')
    if (response.headersSent) return void response.destroy()
    // The rest of the body is read and discarded, so that the client reads the response.
    if (errorTable[name].status === 413) request.resume()
    response.setHeader('connection', 'close')
    // RFC 9110, section 15.5.16.
    if (error?.type === 'encoding.unsupported')
      response.setHeader('accept-encoding', contentCodings)
    const message =
      name === 'PAYLOAD_TOO_LARGE'
        ? tooLarge(error.limit ?? bodyLimit)
        : undecodable(name, request.headers)
    const refused = new GatewayError(name, { cause: error, ...(message ? { message } : {}) })
    if (!isGraphql(request.path)) {
      return send(
        request,
        response,
        errorResponse(refused, { realm, accept: request.headers.accept }),
      )
    }
    const unreadable = httpRequest(request, response, deadline)
    send(request, response, await parts.respond({ ...unreadable, refused }))
  }
}

function isGraphql(path: string): boolean {
  return path === '/graphql' || path.startsWith('/graphql/')
}

/** The content codings in which request bodies are accepted; the body reader removes them. */
const contentCodings = 'gzip, deflate, br'

/** The body reader accepts more on some versions of Node. */
const refuseOtherCodings: RequestHandler = ({ headers }, _response, next) => {
  const coding = headers['content-encoding']?.toLowerCase() || 'identity'
  if ([...contentCodings.split(', '), 'identity'].includes(coding)) return next()
  next(Object.assign(new Error(), { status: 415, type: 'encoding.unsupported' }))
}

function tooLarge(limit: number): string {
  const [unit, bytes] = limit % (1024 * 1024) === 0 ? ['MB', 1024 * 1024] : ['KB', 1024]
  return `The request body is larger than ${limit / bytes} ${unit}`
}

/** Bodies in other content codings get another refusal: the header has one of those. */
function undecodable(name: ErrorName, headers: IncomingHttpHeaders): string | undefined {
  const coding = headers['content-encoding']
  if (name !== 'BAD_REQUEST' || !coding || coding === 'identity') return undefined
  return `The request body is not complete and valid ${coding.toLowerCase()}, as Content-Encoding says`
}

function searchOf(url: string): string {
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start)
}
