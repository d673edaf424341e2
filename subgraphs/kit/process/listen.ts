import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkPeriod, defaultLimits, limitConnections } from './connection-limits.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import { drainable, promptDrain } from './drain.ts'
import type { DrainTimes } from './drain.ts'
import { asksForWebSocket, ignoreUpgrade } from './ignore-upgrade.ts'
import { StartFailure } from './start-failure.ts'
import { respondToUnreadableRequests } from './unreadable-requests.ts'

export interface ListenOptions {
  host: string
  /** 0 lets the system choose. */
  port: number
  /** The setting for another port, for the message if this one is taken. */
  portSetting: string
  limits?: ConnectionLimits | undefined
  /** Handles requests for a WebSocket; left out: they get the response of any other request. */
  upgrade?: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined
  /** Called now and then while connections are refused because there are too many. */
  onConnectionsRefused?: ((limit: number) => void) | undefined
}

/** A server that is accepting connections. */
export interface Listening {
  /** Without a trailing slash: `http://127.0.0.1:4000`. */
  readonly origin: string
  readonly server: Server
  /** Applies other limits to all connections from now on. */
  adjust(limits: ConnectionLimits): void
  /** Completes the requests in progress and stops; returns how many were cut off because they took too long. */
  close(times?: DrainTimes): Promise<number>
}

/** Returns once the port accepts connections; throws a StartFailure if it is taken or forbidden. */
export async function listen(handler: RequestListener, options: ListenOptions): Promise<Listening> {
  const { limits = defaultLimits, onConnectionsRefused = () => {} } = options
  const server = createServer({ connectionsCheckingInterval: checkPeriod }, handler)
  const { adjust } = limitConnections(server, limits, onConnectionsRefused)
  const drain = drainable(server)
  const { upgrade } = options
  if (upgrade) {
    server.on('upgrade', (request, socket, head) => {
      if (asksForWebSocket(request)) upgrade(request, socket, head)
      else ignoreUpgrade(server, request, socket, head)
    })
  }
  respondToUnreadableRequests(server)
  // Beyond its default of 1,000, Node silently drops headers, credentials among them. The limit of 16 KB
  // for all headers together is sufficient.
  server.maxHeadersCount = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(listenFailure(cause, options)))
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    origin: `http://${host}:${port}`,
    server,
    adjust,
    close: (times = promptDrain) => drain(times),
  }
}

function listenFailure(cause: NodeJS.ErrnoException, options: ListenOptions): StartFailure {
  const { host, port, portSetting } = options
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is already in use: stop what uses it, or set ${portSetting} to a free port`,
    EACCES: `port ${port} on ${host} needs more rights than this user has: set ${portSetting} to a port above 1023`,
    EADDRNOTAVAIL: `${host} is not an address of this machine: set HOST to one that is`,
    ENOTFOUND: `${host} is not a known host name: set HOST to an address of this machine`,
  }
  const reason = reasons[cause.code ?? ''] ?? `cannot listen on ${host}:${port} (${cause.code})`
  return new StartFailure(reason, { cause })
}
