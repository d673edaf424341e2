/** How the gateway keeps and ends the connections of its clients. */
import type { Logger } from 'pino'
import type { ConnectionLimits } from '../../subgraphs/kit/process/connection-limits.ts'
import { announcedDrain, promptDrain } from '../../subgraphs/kit/process/drain.ts'
import type { DrainTimes } from '../../subgraphs/kit/process/drain.ts'
import type { ListenOptions, Listening } from '../../subgraphs/kit/process/listen.ts'
import type { GatewaySettings } from './configured-gateway.ts'

/** Returns the limits that the settings have for connections. */
export function connectionLimits({ config }: GatewaySettings): ConnectionLimits {
  const { keepAlive, timeouts, connections } = config.http
  return { keepAlive, ...timeouts, connections }
}

/** Returns how long stopping takes: outside production there is no balancer that has to notice it. */
export function drainTimes({ config, production }: GatewaySettings): DrainTimes {
  const { announce, finish } = config.http.drain
  return { announce: announce ?? (production ? announcedDrain : promptDrain).announce, finish }
}

/** Returns the options for listening to clients. */
export function clientListenOptions(
  listen: ListenOptions,
  settings: GatewaySettings,
  { upgrade, log }: { upgrade: ListenOptions['upgrade']; log: Logger },
): ListenOptions {
  return {
    ...listen,
    upgrade,
    limits: connectionLimits(settings),
    onConnectionsRefused: (limit) =>
      log.warn({ limit }, 'connections are refused: http.connections is reached'),
  }
}

/** Stops listening to clients; the log says how long that may take, and which requests took longer. */
export async function drainClients(
  listening: Listening,
  times: DrainTimes,
  { restartLive, log }: { restartLive: (longest: number) => Promise<void>; log: Logger },
): Promise<void> {
  // Without an announcement it takes no time that needs an explanation.
  log[times.announce > 0 ? 'info' : 'debug'](
    times,
    'stopping: waiting for the requests in progress',
  )
  const [cutOff] = await Promise.all([listening.close(times), endLive()])
  if (cutOff > 0) log.warn({ requests: cutOff }, 'requests were cut off: they took too long')

  /** The server does not end before its WebSockets have. Those that come back go to others by then. */
  async function endLive(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, times.announce))
    await restartLive(times.finish / 2)
  }
}
