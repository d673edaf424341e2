import { within } from '../values/within.ts'

/** The longest time that a process may take to report, in ms: shorter than a health check waits. */
const probeTime = 900

/**
 * Returns a function that makes the call, and rejects when there is no response in time. A process that
 * hangs is not called again before it has responded, however often it is probed.
 */
export function probe<Value>(call: () => Promise<Value>): () => Promise<Value> {
  let inFlight: Promise<Value> | undefined

  return async () => {
    inFlight ??= call().finally(() => (inFlight = undefined))
    return within(probeTime, inFlight, 'response')
  }
}
