/**
 * The tapes of ended requests, to be used again: new memory is filled with zeros, and lets V8 collect all garbage
 * more often. Lengths are powers of two.
 */
import { FreeBySize } from '../values/free-by-size.ts'
import { freeMemory } from '../values/free-memory.ts'

/** The shortest tape, in integers. */
const shortest = 1 << 10
/** The most integers in all tapes that are kept: 16 MB. A longer tape is not kept. */
const mostKept = 1 << 22

const free = new FreeBySize<Int32Array>(mostKept, ({ buffer }) => freeMemory(buffer as ArrayBuffer))

/** Returns a tape for at least so many integers. What is on it is left from another request. */
export function takeTape(length: number): Int32Array {
  let size = shortest
  while (size < length) size *= 2
  return free.take(size) ?? new Int32Array(size)
}

/** Gives a tape back. */
export function giveTapeBack(tape: Int32Array): void {
  if (tape.length > 0 && tape.length <= mostKept) free.give(tape.length, tape)
}

/** The tapes that were kept go back to the system. */
export function forgetFreeTapes(): void {
  free.forget()
}
