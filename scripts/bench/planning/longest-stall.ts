/** Measures how long other work waits at most while something is done. */
import { readFileSync } from 'node:fs'

export interface Stalled {
  /** How long it took, in milliseconds. */
  readonly took: number
  /** The longest time that the event loop was blocked, in milliseconds. */
  readonly longestStall: number
  /**
   * The most work of this thread between two turns of the event loop, in milliseconds: without the times in
   * which another process had the processor. Known on Linux.
   */
  readonly mostWork: number | undefined
}

/** Returns how long the event loop was blocked until the promise was settled, and shortly after. */
export async function longestStall(act: () => Promise<unknown>): Promise<Stalled> {
  let longest = 0
  let most = 0
  let last = performance.now()
  let worked = workedSoFar()
  const turning = setInterval(() => {
    const [now, work] = [performance.now(), workedSoFar()]
    longest = Math.max(longest, now - last)
    if (worked !== undefined && work !== undefined) most = Math.max(most, work - worked)
    last = now
    worked = work
  }, 1)
  await pause(50)
  longest = 0
  most = 0
  const start = performance.now()
  await act()
  const took = performance.now() - start
  await pause(20)
  clearInterval(turning)
  return { took, longestStall: longest, mostWork: worked === undefined ? undefined : most }
}

/** Returns the milliseconds that this thread has had a processor; undefined if the system does not report it. */
function workedSoFar(): number | undefined {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6
  } catch {
    return undefined
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
