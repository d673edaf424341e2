import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StartFailure } from './start-failure.ts'

export interface ListenOptions {
  host: string
  /** 0 lets the system choose. */
  port: number
  /** What the operator sets to choose another port, for the message when this one is taken. */
  portSetting: string
}

/** A server that is accepting connections. */
export interface Listening {
  /** Without a trailing slash: `http://127.0.0.1:4000`. */
  readonly origin: string
  readonly server: Server
  /** Answers the requests under way, and closes each connection as soon as it has none left. */
  close(): Promise<void>
}

/** How long requests under way may take once the process has been told to stop, in milliseconds. */
const drainTime = 5_000
/** How often connections without a request are closed meanwhile, in milliseconds. */
const sweepPeriod = 100

/** Returns once the port accepts connections; a taken or forbidden port is a StartFailure. */
export async function listen(handler: RequestListener, options: ListenOptions): Promise<Listening> {
  const server = createServer(handler)
  // Past its default of 1,000, Node drops headers without a word, credentials among them. That all of
  // them together have at most 16 KB is limit enough.
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
  // A client that reuses its connection would send one request after another until the cut.
  server.prependListener('request', (_request, response) => {
    response.setHeader('connection', 'close')
  })
  const cutOff = setTimeout(() => server.closeAllConnections(), drainTime)
  // Closing ends the connections that have no request at that moment: the busy ones get one before.
  await new Promise((resolve) => setTimeout(resolve, sweepPeriod))
  const sweep = setInterval(() => server.closeIdleConnections(), sweepPeriod)
  await new Promise((resolve) => server.close(resolve))
  clearTimeout(cutOff)
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
