import type { Caller } from '../client-request.ts'
import { eventStreamHeaders } from '../http/event-stream.ts'
import type { HttpResponse } from '../http/http-message.ts'
import type { Refusals } from '../http/refusals.ts'
import type { RequestFacts } from '../telemetry/request-facts.ts'
import { EventStreamConnection } from './event-stream-connection.ts'
import type { LiveParts } from './live-parts.ts'
import type { LiveSubscription } from './live-subscription.ts'
import { startSubscription } from './started-subscription.ts'

/** Returns the response that carries the events of a subscription; a GatewayError if there are too many. */
export function streamResponse(
  subscription: LiveSubscription,
  caller: Caller,
  facts: RequestFacts,
  parts: { live: LiveParts } & Pick<Refusals, 'errorsFor'>,
): HttpResponse {
  const { connections, recheck, heartbeat, observer } = parts.live
  let connection: EventStreamConnection | undefined
  const remove = connections.add(
    { tick: (now) => connection?.tick(now), restart: () => connection?.restart() },
    { caller, address: facts.request.clientAddress },
  )
  return {
    status: 200,
    headers: { ...eventStreamHeaders, 'x-request-id': facts.requestId },
    body: '',
    stream(response) {
      observer.connected('event_stream')
      const { onEnded, ...started } = startSubscription(subscription, caller, facts, parts)
      connection = new EventStreamConnection(response, {
        ...started,
        refusal: () => recheck(caller),
        heartbeat,
        onClosed(reason) {
          onEnded(reason)
          remove()
          observer.disconnected('event_stream')
        },
      })
    },
  }
}
