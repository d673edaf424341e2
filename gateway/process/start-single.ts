/** From configuration to a listening gateway, in one process. */
import { listen } from '../../subgraphs/kit/process/listen.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { systemClock } from '../authentication/clock.ts'
import { documentFetcher } from '../authentication/fetch-document.ts'
import { sharedDocuments } from '../authentication/shared-documents.ts'
import {
  clientListenOptions,
  connectionLimits,
  drainClients,
  drainTimes,
} from './client-connections.ts'
import { listenForCallbacks } from './callback-port.ts'
import type { AccessLogOutput } from './access-log-output.ts'
import type { CommandLine } from './command-line.ts'
import { runInSlices } from '../slices.ts'
import { labelledOperations } from '../telemetry/operation-labels.ts'
import { usageCounter } from '../telemetry/usage-counter.ts'
import { usageTotals } from '../telemetry/usage-totals.ts'
import { countsUsage, listenForMetrics } from './metrics-port.ts'
import { createReloadableGateway } from './hot-reload.ts'
import { primaryMetrics } from './metrics.ts'
import type { GatewaySettings } from './configured-gateway.ts'
import { keptOperations } from './warm-up/kept-operations.ts'
import { operationCounter, reportPeriod } from './warm-up/operation-counts.ts'
import { openSupergraph } from './open-supergraph.ts'

export interface StartGatewayOptions extends Omit<CommandLine, 'config' | 'accessLog'> {
  readonly settings: GatewaySettings
  /** Gets the lines of the access log; default: there is none. */
  readonly accessLog?: AccessLogOutput | undefined
}

/** A running gateway, with settings that can be replaced without losing a request. */
export interface RunningGateway extends RunningProcess {
  /** Rejects when the settings cannot be used; the gateway then keeps its current ones. */
  reload(settings: GatewaySettings): Promise<void>
  /** Counts a configuration that could not be used. */
  configurationRefused(): void
}

/** Returns once the gateway accepts connections; throws a StartFailure for problems that an operator has to correct. */
export async function startGateway(options: StartGatewayOptions): Promise<RunningGateway> {
  const { settings, log } = options
  const callbackPort = await listenForCallbacks(settings.config, log)
  const documents = documentFetcher()
  // Settings that replace others begin with what these have fetched: the issuer may be down.
  const fetch = sharedDocuments(documents.fetch, systemClock)
  const supergraph = await openSupergraph(options)
  const usages = usageTotals()
  const usage = usageCounter(usages.add)
  const kept = keptOperations({
    directory: options.dataDirectory,
    location: options.supergraph,
    log,
  })
  const counter = operationCounter()
  const keepCounts = () => kept.add(counter.take())
  const keeping = setInterval(keepCounts, reportPeriod).unref()
  const gateway = await createReloadableGateway(settings, {
    ...options,
    callbacks: callbackPort?.callbacks,
    supergraph: supergraph.source,
    documents: { fetch, close: async () => {} },
    addOperation: labelledOperations(),
    usage,
    operations: { ...counter, earlier: kept.earlier },
  }).catch(async (cause: unknown) => {
    await Promise.all([callbackPort?.close(), supergraph.close(), documents.close()])
    throw cause
  })
  const listening = await listen(
    gateway.listener,
    clientListenOptions(options.listen, settings, { upgrade: gateway.upgrade, log }),
  )
  const refused = primaryMetrics(gateway.registry, { serving: () => 1, ended: () => 0 })
  const metrics = await listenForMetrics(settings.config, log, {
    metrics: () => gateway.registry.metrics(),
    async usage() {
      if (!countsUsage(gateway.settings().config)) return undefined
      usage.flush()
      return runInSlices(usages.report())
    },
  })

  return {
    url: `${listening.origin}/graphql`,
    async reload(settings) {
      await supergraph.reconfigured(settings.config.supergraph, () => gateway.prepare(settings))
      const countedBefore = countsUsage(gateway.settings().config)
      gateway.adopt()
      if (!countedBefore) usages.restart()
      listening.adjust(connectionLimits(settings))
    },
    configurationRefused: () => refused.inc(),
    async close() {
      gateway.announceStop()
      await drainClients(listening, drainTimes(gateway.settings()), {
        restartLive: gateway.restartLive,
        log,
      })
      await metrics?.close()
      await gateway.close()
      await callbackPort?.close()
      clearInterval(keeping)
      keepCounts()
      await kept.close()
      await documents.close()
      await supergraph.close()
    },
  }
}
