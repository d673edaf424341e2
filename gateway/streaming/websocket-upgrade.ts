/** The upgrade of a request to a WebSocket: who may open one, before it is open (RFC 6455 section 4.2). */
import { STATUS_CODES } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { requestIdFrom, requestIdHeader } from '../../subgraphs/kit/request-id.ts'
import { GatewayError } from '../errors.ts'
import { isObject } from '../values/json.ts'
import type { Realm } from '../http/bearer-challenge.ts'
import { errorResponse } from '../http/error-response.ts'
import type { HttpRequest, HttpResponse, RequestHeaders } from '../http/http-message.ts'
import type { RequestOrigin } from '../http/client-address.ts'
import { stringOf } from '../graphql/response-data.ts'
import type { CallerSession } from './caller-session.ts'
import { closeCodes } from './close-codes.ts'
import type { LiveObserver } from './live-observer.ts'
import type { LiveConnections } from './live-connections.ts'
import { WebSocketConnection } from './websocket-connection.ts'
import type { WebSocketConnectionOptions } from './websocket-connection.ts'

export interface WebSocketUpgradeParts extends Omit<
  WebSocketConnectionOptions,
  'open' | 'onClosed' | 'credentialsOf'
> {
  /** Undefined: WebSockets are not served. */
  readonly connections: LiveConnections | undefined
  /** Returns the session of the caller that the headers identify; rejects with a GatewayError. */
  readonly connect: (request: HttpRequest) => Promise<CallerSession>
  readonly originOf: (request: IncomingMessage) => RequestOrigin
  /** The headers, in lower case, that may hold credentials. */
  readonly credentialHeaders: readonly string[]
  /** Of whose pages a WebSocket is accepted, besides those of the gateway's own host. */
  readonly cors:
    | { readonly origins: '*' | readonly (string | RegExp)[]; readonly credentials: boolean }
    | undefined
  /** The largest message, in bytes. */
  readonly messageLimit: number
  /** Described in `WWW-Authenticate`. */
  readonly realm: Realm
  readonly observer: LiveObserver
  /** Called for a connection that has ended, with the code and the reason of its close. */
  readonly onClosed?: ((code: number, reason: string) => void) | undefined
  /** Called with what is no refusal, but a fault of ours. */
  readonly onFailure: (cause: unknown) => void
}

const subprotocol = 'graphql-transport-ws'

/** Handles a request that asks for a WebSocket. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Returns the function that opens WebSockets, or responds with a refusal. */
export function webSocketUpgrade(parts: WebSocketUpgradeParts): Upgrade {
  const { connections, connect, realm } = parts
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: parts.messageLimit,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  })

  return (request, socket, head) => {
    socket.on('error', () => socket.destroy())
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
    if (!connections) throw new GatewayError('SUBSCRIPTIONS_NOT_SUPPORTED')
    const headers = admittedHeaders(request)
    const ofConnection: HttpRequest = {
      method: 'POST',
      search: '',
      body: noBody,
      headers,
      ...origin,
      isConnection: true,
    }
    const session = hasCredential(headers) ? await connect(ofConnection) : undefined
    // A socket that has been closed meanwhile says so no more: it would be counted for ever.
    if (socket.destroyed) return session?.close()
    let connection: WebSocketConnection | undefined
    let remove: () => void
    try {
      remove = connections.add({
        tick: (now) => connection?.tick(now),
        restart: () => (connection ? connection.restart() : socket.destroy()),
      })
    } catch (error) {
      session?.close()
      throw error
    }
    // Before the handshake has ended, only the socket knows that the client has gone.
    const giveUp = () => {
      if (connection) return
      remove()
      session?.close()
    }
    socket.once('close', giveUp)
    server.handleUpgrade(request, socket, head, (opened) => {
      parts.observer.connected('websocket')
      connection = new WebSocketConnection(opened, {
        ...parts,
        open: (payload) => identify(ofConnection, payload, session),
        credentialsOf: (payload) => onlyCredentials(headers, payload),
        onClosed(code, reason) {
          remove()
          session?.close()
          parts.observer.disconnected('websocket')
          parts.onClosed?.(code, reason)
        },
      })
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
    const headers = withCredentials(request.headers, payload)
    if (!session) return connect({ ...request, headers })
    if (headers === request.headers) return session
    session.close()
    return connect({ ...request, headers })
  }

  function hasCredential(headers: RequestHeaders): boolean {
    return parts.credentialHeaders.some((name) => headers[name]?.some((value) => value.trim()))
  }

  /**
   * Returns the headers that count. No browser asks before it opens a WebSocket for a page, and it sends
   * the cookies along: the origin is checked here (RFC 6455 section 10.2). No page can set a header.
   */
  function admittedHeaders(request: IncomingMessage): RequestHeaders {
    const { headersDistinct: headers } = request
    const { origin, host } = request.headers
    if (origin === undefined || hasCredential(headers) || isOfHost(origin, host)) return headers
    const { cors } = parts
    const isAllowed =
      cors?.origins === '*' ||
      cors?.origins.some((allowed) =>
        typeof allowed === 'string' ? allowed === origin : allowed.test(origin),
      )
    if (!isAllowed) throw new GatewayError('ORIGIN_REFUSED')
    return cors?.credentials ? headers : { ...headers, cookie: undefined }
  }

  function withCredentials(
    headers: RequestHeaders,
    payload: Readonly<Record<string, unknown>>,
  ): RequestHeaders {
    const added = credentialsIn(payload)
    if (added.length === 0) return headers
    const all: Record<string, readonly string[] | undefined> = { ...headers }
    // Two that differ are ambiguous, as two headers are.
    for (const [name, value] of added) all[name] = [...new Set([...(all[name] ?? []), value])]
    return all
  }

  /** Returns the headers of a request with the credentials of a payload, and without its own; undefined without any. */
  function onlyCredentials(
    headers: RequestHeaders,
    payload: Readonly<Record<string, unknown>>,
  ): RequestHeaders | undefined {
    const own = ['cookie', ...parts.credentialHeaders].map((name) => [name, undefined])
    const others: RequestHeaders = { ...headers, ...Object.fromEntries(own) }
    const given = withCredentials(others, payload)
    return hasCredential(given) ? given : undefined
  }

  function credentialsIn(payload: Readonly<Record<string, unknown>>) {
    const given = [payload, isObject(payload['headers']) ? payload['headers'] : {}]
    return given
      .flatMap((record) => Object.entries(record))
      .filter(([name, value]) => typeof value === 'string' && isCredential(name))
      .map(([name, value]) => [name.toLowerCase(), value as string] as const)
  }

  function isCredential(name: string): boolean {
    return parts.credentialHeaders.includes(name.toLowerCase())
  }
}

const noBody = new Uint8Array()

function isOfHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
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
