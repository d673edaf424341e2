/**
 * Spares a subgraph that fails again and again: after a run of failures calls are refused at once for
 * a while, then a single one may try. Its outcome decides for all.
 */
export interface CircuitBreaker {
  /** Whether a call may be made now; each that was allowed has to be reported. */
  allows(): boolean
  succeeded(): void
  failed(): void
}

export interface CircuitBreakerOptions {
  /** How many failures in a row open the circuit. */
  failures: number
  /** How long it stays open, in milliseconds. */
  pause: number
  /** Milliseconds that only ever grow. */
  now: () => number
}

/** Returns a closed circuit. */
export function circuitBreaker({ failures, pause, now }: CircuitBreakerOptions): CircuitBreaker {
  let failedInARow = 0
  let closedFrom = 0

  return {
    allows() {
      if (failedInARow < failures) return true
      if (now() < closedFrom) return false
      // The probe: until it is over, or seems lost, nobody else tries.
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
