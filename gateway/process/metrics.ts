/** What the gateway counts and measures, under the names that Prometheus shows. */
import {
  AggregatorRegistry,
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
} from 'prom-client'
import { deniedCode } from '../authorization/denial.ts'
import { errorTable } from '../errors.ts'
import type { HttpResponse } from '../http/http-message.ts'
import { codesOf } from '../telemetry/outcome.ts'
import type { RequestFacts } from '../telemetry/request-facts.ts'
import type { SpanLoss } from '../telemetry/span-queue.ts'

export interface GatewayMetrics {
  readonly registry: Registry
  /** Reports the response to a request to /graphql. */
  onResponse(response: Pick<HttpResponse, 'status'>, facts: RequestFacts): void
  /** Reports the guards that denied fields of a response, each as its directive, once per field. */
  onDenied(guards: readonly string[]): void
  /** Reports a call to a subgraph; the outcome is `answered`, `cancelled` or a reason of the error table. */
  onSubgraphResponse(subgraph: string, outcome: string, seconds: number): void
  /** Reports that spans were lost on their way to the collector. */
  onSpansLost(loss: SpanLoss, spans: number): void
  /** Reports that another supergraph is served from now on. */
  supergraphServed(): void
  /** Reports that a new supergraph cannot be used. */
  supergraphRefused(): void
}

/** From one millisecond, which a cached operation takes, to ten seconds, the default time-out. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** From 0.1 milliseconds: what the gateway itself does is faster than what it waits for. */
const overheadBuckets = [0.0001, 0.00025, 0.0005, ...buckets.slice(0, 10)]

/** A subgraph's own code may be any text: only those of the error table are a label. */
const knownCodes: ReadonlySet<string | undefined> = new Set([
  ...Object.values(errorTable).map(({ code }) => code),
  deniedCode,
])

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

/** Returns the counter of configurations that could not be used: in the process that reads them. */
export function refusedConfigurations(registry: Registry): Counter {
  return new Counter({
    name: 'portcullis_configurations_refused_total',
    help: 'How many new configurations could not be used since the start',
    registers: [registry],
  })
}

function lostAccessLogLines(registry: Registry, linesLost: () => number): void {
  new Counter({
    name: 'portcullis_access_log_lines_lost_total',
    help: 'Lines of the access log that were lost since the start',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(linesLost())
    },
  })
}

/**
 * Returns the gateway's metrics and those of its process, in a registry of their own.
 *
 * @param linesLost returns how many lines of the access log were lost since the start
 */
export function gatewayMetrics(linesLost: () => number): GatewayMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  lostAccessLogLines(registry, linesLost)
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
  const overhead = new Histogram({
    name: 'portcullis_overhead_seconds',
    help: 'Time of a request to /graphql during which it waited for no subgraph',
    buckets: overheadBuckets,
    registers,
  })
  const errors = new Counter({
    name: 'portcullis_graphql_errors_total',
    help: 'Errors in responses, by code',
    labelNames: ['code'],
    registers,
  })
  const denied = new Counter({
    name: 'portcullis_denied_fields_total',
    help: 'Denied fields, by the guard that denied them',
    labelNames: ['guard'],
    registers,
  })
  const spans = new Counter({
    name: 'portcullis_dropped_spans_total',
    help: 'Spans that did not reach the collector: queue_full or export_failed',
    labelNames: ['reason'],
    registers,
  })
  const supergraphs = new Counter({
    name: 'portcullis_supergraphs_served_total',
    help: 'How many supergraphs have been taken up since the start',
    aggregator: 'max',
    registers,
  })
  const supergraphsRefused = new Counter({
    name: 'portcullis_supergraphs_refused_total',
    help: 'How many new supergraphs could not be used since the start',
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
    onResponse({ status }, facts) {
      const milliseconds = performance.now() - facts.startedAt
      requests.observe({ status }, milliseconds / 1000)
      overhead.observe((milliseconds - facts.upstream) / 1000)
      for (const code of codesOf(facts)) {
        errors.inc({ code: code !== undefined && knownCodes.has(code) ? code : 'other' })
      }
    },
    onDenied(guards) {
      for (const guard of guards) denied.inc({ guard })
    },
    onSubgraphResponse: (subgraph, outcome, seconds) =>
      calls.observe({ subgraph, outcome }, seconds),
    onSpansLost: (reason, count) => spans.inc({ reason }, count),
    supergraphServed() {
      supergraphs.inc()
      since.setToCurrentTime()
    },
    supergraphRefused: () => supergraphsRefused.inc(),
  }
}
