/** The time, as a part that is passed in: what happens after an hour can be tested in a moment. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls back after that many milliseconds; returns what calls it off. */
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
