/** How long clients may keep a connection and take for a request, and how many connections there may be. */
import type { Server } from 'node:http'

export interface ConnectionLimits {
  /** How long a connection without a request is kept, in milliseconds. */
  readonly keepAlive: number
  /** How long the headers of a request may take to arrive, in milliseconds. */
  readonly headers: number
  /** How long a whole request may take to arrive, from its first byte, in milliseconds. */
  readonly request: number
  /** How many connections there may be; others are closed at once. */
  readonly connections: number
}

/**
 * Balancers keep connections for 60 seconds (AWS, nginx) or less: a server that closes one before them
 * loses the request that is on its way.
 */
export const defaultLimits: ConnectionLimits = {
  keepAlive: 75_000,
  headers: 10_000,
  request: 30_000,
  connections: 10_000,
}

/** How often Node looks for requests that take too long, in milliseconds; 30 s would be its default. */
export const checkPeriod = 1_000

/** How often it is reported that connections are refused, in milliseconds. */
const reportPeriod = 10_000

export interface LimitedConnections {
  /** Applies other limits to all connections from now on. */
  adjust(limits: ConnectionLimits): void
}

/** Applies the limits to the server, and calls the function when connections are refused, now and then. */
export function limitConnections(
  server: Server,
  limits: ConnectionLimits,
  onRefused: (limit: number) => void,
): LimitedConnections {
  let most: number
  let count = 0
  let reportedAt = -Infinity

  // Not server.maxConnections: with several workers, Node passes what one of them refuses to another,
  // without end when all of them are full.
  server.prependListener('connection', (socket) => {
    count++
    socket.once('close', () => count--)
    if (count <= most) return
    socket.destroy()
    if (performance.now() - reportedAt < reportPeriod) return
    reportedAt = performance.now()
    onRefused(most)
  })

  adjust(limits)
  return { adjust }

  function adjust({ keepAlive, headers, request, connections }: ConnectionLimits): void {
    server.keepAliveTimeout = keepAlive
    server.headersTimeout = headers
    server.requestTimeout = request
    most = connections
  }
}
