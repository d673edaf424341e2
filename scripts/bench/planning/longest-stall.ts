/** How long others have to wait at most, while something is done. */
import { readFileSync } from 'node:fs'

export interface Stalled {
  /** How long it took, in milliseconds. */
  readonly took: number
  /** The longest time that the event loop did not go round, in milliseconds. */
  readonly longestStall: number
  /**
   * The most work that this thread did in such a time, in milliseconds: without the times in which the
   * system gave its processor to somebody else. Known on Linux.
   */
  readonly mostWork: number | undefined
}

/** Returns how the event loop went round until the promise was settled, and for a moment after. */
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

/** Returns the milliseconds that this thread has had a processor; undefined where that is not told. */
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
