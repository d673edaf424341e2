/** From configuration to a listening gateway, in one process. */
import type { Logger } from 'pino'
import { listen } from '../../subgraphs/kit/process/listen.ts'
import type { ListenOptions } from '../../subgraphs/kit/process/listen.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { listenForMetrics } from './metrics-port.ts'
import { reloadableGateway } from './hot-reload.ts'
import type { GatewaySettings } from './configured-gateway.ts'

export interface StartGatewayOptions {
  /** The file of the composed supergraph. */
  supergraph: string
  settings: GatewaySettings
  listen: ListenOptions
  log: Logger
}

/** A gateway that takes up other settings without losing a request. */
export interface RunningGateway extends RunningProcess {
  /** Rejects when they cannot be used; what served before then serves on. */
  reload(settings: GatewaySettings): Promise<void>
}

/** Returns once the gateway accepts connections; what an operator has to mend is a StartFailure. */
export async function startGateway(options: StartGatewayOptions): Promise<RunningGateway> {
  const { settings, log } = options
  const gateway = await reloadableGateway(settings, options)
  const listening = await listen(gateway.listener, options.listen)
  const measured = await listenForMetrics(settings.config, log, () => gateway.registry.metrics())

  return {
    url: `${listening.origin}/graphql`,
    async reload(settings) {
      await gateway.prepare(settings)
      gateway.adopt()
    },
    async close() {
      await listening.close()
      await measured?.close()
      await gateway.close()
    },
  }
}
