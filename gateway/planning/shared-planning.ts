import { GatewayError } from '../errors.ts'
import type { EndSignal } from '../client-request.ts'

/** The planning of an operation that several requests wait for: it is abandoned when none waits. */
export interface SharedPlanning<Plan> {
  /** Returns the plan. Rejects with a GatewayError when the signal is aborted first. */
  wait(signal: EndSignal | undefined): Promise<Plan>
}

/** Starts planning an operation; requests for the same operation wait for the one plan. */
export function sharedPlanning<Plan>(
  plan: (abandoned: AbortSignal) => Promise<Plan>,
): SharedPlanning<Plan> {
  const abandoned = new AbortController()
  const planning = plan(abandoned.signal)
  let waiting = 0
  // Every request that waits gets the rejection itself; there may be none left.
  planning.catch(() => {})

  return {
    wait(signal) {
      waiting++
      if (!signal) return planning
      return new Promise<Plan>((resolve, reject) => {
        const leave = () => {
          reject(new GatewayError('SERVICE_UNAVAILABLE'))
          if (--waiting === 0) abandoned.abort()
        }
        if (signal.aborted) return leave()
        signal.addEventListener('abort', leave)
        const settled = () => signal.removeEventListener('abort', leave)
        planning.then(resolve, reject).finally(settled)
      })
    },
  }
}
