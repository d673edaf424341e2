/** What is counted of the rates. */
import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'

export interface RateMetrics {
  /** Counts a request that a rate refuses. */
  refused(rate: string): void
  /** Counts points that were counted by this process, as the store was away. */
  storeAway(): void
}

/** Registers the metrics of the rates; returns what counts them. */
export function rateMetrics(registry: Registry): RateMetrics {
  const registers = [registry]
  const refused = new Counter({
    name: 'portcullis_rate_limited_total',
    help: 'Requests that a rate has refused, by its name',
    labelNames: ['rate'],
    registers,
  })
  const away = new Counter({
    name: 'portcullis_rate_store_away_total',
    help: 'How often a process counted by itself, as the store of the rates was away',
    registers,
  })

  return {
    refused: (rate) => refused.inc({ rate }),
    storeAway: () => away.inc(),
  }
}
