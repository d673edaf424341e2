/** What is counted of subscriptions and their connections. */
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import { errorTable } from '../errors.ts'
import type { LiveObserver } from '../streaming/live-observer.ts'

/** A code of a subgraph may be any text: only reasons that are known are a label. */
const knownReasons: ReadonlySet<string> = new Set([
  ...Object.keys(errorTable),
  'completed',
  'client gone',
  'restart',
])

/** Registers the metrics of subscriptions; returns what counts them. */
export function liveMetrics(registry: Registry): LiveObserver {
  const registers = [registry]
  const connections = new Gauge({
    name: 'portcullis_live_connections',
    help: 'Open connections of clients for subscriptions, by transport',
    labelNames: ['transport'],
    registers,
  })
  const open = new Gauge({
    name: 'portcullis_subscriptions',
    help: 'Open subscriptions',
    registers,
  })
  const ended = new Counter({
    name: 'portcullis_subscriptions_ended_total',
    help: 'Subscriptions that have ended, by reason',
    labelNames: ['reason'],
    registers,
  })
  const delivered = new Counter({
    name: 'portcullis_subscription_events_total',
    help: 'Events of subscriptions that were sent to a client',
    registers,
  })
  const dropped = new Counter({
    name: 'portcullis_dropped_subscription_events_total',
    help: 'Events of subscriptions that were dropped, as the client did not read fast enough',
    registers,
  })
  const upstreams = new Gauge({
    name: 'portcullis_subscription_upstreams',
    help: 'Open subscriptions at subgraphs, by subgraph',
    labelNames: ['subgraph'],
    registers,
  })
  const received = new Counter({
    name: 'portcullis_subscription_events_received_total',
    help: 'Events of subscriptions that came from a subgraph',
    labelNames: ['subgraph'],
    registers,
  })
  const executed = new Counter({
    name: 'portcullis_subscription_executions_total',
    help: 'Executions for events: one is for all equal subscriptions, where they are deduplicated',
    registers,
  })
  const reconnections = new Counter({
    name: 'portcullis_subscription_reconnections_total',
    help: 'Subscriptions that a subgraph had lost, by subgraph and what became of them',
    labelNames: ['subgraph', 'outcome'],
    registers,
  })

  return {
    reconnected: (subgraph, outcome) => reconnections.inc({ subgraph, outcome }),
    upstreamOpened: (subgraph) => upstreams.inc({ subgraph }),
    upstreamClosed: (subgraph) => upstreams.dec({ subgraph }),
    received: (subgraph) => received.inc({ subgraph }),
    executed: () => executed.inc(),
    connected: (transport) => connections.inc({ transport }),
    disconnected: (transport) => connections.dec({ transport }),
    started: () => open.inc(),
    ended(reason) {
      open.dec()
      ended.inc({ reason: knownReasons.has(reason) ? reason.replaceAll(' ', '_') : 'other' })
    },
    delivered: () => delivered.inc(),
    dropped: (events) => dropped.inc(events),
  }
}
