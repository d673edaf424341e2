/** The time as a value that is passed in: a test of what happens after an hour takes a moment. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls back after that many milliseconds; returns a function that cancels it. */
  after(delay: number, callback: () => void): () => void
}

/** The real time. Waiting for it keeps no process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
