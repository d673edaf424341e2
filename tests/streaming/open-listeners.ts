import { once } from 'node:events'
import WebSocket from 'ws'
import type { LiveGraph } from './live-graph.ts'

/** Some operations on a connection of their own, as its client sees them. */
export interface Listeners {
  /** What came for each operation. */
  readonly received: readonly Record<string, any>[][]
  complete(operation: number): void
  close(): void
}

export interface ListenersOptions {
  readonly count: number
  readonly authorization?: string | undefined
  /** Returns the GraphQL request of an operation. */
  readonly payload: (operation: number) => object
}

/** Returns operations on one WebSocket, once their subscription has been requested. */
export async function openListeners(
  { gateway }: Pick<LiveGraph, 'gateway'>,
  { count, authorization, payload }: ListenersOptions,
): Promise<Listeners> {
  const socket = new WebSocket(gateway.url.replace('http', 'ws'), 'graphql-transport-ws', {
    headers: authorization ? { authorization } : {},
  })
  const received = Array.from({ length: count }, (): Record<string, any>[] => [])
  socket.on('message', (data: Buffer) => {
    const { id, type, payload } = JSON.parse(data.toString())
    if (type === 'next') received[Number(id)]!.push(payload)
    if (type === 'error') received[Number(id)]!.push({ errors: payload })
  })
  await once(socket, 'open')
  const send = (message: object) => socket.send(JSON.stringify(message))
  send({ type: 'connection_init' })
  await once(socket, 'message')
  for (let id = 0; id < count; id++) send({ type: 'subscribe', id: `${id}`, payload: payload(id) })
  return {
    received,
    complete: (operation) => send({ type: 'complete', id: `${operation}` }),
    close: () => socket.close(),
  }
}
