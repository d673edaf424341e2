import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StartFailure } from './start-failure.ts'

export interface ListenOptions {
  host: string
  /** 0 lets the system choose. */
  port: number
  /** The setting for another port, for the message if this one is taken. */
  portSetting: string
}

/** A server that is accepting connections. */
export interface Listening {
  /** Without a trailing slash: `http://127.0.0.1:4000`. */
  readonly origin: string
  readonly server: Server
  /** Completes the requests in progress, and closes each connection once it has none left. */
  close(): Promise<void>
}

/** How long requests in progress may take once the process is stopping, in milliseconds. */
const drainTime = 5_000
/** How often idle connections are closed meanwhile, in milliseconds. */
const sweepPeriod = 100

/** Returns once the port accepts connections; throws a StartFailure if it is taken or forbidden. */
export async function listen(handler: RequestListener, options: ListenOptions): Promise<Listening> {
  const server = createServer(handler)
  // Beyond its default of 1,000, Node silently drops headers, credentials among them. The limit of 16 KB
  // for all headers together is sufficient.
  server.maxHeadersCount = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(listenFailure(cause, options)))
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return { origin: `http://${host}:${port}`, server, close: () => close(server) }
}

async function close(server: Server): Promise<void> {
  // A client that reuses its connection would send one request after another until the forced close.
  server.prependListener('request', (_request, response) => {
    response.setHeader('connection', 'close')
  })
  const forcedClose = setTimeout(() => server.closeAllConnections(), drainTime)
  // Closing ends only the connections that are idle at that moment: the busy ones get `close` before.
  await new Promise((resolve) => setTimeout(resolve, sweepPeriod))
  const sweep = setInterval(() => server.closeIdleConnections(), sweepPeriod)
  await new Promise((resolve) => server.close(resolve))
  clearTimeout(forcedClose)
  clearInterval(sweep)
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
