export interface CircuitBreakerOptions {
  /** How many failures in a row open the circuit. */
  failures: number
  /** How long the circuit stays open, in milliseconds. */
  pause: number
  /** A monotonic clock, in milliseconds. */
  now: () => number
}

/**
 * Returns a closed circuit. It spares a subgraph that keeps failing: after a number of failures in a row,
 * calls are refused at once for a while. Then a single call may probe the subgraph, and its outcome decides
 * for all.
 */
export function circuitBreaker({ failures, pause, now }: CircuitBreakerOptions) {
  let failedInARow = 0
  let closedFrom = 0

  return {
    /** Returns whether a call may be made now; the outcome of each allowed call must be reported. */
    allows(): boolean {
      if (failedInARow < failures) return true
      if (now() < closedFrom) return false
      // This call is the probe: no other call is allowed until it has ended or the pause has passed.
      closedFrom = now() + pause
      return true
    },
    succeeded() {
      failedInARow = 0
    },
    failed() {
      failedInARow++
      if (failedInARow >= failures) closedFrom = now() + pause
    },
  }
}
