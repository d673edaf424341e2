import { isDeepStrictEqual } from 'node:util'
import { failureLine } from '../../subgraphs/kit/process/run-process.ts'
import { oneAtATime } from '../supergraph/one-at-a-time.ts'
import type { CommandLine } from './command-line.ts'
import type { GatewaySettings } from './configured-gateway.ts'
import { readGatewaySettings } from './read-settings.ts'
import type { RunningGateway } from './start-single.ts'

/** Processes and ports stay as they were at the start. */
const atStartOnly = ['workers', 'metrics'] as const

/** Reads the settings again on SIGHUP; the gateway keeps its current ones if they cannot be used. */
export function reloadOnSighup(
  running: RunningGateway,
  { config, log }: CommandLine,
  atStart: GatewaySettings,
): void {
  const reloading = oneAtATime(async () => {
    try {
      const settings = readGatewaySettings(config, log)
      await running.reload(settings)
      log.info({ config }, 'serving with the new configuration')
      const later = atStartOnly.filter(
        (key) => !isDeepStrictEqual(settings.config[key], atStart.config[key]),
      )
      if (later.length > 0) log.warn({ settings: later }, 'these settings need a restart')
    } catch (cause) {
      running.configurationRefused()
      log.error({ reason: failureLine(cause) }, 'still serving with the last good configuration')
    }
  })
  process.on('SIGHUP', reloading.request)
}
