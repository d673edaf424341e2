import type { ServerResponse } from 'node:http'
import { acceptedStream } from '../http/accepted-stream.ts'
import { listHeader } from '../http/http-message.ts'
import type { HttpResponse } from '../http/http-message.ts'
import type { StreamFormat } from '../http/stream-format.ts'
import { ConnectedCaller } from './connected-caller.ts'
import { HttpStreamConnection } from './http-stream-connection.ts'
import type { ConnectionPlace } from './live-connections.ts'
import type { LiveObserver } from './live-observer.ts'
import type { Serving, ServingGateway } from './serving-gateway.ts'
import { startSubscription } from './started-subscription.ts'
import type { RequestedSubscription, StartedSubscription } from './started-subscription.ts'

export interface StreamResponseParts {
  /** The one that has performed the request. */
  readonly gateway: ServingGateway
  readonly serving: Serving
}

type Requested = Omit<RequestedSubscription, 'caller'>

/** A subscription with the place and the caller that are counted for it. */
interface Begun {
  readonly place: ConnectionPlace
  readonly caller: ConnectedCaller
  readonly started: StartedSubscription
}

/** Returns the response that carries the events of a subscription; a GatewayError if there are too many. */
export function streamResponse(requested: Requested, parts: StreamResponseParts): HttpResponse {
  const { request, requestId } = requested.facts
  const { observer, onStream } = parts.gateway.live
  const format = acceptedStream(listHeader(request.headers, 'accept'))!
  const begun = begin(requested, parts)
  return {
    status: 200,
    headers: { ...format.headers, 'x-request-id': requestId },
    body: '',
    stream(response) {
      if (!response.destroyed) onStream?.(response)
      connect(response, begun, { format, observer })
    },
  }
}

function begin(requested: Requested, { gateway, serving }: StreamResponseParts): Begun {
  const { facts } = requested
  const place = gateway.live.connections.place()
  let caller: ConnectedCaller | undefined
  try {
    caller = new ConnectedCaller(facts.caller!, { request: facts.request, gateway, serving })
    return { place, caller, started: startSubscription({ ...requested, caller }) }
  } catch (error) {
    // What has been counted for a subscription that does not begin is not open.
    caller?.close()
    place.leave()
    throw error
  }
}

/** A stream outlives its configuration: what it holds must not be made where the parts of that are in reach. */
function connect(
  response: ServerResponse,
  { place, caller, started: { onEnded, ...started } }: Begun,
  { format, observer }: { format: StreamFormat; observer: LiveObserver },
): void {
  observer.connected(format.transport)
  const connection = new HttpStreamConnection(response, {
    ...started,
    format,
    heartbeat: () => caller.gateway().live.heartbeat,
    onClosed(reason) {
      onEnded(reason)
      caller.close()
      place.leave()
      observer.disconnected(format.transport)
    },
  })
  if (!connection.isOver) place.take(connection)
}
