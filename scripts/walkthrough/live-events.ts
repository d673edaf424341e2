/** Two minimal clients of subscriptions, which do what graphql-sse and graphql-ws do. */
import { on } from 'node:events'
import type { GraphqlResponse } from './send.ts'
import WebSocket from 'ws'

export type LiveEvent = Partial<Pick<GraphqlResponse, 'data' | 'errors'>>

/** The events of a subscription; it returns how it ended, in words. */
export type LiveEvents = AsyncGenerator<LiveEvent, string>

/** How long a subscription is listened to at most, in milliseconds. */
const longest = 60_000

/** Subscribes by server-sent events (GraphQL over SSE, distinct connections mode). */
export async function* eventStream(url: string, query: string, token: string): LiveEvents {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query }),
    signal: AbortSignal.timeout(longest),
  })
  if (response.status !== 200) {
    const { errors = [] } = (await response.json()) as LiveEvent
    return `HTTP ${response.status} ${errors[0]?.extensions?.reason}`
  }
  let text = ''
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split('\n\n')
    text = events.pop()!
    for (const event of events) {
      if (event.startsWith('event: complete')) return 'complete'
      const data = /^data: (.*)$/m.exec(event)?.[1]
      if (data) yield JSON.parse(data) as LiveEvent
    }
  }
  return 'its end without `complete`'
}

/**
 * Subscribes by a WebSocket, with the protocol graphql-transport-ws.
 *
 * @param renewed another access token, which is sent on the open connection when it is there
 */
export async function* webSocketEvents(
  url: string,
  query: string,
  token: string,
  renewed?: Promise<string>,
): LiveEvents {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws')
  const send = (message: object) => socket.send(JSON.stringify(message))
  const timer = setTimeout(() => socket.terminate(), longest)
  let closed = ''
  socket.on('close', (code, reason) => (closed = `close ${code} ${reason}`))
  const credentials = (token: string) => ({ payload: { authorization: `Bearer ${token}` } })
  socket.on('open', () => send({ type: 'connection_init', ...credentials(token) }))
  void renewed?.then((another) => send({ type: 'ping', ...credentials(another) }))
  try {
    for await (const [data] of on(socket, 'message', { close: ['close'] })) {
      const { type, payload } = JSON.parse(String(data)) as { type: string; payload?: LiveEvent }
      if (type === 'connection_ack') send({ type: 'subscribe', id: '1', payload: { query } })
      if (type === 'next' && payload) yield payload
      if (type === 'complete') return 'complete'
      if (type === 'error') return 'error'
    }
    return closed
  } finally {
    clearTimeout(timer)
    socket.terminate()
  }
}
