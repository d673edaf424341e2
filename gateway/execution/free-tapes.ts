/**
 * The tapes of ended requests, to be used again: large typed arrays are costly to allocate and to collect.
 * Lengths are powers of two.
 */

/** The shortest tape, in integers. */
const shortest = 1 << 10
/** A longer tape is not kept. */
const longest = 1 << 18
/** The most integers in all tapes that are kept: 4 MB. */
const mostKept = 1 << 20

const free = new Map<number, Int32Array[]>()
let kept = 0

/** Returns a tape for at least so many integers. What is on it is left from another request. */
export function takeTape(length: number): Int32Array {
  let size = shortest
  while (size < length) size *= 2
  const tape = free.get(size)?.pop()
  if (!tape) return new Int32Array(size)
  kept -= size
  return tape
}

/** Gives a tape back. */
export function giveTapeBack(tape: Int32Array): void {
  if (tape.length === 0 || tape.length > longest || kept + tape.length > mostKept) return
  kept += tape.length
  const others = free.get(tape.length)
  if (others) others.push(tape)
  else free.set(tape.length, [tape])
}
