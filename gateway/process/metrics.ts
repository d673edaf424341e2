/** What the gateway counts and measures, under the names that Prometheus shows. */
import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { deniedCode } from '../authorization/denial.ts'
import { errorTable } from '../errors.ts'
import type { HttpResponse } from '../http/http-message.ts'
import type { LiveObserver } from '../streaming/live-observer.ts'
import { liveMetrics } from './live-metrics.ts'
import { operationLabels } from '../telemetry/operation-labels.ts'
import type { AddOperation, OperationLabel } from '../telemetry/operation-labels.ts'
import { codesOf, outcomeOf } from '../telemetry/outcome.ts'
import type { Outcome } from '../telemetry/outcome.ts'
import type { RequestFacts } from '../telemetry/request-facts.ts'
import type { SpanLoss } from '../telemetry/span-queue.ts'
import { remembered } from '../values/remembered.ts'
import { documentMetrics } from './document-metrics.ts'
import { SeriesHistogram } from './histogram.ts'
import type { Series } from './histogram.ts'
import { rateMetrics } from './rate-metrics.ts'
import type { RateMetrics } from './rate-metrics.ts'

export interface GatewayMetrics {
  readonly registry: Registry
  /** Reports the response to a request to /graphql. */
  onResponse(response: Pick<HttpResponse, 'status'>, facts: RequestFacts): void
  /** Reports the guards that denied fields of a response, each as its directive, once per field. */
  onDenied(guards: readonly string[]): void
  /** Reports a request that exceeds a limit: the name of the limit in gateway.yaml, and its mode. */
  onExceeded(limit: string, mode: 'enforce' | 'measure'): void
  /** Returns the function that reports the estimated cost of an operation; from then on it is a metric. */
  costs(): (cost: number) => void
  /** Reports a call to a subgraph; the outcome is `answered`, `cancelled` or a reason of the error table. */
  onSubgraphResponse(subgraph: string, outcome: string, seconds: number): void
  /** Reports that spans were lost on their way to the collector. */
  onSpansLost(loss: SpanLoss, spans: number): void
  /** Reports what becomes of subscriptions. */
  readonly live: LiveObserver
  /** Reports what the rates refuse. */
  readonly rates: RateMetrics
  /** Reports that another supergraph is served from now on. */
  supergraphServed(): void
  /** Reports that a new supergraph cannot be used. */
  supergraphRefused(): void
}

/** From one millisecond, which a cached operation takes, to ten seconds, the default time-out. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** From 0.1 milliseconds: what the gateway itself does is faster than what it waits for. */
const overheadBuckets = [0.0001, 0.00025, 0.0005, ...buckets.slice(0, 10)]

const costBuckets = [0, 10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000, 1_000_000]

/** Few: each is a series for each operation and outcome. */
const operationBuckets = [0.005, 0.025, 0.1, 0.5, 2.5]

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

/** What is known of the processes of a gateway, whenever the metrics are read. */
export interface ProcessesState {
  /** How many processes serve requests. */
  serving(): number
  /** How many processes have ended unexpectedly. */
  ended(): number
}

/**
 * Registers the metrics of the process that starts the others and reads the configuration; returns the
 * counter of configurations that could not be used.
 */
export function primaryMetrics(registry: Registry, processes: ProcessesState): Counter {
  const registers = [registry]
  new Gauge({
    name: 'portcullis_serving_processes',
    help: 'How many processes serve requests',
    registers,
    collect() {
      this.set(processes.serving())
    },
  })
  new Counter({
    name: 'portcullis_workers_ended_total',
    help: 'How many workers have ended unexpectedly since the start',
    registers,
    collect() {
      this.reset()
      this.inc(processes.ended())
    },
  })
  return new Counter({
    name: 'portcullis_configurations_refused_total',
    help: 'How many new configurations could not be used since the start',
    registers,
  })
}

/** What the metrics need of others. */
export interface GatewayMetricsParts {
  /** Returns how many lines of the access log were lost since the start. */
  readonly linesLost: () => number
  /** Decides which operations have a label of their own. */
  readonly addOperation: AddOperation
}

/** The library takes the average of the event-loop delays of several processes, which hides a slow one. */
function reportSlowestProcess(registry: Registry): void {
  for (const metric of registry.getMetricsAsArray() as Aggregated[]) {
    if (metric.aggregator === 'average') metric.aggregator = 'max'
  }
}

