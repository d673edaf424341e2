/** One of several processes that serve behind one port. */
import process from 'node:process'
import type { DrainTimes } from '../../subgraphs/kit/process/drain.ts'
import { listen } from '../../subgraphs/kit/process/listen.ts'
import { failureLine } from '../../subgraphs/kit/process/run-process.ts'
import { clientListenOptions, connectionLimits, drainClients } from './client-connections.ts'
import type { CommandLine } from './command-line.ts'
import { createReloadableGateway } from './hot-reload.ts'
import type { ReloadableGateway } from './hot-reload.ts'
import { usageCounter } from '../telemetry/usage-counter.ts'
import { sourceOfWorker } from './open-supergraph.ts'
import { registeredTextsOfWorkers } from './operations/registered-texts.ts'
import { manifestsOfPrimary } from './operations/remote-manifest.ts'
import { feedOfPrimary } from './supergraph-of-primary.ts'
import { documentsOfPrimary, recordOfPrimary } from './worker-protocol.ts'
import type { PrimaryProcedures, WorkerProcedures } from './worker-protocol.ts'
import { operationCounter, reportPeriod } from './warm-up/operation-counts.ts'
import { openRpc } from './worker-rpc.ts'
import type { Channel } from './worker-rpc.ts'

interface RunningWorker {
  readonly gateway: ReloadableGateway
  adopt(): void
  stop(times: DrainTimes): Promise<void>
}

/** Signals reach the whole process group of a terminal or a service: only the primary handles them. */
const signalsOfPrimary = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How often the primary gets what was counted, in ms: what a worker loses that is killed. */
const usagePeriod = 10_000

/** Serves until the primary process stops it, or is gone. */
export async function runWorker(
  options: Pick<CommandLine, 'supergraph' | 'dataDirectory' | 'listen' | 'log' | 'accessLog'>,
): Promise<void> {
  for (const signal of signalsOfPrimary) process.on(signal, () => {})
  let running: RunningWorker | undefined
  const gateway = () => running!.gateway
  const feed = feedOfPrimary()
  const procedures: WorkerProcedures = {
    prepare: (settings) => gateway().prepare(settings),
    adopt: () => running!.adopt(),
    discard: () => gateway().discard(),
    supergraph: feed.receive,
    manifest: (changed) => manifests.receive(changed),
    textRegistered: (registered) => registeredTexts.receive(registered),
    metrics: () => gateway().registry.getMetricsAsJSON(),
    served: () => gateway().served,
    unreadiness: () => gateway().unreadiness(),
    reportUsage: () => usage.flush(),
    stop: (times) => void Promise.resolve(running?.stop(times)).finally(() => process.exit(0)),
  }
  const call = openRpc<PrimaryProcedures>(channelToPrimary, procedures)
  const manifests = manifestsOfPrimary(call)
  const registeredTexts = registeredTextsOfWorkers(call)
  const usage = usageCounter((usage) => void call('usage', usage).catch(() => {}))
  setInterval(usage.flush, usagePeriod).unref()
  const operations = operationCounter()
  const reportOperations = () => call('operationCounts', operations.take()).catch(() => {})
  setInterval(reportOperations, reportPeriod).unref()
  try {
    const settings = await call('settings')
    const fetched = await call('supergraph')
    if (fetched) feed.receive(fetched)
    const started = await createReloadableGateway(settings, {
      supergraph: sourceOfWorker(options.supergraph, feed, recordOfPrimary(call)),
      dataDirectory: options.dataDirectory,
      documents: documentsOfPrimary(call),
      openManifest: manifests.open,
      registeredTexts,
      servedByAll: () => call('served'),
      usage,
      operations: { ...operations, earlier: () => call('earlierOperations') },
      addOperation: (operation) => call('addOperation', operation),
      grantPoints: (request) => call('grantPoints', request),
      unreadinessOfAll: () => call('unreadiness').catch(() => gateway().unreadiness()),
      accessLog: options.accessLog,
      log: options.log,
    })
    const listening = await listen(
      started.listener,
      clientListenOptions(options.listen, settings, {
        upgrade: started.upgrade,
        log: options.log,
      }),
    )
    running = {
      gateway: started,
      adopt() {
        started.adopt()
        listening.adjust(connectionLimits(started.settings()))
      },
      async stop(times) {
        started.announceStop()
        await drainClients(listening, times, {
          restartLive: started.restartLive,
          log: options.log,
        })
        await started.close()
        await reportOperations()
      },
    }
    await call('listening', listening.origin)
  } catch (cause) {
    await call('failed', failureLine(cause)).catch(() => {})
    process.exit(1)
  }
}

const channelToPrimary: Channel = {
  send: (message) => void process.send!(message, undefined, undefined, () => {}),
  onMessage: (listener) => void process.on('message', listener),
  onClosed: (listener) => void process.on('disconnect', listener),
}
