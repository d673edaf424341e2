/** One of several processes that serve behind one port. */
import process from 'node:process'
import type { Logger } from 'pino'
import { listen } from '../../subgraphs/kit/process/listen.ts'
import type { ListenOptions } from '../../subgraphs/kit/process/listen.ts'
import { failureLine } from '../../subgraphs/kit/process/run-process.ts'
import { reloadableGateway } from './hot-reload.ts'
import type { ReloadableGateway } from './hot-reload.ts'
import { documentsOfPrimary } from './worker-protocol.ts'
import type { PrimaryAnswers, WorkerAnswers } from './worker-protocol.ts'
import { openQuestions } from './worker-rpc.ts'

export interface WorkerOptions {
  /** The file of the composed supergraph. */
  supergraph: string
  listen: ListenOptions
  log: Logger
}

/** Signals reach the whole group of a terminal or a service: only the primary acts on them. */
const signalsOfPrimary = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Serves until the primary process says stop, or is gone. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  for (const signal of signalsOfPrimary) process.on(signal, () => {})
  let running: { gateway: ReloadableGateway; stop(): Promise<void> } | undefined
  const gateway = () => running!.gateway
  const answers: WorkerAnswers = {
    prepare: (settings) => gateway().prepare(settings),
    adopt: () => gateway().adopt(),
    discard: () => gateway().discard(),
    metrics: () => gateway().registry.getMetricsAsJSON(),
    served: () => gateway().served,
    unreadiness: () => gateway().unreadiness(),
    stop: () => void Promise.resolve(running?.stop()).finally(() => process.exit(0)),
  }
  const ask = openQuestions<PrimaryAnswers>(
    {
      send: (message) => void process.send!(message, undefined, undefined, () => {}),
      onMessage: (listener) => void process.on('message', listener),
      onClosed: (listener) => void process.on('disconnect', listener),
    },
    answers,
  )
  try {
    const settings = await ask('settings')
    const started = await reloadableGateway(settings, {
      supergraph: options.supergraph,
      documents: documentsOfPrimary(ask),
      servedByAll: () => ask('served'),
      unreadinessOfAll: () => ask('unreadiness').catch(() => gateway().unreadiness()),
      log: options.log,
    })
    const listening = await listen(started.listener, options.listen)
    running = {
      gateway: started,
      async stop() {
        await listening.close()
        await started.close()
      },
    }
    await ask('listening', listening.origin)
  } catch (cause) {
    await ask('failed', failureLine(cause)).catch(() => {})
    process.exit(1)
  }
}
