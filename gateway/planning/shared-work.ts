import { GatewayError } from '../errors.ts'
import type { EndSignal } from '../client-request.ts'

/** Work that several requests wait for. It is abandoned when none of them waits any longer. */
export interface SharedWork<Value> {
  /** Rejects with a GatewayError when the signal is aborted first. */
  wait(signal: EndSignal | undefined): Promise<Value>
}

/** Starts the work. */
export function sharedWork<Value>(
  work: (abandoned: AbortSignal) => Promise<Value>,
): SharedWork<Value> {
  const abandoned = new AbortController()
  const working = work(abandoned.signal)
  let waiting = 0
  // Every request that waits gets the rejection itself; there may be none left.
  working.catch(() => {})

  return {
    wait(signal) {
      waiting++
      if (!signal) return working
      return new Promise<Value>((resolve, reject) => {
        const leave = () => {
          reject(new GatewayError('SERVICE_UNAVAILABLE'))
          if (--waiting === 0) abandoned.abort()
        }
        if (signal.aborted) return leave()
        signal.addEventListener('abort', leave)
        const settled = () => signal.removeEventListener('abort', leave)
        working.then(resolve, reject).finally(settled)
      })
    },
  }
}
