import { acceptedStream } from '../http/accepted-stream.ts'
import { listHeader } from '../http/http-message.ts'
import type { HttpResponse } from '../http/http-message.ts'
import { HttpStreamConnection } from './http-stream-connection.ts'
import { startSubscription } from './started-subscription.ts'
import type { RequestedSubscription, StartParts } from './started-subscription.ts'

/** Returns the response that carries the events of a subscription; a GatewayError if there are too many. */
export function streamResponse(requested: RequestedSubscription, parts: StartParts): HttpResponse {
  const { connections, recheck, heartbeat, observer } = parts.live
  const { facts } = requested
  const caller = requested.caller()
  const format = acceptedStream(listHeader(facts.request.headers, 'accept'))!
  let connection: HttpStreamConnection | undefined
  const remove = connections.add(
    { tick: (now) => connection?.tick(now), restart: () => connection?.restart() },
    { caller, address: facts.request.clientAddress },
  )
  const { onEnded, ...started } = startedOr(remove, requested, parts)
  return {
    status: 200,
    headers: { ...format.headers, 'x-request-id': facts.requestId },
    body: '',
    stream(response) {
      observer.connected(format.transport)
      connection = new HttpStreamConnection(response, {
        ...started,
        format,
        refusal: () => recheck(caller),
        heartbeat,
        onClosed(reason) {
          onEnded(reason)
          remove()
          observer.disconnected(format.transport)
        },
      })
    },
  }
}

/** What has been counted for a subscription that does not begin is not open. */
function startedOr(remove: () => void, ...begin: Parameters<typeof startSubscription>) {
  try {
    return startSubscription(...begin)
  } catch (error) {
    remove()
    throw error
  }
}