/** What the types of the library leave out of its metrics. */
type Aggregated = ReturnType<Registry['getMetricsAsArray']>[number] & { aggregator?: string }

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

/** Returns the gateway's metrics and those of its process, in a registry of their own. */
export function gatewayMetrics({ linesLost, addOperation }: GatewayMetricsParts): GatewayMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  reportSlowestProcess(registry)
  lostAccessLogLines(registry, linesLost)
  return requestMetrics(registry, addOperation)
}

/** Returns the gateway's metrics without those of its process, which would be measured as long as it lives. */
export function requestMetrics(registry: Registry, addOperation: AddOperation): GatewayMetrics {
  const registers = [registry]
  const requests = new SeriesHistogram({
    name: 'portcullis_request_duration_seconds',
    help: 'Time to respond to a request to /graphql, by HTTP status',
    labelNames: ['status'],
    buckets,
    registers,
  })
  const operations = new SeriesHistogram({
    name: 'portcullis_operation_duration_seconds',
    help: 'Time to respond to a request to /graphql, by operation and outcome',
    labelNames: ['operation', 'type', 'outcome'],
    buckets: operationBuckets,
    registers,
  })
  const calls = new SeriesHistogram({
    name: 'portcullis_subgraph_duration_seconds',
    help: 'Time of a call to a subgraph, by outcome',
    labelNames: ['subgraph', 'outcome'],
    buckets,
    registers,
  })
  const overhead = new SeriesHistogram({
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
  const exceeded = new Counter({
    name: 'portcullis_limits_exceeded_total',
    help: 'Requests whose operation exceeds a limit, refused (enforce) or not (measure)',
    labelNames: ['limit', 'mode'],
    registers,
  })
  let allCosts: Series | undefined
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

  const countDocument = documentMetrics(registry)
  const labelOf = operationLabels(addOperation)
  const byStatus = new Map<number, Series>()
  const byOperation = new Map<OperationLabel, Map<Outcome, Series>>()
  const bySubgraph = new Map<string, Map<string, Series>>()
  const allOverhead = overhead.series({})

  function seriesOfStatus(status: number): Series {
    return remembered(byStatus, status, () => requests.series({ status: String(status) }))
  }

  function observeOperation(label: OperationLabel, outcome: Outcome, seconds: number): void {
    const byOutcome = remembered(byOperation, label, () => new Map<Outcome, Series>())
    remembered(byOutcome, outcome, () => operations.series({ ...label, outcome })).observe(seconds)
  }

  return {
    registry,
    onResponse({ status }, facts) {
      const milliseconds = performance.now() - facts.startedAt
      const seconds = milliseconds / 1000
      seriesOfStatus(status).observe(seconds)
      allOverhead.observe((milliseconds - facts.upstream) / 1000)
      if (facts.documentUse) countDocument(facts.documentUse, facts.caller)
      const label = labelOf(facts)
      const outcome = outcomeOf(facts)
      if ('then' in label) void label.then((known) => observeOperation(known, outcome, seconds))
      else observeOperation(label, outcome, seconds)
      for (const code of codesOf(facts)) {
        errors.inc({ code: code !== undefined && knownCodes.has(code) ? code : 'other' })
      }
    },
    onDenied(guards) {
      for (const guard of guards) denied.inc({ guard })
    },
    onExceeded: (limit, mode) => exceeded.inc({ limit, mode }),
    costs() {
      const costs = (allCosts ??= new SeriesHistogram({
        name: 'portcullis_operation_cost',
        help: 'The estimated cost of an operation',
        buckets: costBuckets,
        registers,
      }).series({}))
      return (cost) => costs.observe(cost)
    },
    onSubgraphResponse(subgraph, outcome, seconds) {
      const byOutcome = remembered(bySubgraph, subgraph, () => new Map<string, Series>())
      remembered(byOutcome, outcome, () => calls.series({ subgraph, outcome })).observe(seconds)
    },
    live: liveMetrics(registry),
    rates: rateMetrics(registry),
    onSpansLost: (reason, count) => spans.inc({ reason }, count),
    supergraphServed() {
      supergraphs.inc()
      since.setToCurrentTime()
    },
    supergraphRefused: () => supergraphsRefused.inc(),
  }
}
