/** What HTTP callbacks need of several sections of the configuration. */
import type { GatewayConfig } from './gateway-config.ts'

/** Reports subgraphs that deliver events by callback where none can arrive. */
export function checkGivenCallback(
  { subscriptions, subgraphs, workers }: GatewayConfig,
  problem: (path: readonly PropertyKey[], message: string) => void,
): void {
  const { callback } = subscriptions
  if (callback && workers !== 1) {
    const why = 'a callback could reach another process than the one that waits for it'
    problem(['subscriptions', 'callback'], `needs workers: 1, as ${why}`)
  }
  for (const [name, { subscription_protocol: protocol }] of Object.entries(subgraphs)) {
    if (protocol !== 'callback' || callback) continue
    const message = 'callback needs subscriptions.callback, with public_url and port'
    problem(['subgraphs', name, 'subscription_protocol'], message)
  }
}
