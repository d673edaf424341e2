import { isDeepStrictEqual } from 'node:util'
import { failureLine } from '../../subgraphs/kit/process/run-process.ts'
import { oneAtATime } from '../supergraph/one-at-a-time.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import type { CommandLine } from './command-line.ts'
import type { GatewaySettings } from './configured-gateway.ts'
import { readGatewaySettings } from './read-settings.ts'
import type { RunningGateway } from './start-single.ts'

/** Processes and ports stay as they were at the start. */
const atStartOnly = {
  workers: ({ workers }: GatewayConfig) => workers,
  metrics: ({ metrics }: GatewayConfig) => metrics,
  'subscriptions.callback': ({ subscriptions }: GatewayConfig) => subscriptions.callback,
}

/**
 * Reads the settings again on SIGHUP; the gateway keeps its current ones if they cannot be used. Returns the
 * function that begins with it, for a gateway that runs: a signal that comes before would otherwise end the
 * process, and is followed then.
 */
export function reloadOnSighup({ config, log }: CommandLine) {
  let isRequested = false
  let request = (): void => {
    isRequested = true
  }
  process.on('SIGHUP', () => request())

  return (running: RunningGateway, atStart: GatewaySettings): void => {
    const reloading = oneAtATime(async () => {
      try {
        const settings = readGatewaySettings(config, log)
        await running.reload(settings)
        log.info({ config }, 'serving with the new configuration')
        const later = Object.entries(atStartOnly)
          .filter(([, of]) => !isDeepStrictEqual(of(settings.config), of(atStart.config)))
          .map(([key]) => key)
        if (later.length > 0) log.warn({ settings: later }, 'these settings need a restart')
      } catch (cause) {
        running.configurationRefused()
        log.error({ reason: failureLine(cause) }, 'still serving with the last good configuration')
      }
    })
    request = reloading.request
    if (isRequested) request()
  }
}
