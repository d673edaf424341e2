/** A server that publishes a supergraph, in all the ways in which such servers behave and fail. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SupergraphServer {
  readonly url: string
  /** What it publishes, by path; undefined: 404. */
  readonly files: Map<string, string>
  /** Responds instead of the file; undefined: the file. */
  behave: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** The requests so far: path, headers, and the status of the response. */
  readonly requests: { path: string; headers: IncomingMessage['headers']; status: number }[]
  /** Stops listening, and ends all connections. */
  stop(): Promise<void>
  /** Listens again on the same port. */
  start(): Promise<void>
}

export const supergraphPath = '/supergraph.graphql'
export const signaturePath = '/supergraph.graphql.jws'

/** Starts a server that publishes that text. */
export async function startSupergraphServer(text?: string): Promise<SupergraphServer> {
  const files = new Map<string, string>()
  if (text !== undefined) files.set(supergraphPath, text)
  const requests: SupergraphServer['requests'] = []
  const server = createServer((request, response) => {
    const path = request.url!.split('?')[0]!
    response.on('close', () =>
      requests.push({ path, headers: request.headers, status: response.statusCode }),
    )
    if (running.behave) return running.behave(request, response)
    const content = files.get(path)
    if (content === undefined) return void response.writeHead(404).end()
    const etag = `"${createHash('sha256').update(content).digest('hex')}"`
    response.setHeader('etag', etag)
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end()
    response.end(content)
  })
  const listen = (port: number) =>
    new Promise<void>((ready) => server.listen(port, '127.0.0.1', ready))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const running: SupergraphServer = {
    url: `http://127.0.0.1:${port}${supergraphPath}?key=a-secret-of-the-url`,
    files,
    behave: undefined,
    requests,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
    start: () => listen(port),
  }
  return running
}
