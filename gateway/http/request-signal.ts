import type { ServerResponse } from 'node:http'

/**
 * Returns the signal that ends all work for a request: when its client goes away before the answer,
 * or when the deadline, in milliseconds, has passed. What is left is answered without the rest.
 */
export function requestSignal(response: ServerResponse, deadline: number): AbortSignal {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), deadline)
  response.once('close', () => {
    clearTimeout(timer)
    if (!response.writableFinished) controller.abort()
  })
  return controller.signal
}
