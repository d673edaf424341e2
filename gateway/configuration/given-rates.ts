/** What rates need of several sections of the configuration. */
import type { GatewayConfig } from './gateway-config.ts'

/** Reports rates that count the cost of operations where nothing is estimated. */
export function checkGivenRates(
  { rates, limits }: GatewayConfig,
  problem: (path: readonly PropertyKey[], message: string) => void,
): void {
  for (const [index, { count }] of rates.rules.entries()) {
    if (count !== 'cost' || limits.cost) continue
    const message =
      'cost needs limits.cost, such as cost: { max: 1000 }; with mode: measure, it refuses nothing by itself'
    problem(['rates', 'rules', index, 'count'], message)
  }
}
