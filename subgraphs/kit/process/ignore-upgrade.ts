/** Requests that ask for another protocol, such as h2c, where the server speaks only WebSocket and HTTP/1.1. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

/** Those about the connection to another protocol (RFC 9110 section 7.8, RFC 7540 section 3.2.1). */
const ofUpgrade = ['upgrade', 'connection', 'http2-settings']

/** Returns whether a request asks for a WebSocket. */
export function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Lets the server read a request again as if it had not asked for another protocol: a server may ignore that
 * (RFC 9110 section 7.8), but Node stops reading a request that does once it serves any upgrades.
 */
export function ignoreUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { method, url, httpVersion, rawHeaders } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (!ofUpgrade.includes(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1]}`)
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}
