/** Subscriptions by an event stream (GraphQL over SSE): a request that, unlike a WebSocket, can be sent without cookies. */
import { asCaller, nothing } from './credential.ts'
import { resultFrom } from './graph.ts'
import type { GraphResult } from './graph-result.ts'
import type { HowItEnded, Listener, Subscription } from './subscription.ts'

/** Subscribes as nobody; returns the function that ends the subscription. */
export function subscribeAsNobody(
  url: URL,
  subscription: Subscription,
  { onResult, onEnd }: Listener,
): () => void {
  const stopping = new AbortController()
  const { signal } = stopping
  void listen()
    .catch(() => 'lost' as const)
    .then((how) => signal.aborted || onEnd(how))
  return () => stopping.abort()

  async function listen(): Promise<HowItEnded> {
    const { credentials, headers } = asCaller(nothing)
    const response = await fetch(url, {
      method: 'POST',
      credentials,
      cache: 'no-store',
      redirect: 'error',
      headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify(subscription),
      signal,
    })
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      onResult(resultFrom(await response.text()))
      return 'refused'
    }
    if (!response.body) return 'lost'
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return 'lost'
      const events = (text + value).split('\n\n')
      text = events.pop()!
      for (const event of events) {
        if (event.startsWith('event: complete')) return 'complete'
        const data = /^data: (.*)$/m.exec(event)?.[1]
        if (data) onResult(JSON.parse(data) as GraphResult)
      }
    }
  }
}
