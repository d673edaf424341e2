import type { ServerResponse } from 'node:http'

/**
 * Signals that the response to a request is no longer needed. It is a minimal AbortSignal: an
 * EventTarget per request would cost more than all other work with it.
 */
export class RequestSignal {
  /** Why nobody waits any longer; undefined while somebody does. */
  reason: 'client gone' | 'deadline' | undefined
  #listeners: (() => void)[] = []

  get aborted(): boolean {
    return this.reason !== undefined
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const index = this.#listeners.indexOf(listener)
    if (index !== -1) this.#listeners.splice(index, 1)
  }

  abort(reason: 'client gone' | 'deadline' = 'client gone'): void {
    this.reason ??= reason
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
  const timer = setTimeout(() => signal.abort('deadline'), deadline)
  response.on('close', () => {
    clearTimeout(timer)
    if (!response.writableFinished) signal.abort()
  })
  return signal
}
