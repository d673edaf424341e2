/** What the gateway counts and measures, under the names that Prometheus shows. */
import {
  AggregatorRegistry,
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
} from 'prom-client'

export interface GatewayMetrics {
  readonly registry: Registry
  /** Reports the response to a request to /graphql. */
  onResponse(status: number, seconds: number): void
  /** Reports a call to a subgraph; the outcome is `answered` or a reason of the error table. */
  onSubgraphResponse(subgraph: string, outcome: string, seconds: number): void
  /** Reports that another supergraph is served from now on. */
  supergraphServed(): void
}

/** From one millisecond, which a cached operation takes, to ten seconds, the default time-out. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The metrics of one of several processes. */
export type ProcessMetrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** Returns the metrics of several processes as those of one. */
export function addedUp(processes: readonly ProcessMetrics[]): Registry {
  return AggregatorRegistry.aggregate([...processes])
}

/**
 * Returns the metrics of processes that must survive their end: counters and histograms. Without them
 * the sums would fall, which Prometheus reads as a restart.
 */
export function lastingCounts(processes: readonly ProcessMetrics[]): Promise<ProcessMetrics> {
  const lasting = processes.map((metrics) =>
    metrics.filter(({ type }) => lastingTypes.includes(String(type))),
  )
  return addedUp(lasting).getMetricsAsJSON()
}

const lastingTypes = ['counter', 'histogram']

/** Returns the gateway's metrics and those of its process, in a registry of their own. */
export function gatewayMetrics(): GatewayMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Histogram({
    name: 'portcullis_request_duration_seconds',
    help: 'Time to respond to a request to /graphql, by HTTP status',
    labelNames: ['status'],
    buckets,
    registers,
  })
  const calls = new Histogram({
    name: 'portcullis_subgraph_duration_seconds',
    help: 'Time of a call to a subgraph, by outcome',
    labelNames: ['subgraph', 'outcome'],
    buckets,
    registers,
  })
  const supergraphs = new Counter({
    name: 'portcullis_supergraphs_served_total',
    help: 'How many supergraphs have been taken up since the start',
    aggregator: 'max',
    registers,
  })
  const since = new Gauge({
    name: 'portcullis_supergraph_served_since_seconds',
    help: 'When the supergraph that serves now was taken up, in seconds since the epoch',
    aggregator: 'max',
    registers,
  })

  return {
    registry,
    onResponse: (status, seconds) => requests.observe({ status }, seconds),
    onSubgraphResponse: (subgraph, outcome, seconds) =>
      calls.observe({ subgraph, outcome }, seconds),
    supergraphServed() {
      supergraphs.inc()
      since.setToCurrentTime()
    },
  }
}
