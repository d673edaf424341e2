/** Counts what becomes of subscriptions and of their connections, for the metrics. */
export interface LiveObserver {
  connected(transport: Transport): void
  disconnected(transport: Transport): void
  started(): void
  /** `reason` is a reason or code of the error table, `completed`, `client gone` or `restart`. */
  ended(reason: string): void
  /** An event was executed and its response sent. */
  delivered(): void
  /** Events were not executed, as the client does not read fast enough. */
  dropped(events: number): void
}

/** What carries subscriptions to clients. */
export type Transport = 'websocket' | 'event_stream'
