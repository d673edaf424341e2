/** `npm run gateway`: the gateway, in as many processes as the configuration says. */
import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runProcess } from '../subgraphs/kit/process/run-process.ts'
import { gatewayCommandLine } from './process/command-line.ts'
import type { StartGatewayOptions, RunningGateway } from './process/start-single.ts'
import type { StartWorkersOptions } from './process/start-workers.ts'
import { readGatewaySettings } from './process/read-settings.ts'
import { reloadOnSighup } from './process/reload-on-sighup.ts'

if (cluster.isWorker) await serveAsWorker()
else runProcess('gateway', start)

async function start(closeBy: StartWorkersOptions['closeBy']): Promise<RunningGateway> {
  const options = gatewayCommandLine()
  const beginReloads = reloadOnSighup(options)
  const settings = readGatewaySettings(options.config, options.log)
  const { workers } = settings.config
  const count = workers === 'auto' ? availableParallelism() : workers
  const running = await startProcesses(count, { ...options, settings, closeBy })
  beginReloads(running, settings)
  return running
}

// Only processes that serve load the executor: the primary of several workers does not need it.

async function startProcesses(
  count: number,
  options: StartGatewayOptions & Pick<StartWorkersOptions, 'closeBy'>,
): Promise<RunningGateway> {
  if (count === 1) {
    const { startGateway } = await import('./process/start-single.ts')
    return startGateway(options)
  }
  const { startWorkers } = await import('./process/start-workers.ts')
  return startWorkers({ ...options, count, module: fileURLToPath(import.meta.url), giveUp })
}

async function serveAsWorker(): Promise<void> {
  const { runWorker } = await import('./process/worker.ts')
  await runWorker(gatewayCommandLine())
}

function giveUp(sentence: string): void {
  console.error(`gateway: ${sentence}`)
  process.exit(1)
}
