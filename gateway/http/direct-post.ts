/**
 * `POST /graphql` without a web framework, for nearly all requests. Unusual requests are handled by
 * Express, with the same response.
 */
import type { IncomingMessage, RequestListener } from 'node:http'
import { distinctHeaders } from './distinct-headers.ts'
import type { ReportForwardedAddress } from './forwarded-address.ts'
import type { HttpResponse, HttpRequest } from './http-message.ts'
import { requestSignal } from './request-signal.ts'
import type { SendResponse } from './send-response.ts'

export interface DirectPostParts {
  /** Returns the response to a request to /graphql; never rejects. */
  respond: (request: HttpRequest) => Promise<HttpResponse>
  send: SendResponse
  /** The largest request body that is read, in bytes. */
  bodyLimit: number
  /** How long a response may take, in milliseconds. */
  deadline: number
  /** Headers that count if a trusted proxy sent them: Express knows which proxies are. */
  proxyHeaders: readonly string[]
  /** Called with a request with an untrusted X-Forwarded-For. */
  onForwardedAddress: ReportForwardedAddress
  otherwise: RequestListener
}

/** Returns the listener for an HTTP server. */
export function directPost(parts: DirectPostParts): RequestListener {
  const { respond, send, bodyLimit, deadline, proxyHeaders, otherwise } = parts

  return (request, response) => {
    const length = plainLength(request)
    if (length === undefined) return otherwise(request, response)
    if (request.headers['x-forwarded-for'] !== undefined) parts.onForwardedAddress(request)
    const body = Buffer.allocUnsafe(length)
    let received = 0
    request.on('data', (chunk: Buffer) => (received += chunk.copy(body, received)))
    request.on('end', () => {
      if (received !== length) return response.destroy()
      respond({
        method: 'POST',
        search: '',
        headers: distinctHeaders(request),
        body,
        clientAddress: request.socket.remoteAddress,
        signal: requestSignal(response, deadline),
      }).then((content) => send(request, response, content))
    })
  }

  /** The length of the body, when the request has nothing that Express and its parts look at. */
  function plainLength({ method, url, headers }: IncomingMessage): number | undefined {
    if (method !== 'POST' || url !== '/graphql') return undefined
    const length = headers['content-length']
    if (length === undefined || Number(length) > bodyLimit) return undefined
    if (headers.origin || headers['content-encoding'] || headers['transfer-encoding'])
      return undefined
    if (proxyHeaders.some((name) => headers[name])) return undefined
    return Number(length)
  }
}
