/** A subscription as the rest of the gateway offers it to a transport. */
import type { ClientRequest } from '../client-request.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { OperationResult } from '../http/result-response.ts'
import type { Upstream } from './upstream.ts'

/** A subscription of one caller, planned by one schema version. */
export interface LiveSubscription {
  /** Opens the stream of its events. It may be closed and opened again. */
  open(client: ClientRequest, listener: SubscriptionListener): Upstream
}

/** Gets the events of a subscription. After `ended`, nothing comes any more. */
export interface SubscriptionListener {
  /** The subgraph has accepted the subscription. */
  opened(): void
  next(event: LiveEvent): void
  /** Without an error, there are no more events. */
  ended(error?: ResponseError): void
  /** Another schema version serves now: this one ends when the promise has resolved. */
  replaced(): Promise<void>
}

/** An event that has not been executed yet. */
export interface LiveEvent {
  /** In bytes. */
  readonly size: number
  /** Executes the operation for the event, as far as its caller may see it now. */
  respond(client: ClientRequest): Promise<EventOutcome>
}

export type EventOutcome =
  | { readonly outcome: 'executed'; readonly result: OperationResult }
  /** Nothing of the operation is left for the caller. */
  | { readonly outcome: 'denied'; readonly result: OperationResult }
  /**
   * The caller may see something else than before: the subscription has to be opened again. The event has no
   * result if it does not have all of that.
   */
  | { readonly outcome: 'outdated'; readonly result?: OperationResult }
