/** One subgraph, as a live operation sees it: it is asked for events, and they come. */
import type { ClientRequest } from '../client-request.ts'
import { subscriptionEvents } from '../execution/subscription-event.ts'
import type { SubscriptionEvent } from '../execution/subscription-event.ts'
import type { FailedCall } from '../execution/subgraph-request.ts'
import type { UsableResultParts } from '../execution/usable-result.ts'
import type { Forwarding } from '../forwarding/forwarded-headers.ts'
import type { Upstream } from '../streaming/upstream.ts'
import type { SubgraphUpstreams } from '../streaming/upstreams.ts'
import { remembered } from '../values/remembered.ts'

/** Gets the events of a subscription. After `ended`, nothing comes any more. */
export interface EventListener {
  /** The subgraph has accepted the subscription. */
  opened(): void
  /** Listeners on one stream get the same object. */
  next(event: SubscriptionEvent): void
  /** Without a failure, the subgraph has sent all events. */
  ended(failure?: FailedCall): void
}

/** Asks a subgraph for events in the name of a client; returns the open stream. */
export type SubscribeToSubgraph = (
  body: string,
  client: ClientRequest,
  listener: EventListener,
) => Upstream

export interface SubscribeParts
  extends UsableResultParts, Pick<Forwarding, 'headers' | 'deduplicationKey'> {
  upstreams: SubgraphUpstreams
  /** Whether equal subscriptions of callers of whom the same is forwarded have one stream. */
  deduplicateSubscriptions: boolean
}

/** Returns the function that subscribes to one subgraph. */
export function subscriberTo(parts: SubscribeParts): SubscribeToSubgraph {
  const { subgraph, upstreams, headers, deduplicationKey, deduplicateSubscriptions, log } = parts
  const eventOf = subscriptionEvents(parts)
  const events = new WeakMap<Buffer, SubscriptionEvent>()

  return (body, client, listener) => {
    const { caller, requestId, traceContext } = client
    const event = (status: number, retryAfter: string | undefined, bytes: Buffer) =>
      remembered(events, bytes, () =>
        eventOf({ status, retryAfter, setCookie: undefined, bytes }, requestId),
      )
    const sent = () => ({
      ...headers(caller),
      ...(traceContext?.traceparent ? { traceparent: traceContext.traceparent } : {}),
      ...(traceContext?.tracestate ? { tracestate: traceContext.tracestate } : {}),
      ...(requestId ? { 'x-request-id': requestId } : {}),
    })
    return upstreams.open(
      {
        headers: sent,
        body,
        forwarded: deduplicationKey(caller),
        // The signal of a live operation is the same for its complete life.
        owner: deduplicateSubscriptions ? undefined : (client.signal ?? client),
      },
      {
        opened: () => listener.opened(),
        next: (bytes) => listener.next(event(200, undefined, bytes)),
        completed: () => listener.ended(),
        lost(reason, why) {
          log.warn({ requestId, subgraph, code: reason, cause: why }, 'subgraph failed')
          listener.ended({ outcome: 'failed', reason })
        },
        responded({ status, retryAfter, bytes }) {
          listener.next(event(status, retryAfter, bytes))
          listener.ended()
        },
      },
    )
  }
}
