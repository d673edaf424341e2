import type { ServerResponse } from 'node:http'

/**
 * Signals that the response to a request is no longer needed. It is a minimal AbortSignal: an
 * EventTarget per request would cost more than all other work with it.
 */
export class RequestSignal {
  #aborted = false
  #listeners: (() => void)[] = []

  get aborted(): boolean {
    return this.#aborted
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const index = this.#listeners.indexOf(listener)
    if (index !== -1) this.#listeners.splice(index, 1)
  }

  abort(): void {
    this.#aborted = true
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }
}

/**
 * Returns the signal that ends all work for a request: when its client disconnects before the response,
 * or when the deadline, in milliseconds, has passed. Then the response has the parts that are complete.
 */
export function requestSignal(response: ServerResponse, deadline: number): RequestSignal {
  const signal = new RequestSignal()
  const timer = setTimeout(() => signal.abort(), deadline)
  response.on('close', () => {
    clearTimeout(timer)
    if (!response.writableFinished) signal.abort()
  })
  return signal
}
