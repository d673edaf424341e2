/** Responds to malformed and incomplete HTTP requests on the socket, as JSON like all responses. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { requestIdFrom, requestIdHeader } from '../request-id.ts'

/** By code of Node's errors; 400 for all others. */
const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

const body = JSON.stringify({ error: 'invalid_request' })

/** Where Node keeps the response in progress. */
interface Responding {
  readonly _httpMessage?: { readonly headersSent?: boolean } | null
}

/** Responds to requests that the server's parser refuses. */
export function respondToUnreadableRequests(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const isResponding = (socket as Socket & Responding)._httpMessage?.headersSent
    if (error.code === 'ECONNRESET' || !socket.writable || isResponding) return socket.destroy()
    const head = [
      `HTTP/1.1 ${statuses[error.code ?? ''] ?? '400 Bad Request'}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${body.length}`,
      'connection: close',
      `${requestIdHeader}: ${requestIdFrom(undefined)}`,
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  })
}
