/** From configuration to a listening gateway, in one process. */
import type { Logger } from 'pino'
import { listen } from '../../subgraphs/kit/process/listen.ts'
import type { ListenOptions } from '../../subgraphs/kit/process/listen.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'
import { readConfig } from '../configuration/gateway-config.ts'
import { listenForMetrics } from './metrics-port.ts'
import { reloadableGateway } from './hot-reload.ts'
import type { GatewaySettings } from './configured-gateway.ts'

export interface StartGatewayOptions {
  /** The file of the composed supergraph. */
  supergraph: string
  /** The file of the configuration. */
  config: string
  /** Where `${env.NAME}` in the configuration is looked up. */
  environment: Environment
  /**
   * The secret from which the subgraphs' claims keys are derived; during a rotation two, the one to
   * sign with first, with a comma between.
   */
  secret: string
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
  const { log, secret } = options
  const config = readConfig(options.config, options.environment)
  const gateway = await reloadableGateway({ config, secret }, options)
  const listening = await listen(gateway.listener, options.listen)
  const measured = await listenForMetrics(config, log, () => gateway.registry.metrics())

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
