import type { ServerResponse } from 'node:http'

/**
 * Tells those who work for a request that nobody waits for it any longer. It is as much of an
 * AbortSignal as they need: an EventTarget for each request would cost more than all that it does.
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
 * Returns the signal that ends all work for a request: when its client goes away before the answer,
 * or when the deadline, in milliseconds, has passed. What is left is answered without the rest.
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
