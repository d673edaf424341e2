import type { Logger } from 'pino'
import { listen } from '../../subgraphs/kit/process/listen.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { openCallbacks } from '../streaming/callbacks.ts'
import type { Callbacks } from '../streaming/callbacks.ts'

export interface CallbackPort {
  readonly callbacks: Callbacks
  close(): Promise<unknown>
}

/** Returns the port where subgraphs deliver events by HTTP callback, if the configuration has one. */
export async function listenForCallbacks(
  { subscriptions: { callback } }: GatewayConfig,
  log: Logger,
): Promise<CallbackPort | undefined> {
  if (!callback) return undefined
  const callbacks = openCallbacks(callback.publicUrl)
  const listening = await listen(callbacks.listener, {
    host: callback.host,
    port: callback.port,
    portSetting: 'subscriptions.callback.port in the configuration',
  })
  const { publicUrl } = callback
  log.info({ origin: listening.origin, publicUrl }, 'accepting events of subgraphs')
  return { callbacks, close: () => listening.close() }
}
