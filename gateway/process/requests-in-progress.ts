import type { ServerResponse } from 'node:http'

/** The requests in progress of one gateway. */
export interface RequestsInProgress {
  /** Adds the request of a response until the response has been sent, or its client has gone. */
  add(response: ServerResponse): void
  /** Removes the request of a response that is a stream: the gateway may be replaced while it lives. */
  remove(response: ServerResponse): void
  /** Resolves when there is none any longer. */
  ended(): Promise<void>
}

/** Returns the requests in progress, none at first. */
export function requestsInProgress(): RequestsInProgress {
  const streams = new Set<ServerResponse>()
  let count = 0
  let onEnded = () => {}

  return {
    add(response) {
      count++
      response.on('close', () => {
        if (!streams.delete(response)) end()
      })
    },
    remove(response) {
      streams.add(response)
      end()
    },
    async ended() {
      if (count > 0) await new Promise<void>((resolve) => (onEnded = resolve))
    },
  }

  function end(): void {
    if (--count === 0) onEnded()
  }
}
