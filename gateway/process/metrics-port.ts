import type { Logger } from 'pino'
import { listen } from '../../subgraphs/kit/process/listen.ts'
import type { Listening } from '../../subgraphs/kit/process/listen.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { metricsHandler } from '../http/metrics-handler.ts'
import type { MetricsSources } from '../http/metrics-handler.ts'

/** Returns the listening port of the metrics, if the configuration has one. */
export async function listenForMetrics(
  { metrics }: GatewayConfig,
  log: Logger,
  sources: MetricsSources,
): Promise<Listening | undefined> {
  if (!metrics) return undefined
  const listening = await listen(metricsHandler(sources), {
    ...metrics,
    portSetting: 'metrics.port in the configuration',
  })
  log.info({ url: `${listening.origin}/metrics` }, 'serving metrics')
  return listening
}

/** Returns whether usage is counted: not where there is no port to read it from. */
export function countsUsage({ metrics, telemetry }: GatewayConfig): boolean {
  return metrics !== undefined && telemetry.usage
}
