/**
 * Events of a subgraph over WebSockets: the protocol graphql-transport-ws, in the part of the client.
 *
 * The library is ws and not the WebSocket of undici, whose errors have neither the status of a refused
 * upgrade nor a cause, whose messages are decoded to text, and which always offers compression.
 */
import { remembered } from '../values/remembered.ts'
import { SubgraphWebSocket } from './subgraph-websocket.ts'
import type { UpstreamClient, UpstreamOptions } from './upstream.ts'

/**
 * Returns the client of one subgraph. Subscriptions of whose callers the same headers are forwarded share a connection:
 * a claims header is the same for the first half of its lifetime, so that a server may verify it for each of them.
 */
export function upstreamByWebSocket(url: string, options: UpstreamOptions): UpstreamClient {
  const connections = new Map<string, SubgraphWebSocket>()

  return {
    open(headers, body, listener) {
      const sent = headers()
      const key = JSON.stringify(withoutRequest(sent))
      const onEnded = () => void connections.delete(key)
      const open = () => new SubgraphWebSocket(url, { ...options, headers: sent, onEnded })
      return remembered(connections, key, open).subscribe(body, listener)
    },
    async close() {
      for (const connection of connections.values()) connection.close()
    },
  }
}

/** Returns the headers without those that name a request in logs and traces. */
function withoutRequest(headers: Readonly<Record<string, string>>): object {
  const { 'x-request-id': _id, traceparent: _parent, tracestate: _state, ...forwarded } = headers
  return forwarded
}
