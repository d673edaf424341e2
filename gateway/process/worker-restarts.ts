/** How soon a worker that has ended is replaced, and when the primary gives up. */

/** A worker that has lived that long, in milliseconds, did not end because of its start. */
const provenAfter = 10_000
const firstPause = 200
const longestPause = 30_000
/** After this many ends in a row, with no serving worker left, the primary gives up. */
const mostEnds = 5

/** Returns how many workers in a row ended soon after their start, this one included. */
export function endsInARow(before: number, lifetime: number): number {
  return lifetime > provenAfter ? 1 : before + 1
}

/** Returns how long to wait before the replacement starts, in milliseconds: longer each time. */
export function pauseBeforeRestart(ends: number): number {
  return Math.min(firstPause * 2 ** (ends - 1), longestPause)
}

/** Returns whether another replacement would be pointless. */
export function isHopeless(ends: number, serving: number): boolean {
  return ends >= mostEnds && serving === 0
}
