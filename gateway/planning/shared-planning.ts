import { GatewayError } from '../errors.ts'
import { untilAborted } from '../client-request.ts'
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
      return untilAborted(planning, signal, () => {
        if (--waiting === 0) abandoned.abort()
        return Promise.reject(new GatewayError('SERVICE_UNAVAILABLE'))
      })
    },
  }
}
