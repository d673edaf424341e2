/** A server that only its own process knows, for as long as a warm-up takes. */
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LocalServer {
  readonly origin: string
  /** Serves a path from now on; the connection of a request for any other path is closed. */
  serve(path: string, listener: RequestListener): void
  /** Ends all connections. */
  close(): void
}

/** Returns once the server is listening on this machine, at a port that the system has chosen. */
export async function localServer(): Promise<LocalServer> {
  const listeners = new Map<string | undefined, RequestListener>()
  const server = createServer((request, response) => {
    const listener = listeners.get(request.url)
    if (!listener) return void response.destroy()
    listener(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // Without `exclusive`, all workers of a cluster would share the port, and receive each other's requests.
    server.listen({ host: '127.0.0.1', port: 0, exclusive: true }, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    serve: (path, listener) => void listeners.set(path, listener),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
