/** One of several processes that serve behind one port. */
import process from 'node:process'
import { listen } from '../../subgraphs/kit/process/listen.ts'
import { failureLine } from '../../subgraphs/kit/process/run-process.ts'
import type { CommandLine } from './command-line.ts'
import { createReloadableGateway } from './hot-reload.ts'
import type { ReloadableGateway } from './hot-reload.ts'
import { documentsOfPrimary } from './worker-protocol.ts'
import type { PrimaryProcedures, WorkerProcedures } from './worker-protocol.ts'
import { openRpc } from './worker-rpc.ts'
import type { Channel } from './worker-rpc.ts'

/** Signals reach the whole process group of a terminal or a service: only the primary handles them. */
const signalsOfPrimary = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Serves until the primary process stops it, or is gone. */
export async function runWorker(
  options: Pick<CommandLine, 'supergraph' | 'listen' | 'log'>,
): Promise<void> {
  for (const signal of signalsOfPrimary) process.on(signal, () => {})
  let running: { gateway: ReloadableGateway; stop(): Promise<void> } | undefined
  const gateway = () => running!.gateway
  const procedures: WorkerProcedures = {
    prepare: (settings) => gateway().prepare(settings),
    adopt: () => gateway().adopt(),
    discard: () => gateway().discard(),
    metrics: () => gateway().registry.getMetricsAsJSON(),
    served: () => gateway().served,
    unreadiness: () => gateway().unreadiness(),
    stop: () => void Promise.resolve(running?.stop()).finally(() => process.exit(0)),
  }
  const call = openRpc<PrimaryProcedures>(channelToPrimary, procedures)
  try {
    const started = await createReloadableGateway(await call('settings'), {
      supergraph: options.supergraph,
      documents: documentsOfPrimary(call),
      servedByAll: () => call('served'),
      unreadinessOfAll: () => call('unreadiness').catch(() => gateway().unreadiness()),
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
