/** The upgrade of a request to a WebSocket: who may open one, before it is open (RFC 6455 section 4.2). */
import { STATUS_CODES } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { requestIdFrom, requestIdHeader } from '../../subgraphs/kit/request-id.ts'
import { GatewayError } from '../errors.ts'
import type { Realm } from '../http/bearer-challenge.ts'
import { distinctHeaders } from '../http/distinct-headers.ts'
import { errorResponse } from '../http/error-response.ts'
import { isOfHost } from '../http/own-origin.ts'
import type { HttpRequest, HttpResponse, RequestHeaders } from '../http/http-message.ts'
import type { RequestOrigin } from '../http/client-address.ts'
import { stringOf } from '../graphql/response-data.ts'
import type { CallerSession } from './caller-session.ts'
import { closeCodes } from './close-codes.ts'
import type { ConnectionPlace } from './live-connections.ts'
import type { LiveParts } from './live-parts.ts'
import { WebSocketConnection } from './websocket-connection.ts'
import type { WebSocketConnectionParts } from './websocket-connection.ts'
import { hasCredential, withCredentials } from './websocket-credentials.ts'

export interface WebSocketUpgradeParts extends Pick<WebSocketConnectionParts, 'initTimeout'> {
  /** Undefined: WebSockets are not served. */
  readonly live:
    Pick<LiveParts, 'connections' | 'credentialHeaders' | 'observer' | 'log'> | undefined
  /** Returns the session of the caller that the headers identify; rejects with a GatewayError. */
  readonly connect: (request: HttpRequest) => Promise<CallerSession>
  readonly originOf: (request: IncomingMessage) => RequestOrigin
  /** Of whose pages a WebSocket is accepted, besides those of the gateway's own host. */
  readonly cors:
    | { readonly origins: '*' | readonly (string | RegExp)[]; readonly credentials: boolean }
    | undefined
  /** The largest message, in bytes. */
  readonly messageLimit: number
  /** Described in `WWW-Authenticate`. */
  readonly realm: Realm
  /** Called with what is no refusal, but a fault of ours. */
  readonly onFailure: (cause: unknown) => void
}

const subprotocol = 'graphql-transport-ws'

/** Handles a request that asks for a WebSocket. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Returns the function that opens WebSockets, or responds with a refusal. */
export function webSocketUpgrade(parts: WebSocketUpgradeParts): Upgrade {
  const { live, connect, realm } = parts
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: parts.messageLimit,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  })

  return (request, socket, head) => {
    destroyAfterError(socket)
    const origin = parts.originOf(request)
    const given = origin.isFromTrustedProxy ? request.headers[requestIdHeader] : undefined
    const requestId = requestIdFrom(given)
    accept(request, socket, head, { ...origin, requestId }).catch((error: unknown) => {
      if (!(error instanceof GatewayError)) parts.onFailure(error)
      const refusal =
        error instanceof GatewayError ? error : new GatewayError('INTERNAL_SERVER_ERROR')
      const { accept } = request.headers
      const response = errorResponse(refusal, { realm, accept })
      const headers = { ...response.headers, [requestIdHeader]: requestId }
      respondOn(socket, { ...response, headers })
    })
  }

  async function accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    origin: RequestOrigin & Pick<HttpRequest, 'requestId'>,
  ): Promise<void> {
    if (request.url?.split('?')[0] !== '/graphql') throw new GatewayError('NOT_FOUND')
    if (!live) throw new GatewayError('SUBSCRIPTIONS_NOT_SUPPORTED')
    const { credentialHeaders } = live
    const headers = admittedHeaders(request, credentialHeaders)
    const ofConnection: HttpRequest = {
      method: 'POST',
      search: '',
      body: noBody,
      headers,
      ...origin,
      isConnection: true,
    }
    const session = hasCredential(headers, credentialHeaders)
      ? await connect(ofConnection)
      : undefined
    // A socket that has been closed meanwhile says so no more: it would be counted for ever.
    if (socket.destroyed) return session?.close()
    const place = placeOr(() => session?.close(), live)
    // Before the handshake has ended, only the socket knows that the client has gone.
    const giveUp = () => {
      place.leave()
      session?.close()
    }
    socket.once('close', giveUp)
    server.handleUpgrade(request, socket, head, (opened) => {
      socket.off('close', giveUp)
      live.observer.connected('websocket')
      const connection = new WebSocketConnection(opened, {
        headers,
        credentialHeaders,
        initTimeout: parts.initTimeout,
        open: (payload) => identify(ofConnection, payload, session),
        onClosed: leaving(place, session, live),
      })
      place.take(connection)
      if (opened.protocol === subprotocol) return
      const reason = `Subprotocol not acceptable: use ${subprotocol}`
      connection.close(closeCodes.subprotocolNotAcceptable, reason)
    })
  }

  /** What `connection_init` brings counts like a header of the request. */
  async function identify(
    request: HttpRequest,
    payload: Readonly<Record<string, unknown>>,
    session: CallerSession | undefined,
  ): Promise<CallerSession> {
    const headers = withCredentials(request.headers, payload, live!.credentialHeaders)
    if (!session) return connect({ ...request, headers })
    if (headers === request.headers) return session
    session.close()
    return connect({ ...request, headers })
  }

  /**
   * Returns the headers that count. No browser asks before it opens a WebSocket for a page, and it sends
   * the cookies along: the origin is checked here (RFC 6455 section 10.2). No page can set a header.
   */
  function admittedHeaders(
    request: IncomingMessage,
    credentialHeaders: readonly string[],
  ): RequestHeaders {
    const headers = distinctHeaders(request)
    const { origin, host } = request.headers
    if (origin === undefined || isOfHost(origin, host)) return headers
    if (hasCredential(headers, credentialHeaders)) return headers
    const { cors } = parts
    const isAllowed =
      cors?.origins === '*' ||
      cors?.origins.some((allowed) =>
        typeof allowed === 'string' ? allowed === origin : allowed.test(origin),
      )
    if (!isAllowed) throw new GatewayError('ORIGIN_REFUSED')
    return cors?.credentials ? headers : { ...headers, cookie: undefined }
  }
}

const noBody = new Uint8Array()

// A connection outlives its configuration: what it holds must not be made where the parts of that are in reach.

function destroyAfterError(socket: Duplex): void {
  socket.on('error', () => socket.destroy())
}

/** Returns what is to be called when the connection has ended. */
function leaving(
  place: ConnectionPlace,
  session: CallerSession | undefined,
  { observer, log }: Pick<LiveParts, 'observer' | 'log'>,
): WebSocketConnectionParts['onClosed'] {
  return (code, reason) => {
    place.leave()
    session?.close()
    observer.disconnected('websocket')
    log.debug({ code, reason }, 'WebSocket closed')
  }
}

/** Returns a place for a connection; without one, undoes what was done before. */
function placeOr(undo: () => void, { connections }: Pick<LiveParts, 'connections'>) {
  try {
    return connections.place()
  } catch (error) {
    undo()
    throw error
  }
}

/** The socket belongs to no HTTP response any more. */
function respondOn(socket: Duplex, { status, headers, body }: HttpResponse): void {
  const text = stringOf(body)
  const lines = Object.entries({
    ...headers,
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  }).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`))
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', text].join('\r\n'))
}
