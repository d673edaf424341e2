/** What is no HTTP request, or has no end: answered on the socket, as JSON like everything else. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Of Node's errors; 400 for all others. */
const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

const body = JSON.stringify({ error: 'invalid_request' })

/** What Node keeps of a response that is under way. */
interface Responding {
  readonly _httpMessage?: { readonly headersSent?: boolean } | null
}

/** Answers what the server's parser refuses. */
export function answerUnreadableRequests(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const isResponding = (socket as Socket & Responding)._httpMessage?.headersSent
    if (error.code === 'ECONNRESET' || !socket.writable || isResponding) return socket.destroy()
    const head = [
      `HTTP/1.1 ${statuses[error.code ?? ''] ?? '400 Bad Request'}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${body.length}`,
      'connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  })
}
