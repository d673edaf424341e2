/** Several gateway processes behind one port. The primary starts and replaces them, and serves none. */
import cluster from 'node:cluster'
import { Registry } from 'prom-client'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { systemClock } from '../authentication/clock.ts'
import { documentFetcher } from '../authentication/fetch-document.ts'
import { sharedDocuments } from '../authentication/shared-documents.ts'
import { runInSlices } from '../slices.ts'
import { labelledOperations } from '../telemetry/operation-labels.ts'
import { usageTotals } from '../telemetry/usage-totals.ts'
import { drainTimes } from './client-connections.ts'
import { withServingOptions } from './memory-settings.ts'
import { primaryMetrics } from './metrics.ts'
import { countsUsage, listenForMetrics } from './metrics-port.ts'
import { keptOperations } from './warm-up/kept-operations.ts'
import { openSupergraph } from './open-supergraph.ts'
import type { RegisteredText } from './operations/registered-texts.ts'
import { fetchedManifests, manifestsForWorkers } from './operations/remote-manifest.ts'
import type { RunningGateway, StartGatewayOptions } from './start-single.ts'
import { sharedBuckets } from './shared-buckets.ts'
import { workerCounts } from './worker-counts.ts'
import { serving, workerPool } from './worker-pool.ts'
import type { WorkerProcess } from './worker-process.ts'
import { fetchProcedure } from './worker-protocol.ts'
import { adoptAll, bringUpToDate, prepareAll } from './worker-reload.ts'

export interface StartWorkersOptions extends Pick<
  StartGatewayOptions,
  'supergraph' | 'dataDirectory' | 'settings' | 'log'
> {
  /** How many workers serve. */
  count: number
  /** The module that a worker runs. */
  module: string
  /** Called when workers keep ending, so that none serves. */
  giveUp: (sentence: string) => void
  /** Called with what stops the workers: one may have clients while others start. */
  closeBy: (close: () => Promise<void>) => void
}

/** Returns once all workers accept connections; throws a StartFailure for problems that an operator has to correct. */
export async function startWorkers(options: StartWorkersOptions): Promise<RunningGateway> {
  const { count, module, giveUp, log } = options
  let { settings } = options
  const currentSettings = () => settings
  const workers = new Set<WorkerProcess>()
  const counts = workerCounts()
  const usages = usageTotals()
  const documents = documentFetcher()
  const { feed, ...supergraph } = await openSupergraph(options)
  const operations = keptOperations({
    directory: options.dataDirectory,
    location: options.supergraph,
    log,
  })
  feed?.onChange(() => {
    for (const { call } of workers) call('supergraph', feed.state()).catch(() => {})
  })
  const manifests = manifestsForWorkers(fetchedManifests(options), (changed) => {
    for (const { call } of workers) call('manifest', changed).catch(() => {})
  })
  const keepManifests = () => manifests.keepOnly(settings.config.operations.manifests)
  const procedures = {
    ...manifests.procedures,
    registerText: async (registered: RegisteredText) => {
      const told = serving(workers).map(({ call }) => call('textRegistered', registered))
      await Promise.allSettled(told)
    },
    settings: currentSettings,
    fetch: fetchProcedure(sharedDocuments(documents.fetch, systemClock)),
    supergraph: () => feed?.state(),
    lastGoodSupergraph: supergraph.record.lastGood,
    lastSignedSupergraph: supergraph.record.lastSigned,
    supergraphServed: supergraph.record.served,
    served: () => counts.served(serving(workers)),
    unreadiness: () => unreadinessOf(serving(workers)),
    addOperation: labelledOperations(),
    usage: usages.add,
    earlierOperations: operations.earlier,
    operationCounts: operations.add,
    grantPoints: sharedBuckets(settings.config.rates.memory).grant,
  }
  const pool = workerPool({ workers, procedures, counts, giveUp, log })

  cluster.setupPrimary({
    exec: module,
    args: process.argv.slice(2),
    execArgv: withServingOptions(process.execArgv),
    serialization: 'advanced',
  })
  options.closeBy(() => pool.stop(drainTimes(settings)))
  const origin = await pool.start(count)
  const ownMetrics = new Registry()
  const refused = primaryMetrics(ownMetrics, {
    serving: () => serving(workers).length,
    ended: counts.ended,
  })
  const metrics = await listenForMetrics(settings.config, log, {
    metrics: async () => counts.metrics(serving(workers), await ownMetrics.getMetricsAsJSON()),
    async usage() {
      if (!countsUsage(settings.config)) return undefined
      // A worker that does not respond in time has reported until a few seconds ago.
      await Promise.allSettled(serving(workers).map(({ probes }) => probes.reportUsage()))
      return runInSlices(usages.report())
    },
  })
  log.info({ processes: [...workers].map(({ pid }) => pid) }, 'serving with several processes')

  return {
    url: `${origin}/graphql`,
    async reload(next) {
      const prepared = serving(workers)
      const prepareNext = () => prepareAll(prepared, next)
      await supergraph.reconfigured(next.config.supergraph, prepareNext).catch(async (cause) => {
        await keepManifests()
        throw cause
      })
      if (pool.isStopping) throw new StartFailure('the gateway is stopping')
      const countedBefore = countsUsage(settings.config)
      settings = next
      await adoptAll(prepared, next)
      if (!countedBefore) usages.restart()
      const late = serving(workers).map((worker) => bringUpToDate(worker, currentSettings, log))
      await Promise.all(late)
      await keepManifests()
    },
    configurationRefused: () => refused.inc(),
    async close() {
      await pool.stop(drainTimes(settings))
      await operations.close()
      await metrics?.close()
      await documents.close()
      await manifests.keepOnly([])
      await supergraph.close()
    },
  }
}

/** Returns the reasons of all workers together: any of them may get the next request. */
async function unreadinessOf(workers: readonly WorkerProcess[]): Promise<string[]> {
  const reasons = await Promise.all(
    workers.map(async (worker) =>
      worker.probes.unreadiness().catch(() =>
        // A worker that has ended gets no requests.
        worker.isServing ? [`process ${worker.pid} does not respond`] : [],
      ),
    ),
  )
  return [...new Set(reasons.flat())]
}
