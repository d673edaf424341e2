import type { StreamFormat } from '../http/stream-format.ts'
import type { UpstreamObserver } from './upstreams.ts'
import type { ReconnectOutcome } from './reconnecting-upstream.ts'

/** Counts what becomes of subscriptions and of their connections, for the metrics. */
export interface LiveObserver extends UpstreamObserver {
  connected(transport: Transport): void
  disconnected(transport: Transport): void
  started(): void
  /** `reason` is a reason or code of the error table, `completed`, `client gone` or `restart`. */
  ended(reason: string): void
  /** An operation was executed for an event, perhaps for several subscriptions at once. */
  executed(): void
  /** The response to an event was sent to a client. */
  delivered(): void
  /** Events were not executed, as the client does not read fast enough. */
  dropped(events: number): void
  /** A subscription that a subgraph had lost is open there again, or will not be. */
  reconnected(subgraph: string, outcome: ReconnectOutcome): void
}

/** What carries subscriptions to clients. */
export type Transport = 'websocket' | StreamFormat['transport']
