/** One stream of a subgraph for all listeners whose subscriptions are equal. */
import type { Upstream, UpstreamClient, UpstreamListener } from './upstream.ts'

type HeadersOf = Parameters<UpstreamClient['open']>[0]

export interface SharedUpstreamParts {
  readonly client: UpstreamClient
  readonly body: string
  /** How long it stays open when nobody listens any longer, in milliseconds. */
  readonly grace: number
  /** Called with each event, before its listeners get it. */
  readonly onEvent: () => void
  /** Called when it has ended, or is closed: nobody may join it any longer. */
  readonly onOver: () => void
}

/** Listeners get the events from when they join. What ends the stream ends it for all of them. */
export class SharedUpstream implements UpstreamListener {
  readonly #parts: SharedUpstreamParts
  readonly #listeners = new Map<UpstreamListener, HeadersOf>()
  #headers: HeadersOf | undefined
  #upstream: Upstream | undefined
  #closing: NodeJS.Timeout | undefined
  #isAccepted = false
  #isOver = false

  constructor(parts: SharedUpstreamParts) {
    this.#parts = parts
  }

  /** Adds a listener, the first of which opens the stream; returns how it leaves. */
  join(headers: HeadersOf, listener: UpstreamListener): Upstream {
    clearTimeout(this.#closing)
    this.#listeners.set(listener, headers)
    // The credentials of the newest one are likely to be valid for the longest time.
    this.#headers = headers
    if (this.#isAccepted) queueMicrotask(() => this.#listeners.has(listener) && listener.opened())
    this.#upstream ??= this.#open()
    if (this.#isOver) this.#upstream.close()
    return { close: () => this.#leave(listener) }
  }

  opened(): void {
    this.#isAccepted = true
    for (const listener of [...this.#listeners.keys()]) listener.opened()
  }

  next(bytes: Buffer): void {
    this.#parts.onEvent()
    for (const listener of [...this.#listeners.keys()]) {
      // An earlier one may have ended it.
      if (this.#listeners.has(listener)) listener.next(bytes)
    }
  }

  completed(): void {
    this.#end((listener) => listener.completed())
  }

  lost(...failure: Parameters<UpstreamListener['lost']>): void {
    this.#end((listener) => listener.lost(...failure))
  }

  responded(response: Parameters<UpstreamListener['responded']>[0]): void {
    this.#end((listener) => listener.responded(response))
  }

  /** Ends it without another word to the listeners. */
  close(): void {
    this.#upstream?.close()
    this.#end(() => {})
  }

  #open(): Upstream {
    const { client, body } = this.#parts
    return client.open(() => this.#headers!(), body, this)
  }

  #leave(listener: UpstreamListener): void {
    if (!this.#listeners.delete(listener)) return
    const { grace } = this.#parts
    const newest = [...this.#listeners.values()].at(-1)
    if (newest) this.#headers = newest
    else if (grace === 0) this.close()
    else this.#closing = setTimeout(() => this.close(), grace).unref()
  }

  #end(report: (listener: UpstreamListener) => void): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#closing)
    this.#parts.onOver()
    const listeners = [...this.#listeners.keys()]
    this.#listeners.clear()
    for (const listener of listeners) report(listener)
  }
}
