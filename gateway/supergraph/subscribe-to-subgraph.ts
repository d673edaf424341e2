/** One subgraph, as a live operation sees it: it is asked for events, and they come. */
import type { ClientRequest } from '../client-request.ts'
import { subscriptionEvents } from '../execution/subscription-event.ts'
import type { SubscriptionEvent } from '../execution/subscription-event.ts'
import type { FailedCall } from '../execution/subgraph-request.ts'
import type { UsableResultParts } from '../execution/usable-result.ts'
import type { Forwarding } from '../forwarding/forwarded-headers.ts'
import type { Upstream, UpstreamClient } from '../streaming/upstream.ts'

/** Gets the events of a subscription. After `ended`, nothing comes any more. */
export interface EventListener {
  /** The subgraph has accepted the subscription. */
  opened(): void
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

export interface SubscribeParts extends UsableResultParts, Pick<Forwarding, 'headers'> {
  upstream: UpstreamClient
}

/** Returns the function that subscribes to one subgraph. */
export function subscriberTo(parts: SubscribeParts): SubscribeToSubgraph {
  const { subgraph, upstream, headers, log } = parts
  const eventOf = subscriptionEvents(parts)

  return (body, client, listener) => {
    const { caller, requestId, traceContext } = client
    const event = (status: number, retryAfter: string | undefined, bytes: Buffer) =>
      eventOf({ status, retryAfter, setCookie: undefined, bytes }, requestId)
    return upstream.open(
      () => ({
        ...headers(caller),
        ...(traceContext?.traceparent ? { traceparent: traceContext.traceparent } : {}),
        ...(traceContext?.tracestate ? { tracestate: traceContext.tracestate } : {}),
        ...(requestId ? { 'x-request-id': requestId } : {}),
      }),
      body,
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
