/** Subscriptions by WebSocket, in the protocol `graphql-transport-ws`. */
import type { Operation } from './graph.ts'
import type { GraphError, GraphResult } from './graph-result.ts'

export interface Listener {
  onResult(result: GraphResult): void
  /** Called once. `refused`: sending the same again would not help. */
  onEnd(how: 'complete' | 'refused' | 'lost'): void
}

/** Subscribes with a credential, or as nobody; returns the function that ends the subscription. */
export type Subscribe = (
  operation: Operation & { readonly extensions?: Readonly<Record<string, unknown>> },
  credential: string | undefined,
  listener: Listener,
) => () => void

const id = '1'

/** @param url the address of the graph; a browser opens WebSockets at it */
export function subscriptionsAt(url: URL): Subscribe {
  return (operation, credential, { onResult, onEnd }) => {
    const socket = new WebSocket(url.href.replace(/^http/, 'ws'), 'graphql-transport-ws')
    const send = (message: object) => socket.send(JSON.stringify(message))
    let isOpen = true
    const end = (how: 'complete' | 'refused' | 'lost') => {
      if (isOpen) onEnd(how)
      isOpen = false
      socket.close()
    }
    socket.onopen = () => {
      const payload = credential === undefined ? {} : { authorization: `Bearer ${credential}` }
      send({ type: 'connection_init', payload })
    }
    socket.onclose = () => end('lost')
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as Message
      if (message.type === 'connection_ack') send({ type: 'subscribe', id, payload: operation })
      else if (message.type === 'ping') send({ type: 'pong' })
      else if (message.type === 'next') onResult(message.payload)
      else if (message.type === 'complete') end('complete')
      else if (message.type === 'error') {
        onResult({ errors: message.payload })
        end('refused')
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
