/** How workers load other settings: all of them prepare, then all of them adopt. */
import type { Logger } from 'pino'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { drainTimes } from './client-connections.ts'
import type { GatewaySettings } from './configured-gateway.ts'
import type { WorkerProcess } from './worker-process.ts'
import { ChannelClosed } from './worker-rpc.ts'

/**
 * Resolves when every worker has prepared the settings. When a worker rejects them, every worker discards
 * them, and the reason is a StartFailure.
 */
export async function prepareAll(
  workers: readonly WorkerProcess[],
  settings: GatewaySettings,
): Promise<void> {
  // All of them finish before the next reload begins: a late one would interfere with it.
  const prepared = await Promise.allSettled(workers.map((worker) => prepare(worker, settings)))
  const rejected = prepared.find((outcome) => outcome.status === 'rejected')
  if (!rejected) return
  await Promise.allSettled(workers.map(({ call }) => call('discard')))
  throw new StartFailure((rejected.reason as Error).message, { cause: rejected.reason })
}

/** Resolves when every worker serves with the settings that it has prepared. */
export async function adoptAll(
  workers: readonly WorkerProcess[],
  settings: GatewaySettings,
): Promise<void> {
  await Promise.all(workers.map((worker) => adopt(worker, settings)))
}

/**
 * Resolves when the worker serves with the current settings: a worker that was starting during a reload has
 * earlier ones. A worker that cannot adopt them is stopped, and replaced by the pool.
 */
export async function bringUpToDate(
  worker: WorkerProcess,
  current: () => GatewaySettings,
  log: Logger,
): Promise<void> {
  while (worker.settings !== current()) {
    const settings = current()
    try {
      await prepare(worker, settings)
      await adopt(worker, settings)
    } catch (cause) {
      const reason = (cause as Error).message
      log.error(
        { worker: worker.pid, reason },
        'a worker without the new configuration is replaced',
      )
      // The others accept what would have been its connections: there is nothing to announce.
      worker.call('stop', { ...drainTimes(settings), announce: 0 }).catch(() => {})
      return
    }
  }
}

async function prepare({ call }: WorkerProcess, settings: GatewaySettings): Promise<void> {
  await unlessEnded(call('prepare', settings))
}

async function adopt(worker: WorkerProcess, settings: GatewaySettings): Promise<void> {
  await unlessEnded(worker.call('adopt'))
  worker.settings = settings
}

/** Ignores a worker that ends during the call: its replacement starts with the current settings. */
async function unlessEnded(call: Promise<void>): Promise<void> {
  await call.catch((cause: unknown) => {
    if (!(cause instanceof ChannelClosed)) throw cause
  })
}
