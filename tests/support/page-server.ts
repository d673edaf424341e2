/** A server of an HTML page, in front of a gateway as nginx would be: both have one origin. */
import { createServer, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

export interface PageServer {
  readonly origin: string
  readonly page: string
  close(): Promise<void>
}

/** @param gateway the origin to which everything but the page is forwarded; left out: to none */
export async function servePage(html: string, gateway?: string): Promise<PageServer> {
  const server = createServer((incoming, response) => {
    if (gateway === undefined || incoming.url === '/page') {
      return void response.setHeader('content-type', 'text/html').end(html)
    }
    const { method, url, headers } = incoming
    const forwarded = request(`${gateway}${url}`, { method, headers }, (received) => {
      response.writeHead(received.statusCode!, received.headers).flushHeaders()
      received.pipe(response)
    })
    forwarded.on('error', () => response.destroy())
    response.on('close', () => forwarded.destroy())
    incoming.pipe(forwarded)
  })
  server.on('upgrade', (incoming, socket, head) => {
    if (gateway === undefined) return void socket.destroy()
    forwardUpgrade(new URL(gateway), incoming, socket, head)
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    page: `${origin}/page`,
    close() {
      server.closeAllConnections()
      return new Promise((closed) => void server.close(() => closed()))
    },
  }
}

/** Sends the request as it came, then the bytes of both sides. */
function forwardUpgrade(gateway: URL, incoming: IncomingMessage, client: Duplex, head: Buffer) {
  const { method, url, rawHeaders } = incoming
  const lines = rawHeaders.flatMap((text, index) =>
    index % 2 === 0 ? [`${text}: ${rawHeaders[index + 1]}`] : [],
  )
  const upstream = connect(Number(gateway.port), gateway.hostname)
  upstream.write([`${method} ${url} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
  upstream.write(head)
  upstream.pipe(client).pipe(upstream)
  upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
  client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
}
