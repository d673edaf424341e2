/** Subscriptions by WebSocket, in the protocol `graphql-transport-ws`; those of nobody by an event stream. */
import { asCaller } from './credential.ts'
import { codeOf } from './graph.ts'
import type { GraphError, GraphResult } from './graph-result.ts'
import { subscribeAsNobody } from './subscribe-as-nobody.ts'
import type { HowItEnded, Subscribe } from './subscription.ts'

const id = '1'

/** What the gateway closes a WebSocket with whose access token is revoked, or has expired. */
const unauthorized: readonly number[] = [4401, 4403]

/** @param url the address of the graph; a browser opens WebSockets at it */
export function subscriptionsAt(url: URL): Subscribe {
  return (subscription, credential, listener) => {
    // With a WebSocket, a browser sends the cookie whoever asks. A token counts before it.
    if (credential.kind === 'nothing') return subscribeAsNobody(url, subscription, listener)
    const { onResult, onEnd } = listener
    const socket = new WebSocket(url.href.replace(/^http/, 'ws'), 'graphql-transport-ws')
    const send = (message: object) => socket.send(JSON.stringify(message))
    let isOpen = true
    const end = (how: HowItEnded) => {
      if (isOpen) onEnd(how)
      isOpen = false
      socket.close()
    }
    socket.onopen = () => {
      send({ type: 'connection_init', payload: asCaller(credential).headers })
    }
    socket.onclose = ({ code }) => end(unauthorized.includes(code) ? 'unauthorized' : 'lost')
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as Message
      if (message.type === 'connection_ack') send({ type: 'subscribe', id, payload: subscription })
      else if (message.type === 'ping') send({ type: 'pong' })
      else if (message.type === 'next') onResult(message.payload)
      else if (message.type === 'complete') end('complete')
      else if (message.type === 'error') {
        const result = { errors: message.payload }
        onResult(result)
        // The session has ended, which the gateway did not know yet when it accepted the connection.
        end(codeOf(result) === 'UNAUTHENTICATED' ? 'unauthorized' : 'refused')
      }
    }
    return () => {
      isOpen = false
      socket.close()
    }
  }
}

type Message =
  | { readonly type: 'connection_ack' | 'ping' | 'pong' | 'complete' }
  | { readonly type: 'next'; readonly payload: GraphResult }
  | { readonly type: 'error'; readonly payload: readonly GraphError[] }
