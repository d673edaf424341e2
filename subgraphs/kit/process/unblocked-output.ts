/** Standard output and standard error, written without waiting for their readers. */
import { constants, fstatSync, openSync, writeSync } from 'node:fs'

/** In bytes. What a process writes to a pipe in one piece up to this size is not mixed with the lines of others. */
export const blockSize = 4096

/** How long to wait for a reader that falls behind, in milliseconds; at exit, how often. */
export const retryInterval = 100
const mostTriesAtExit = 5

/**
 * Returns a file descriptor of the same output. A pipe is opened once more so that it does not block: a
 * reader that hangs would otherwise hold the process, which then could not even exit. What cannot be
 * opened again (a socket, a terminal) blocks as before.
 */
export function unblocked(output: 1 | 2): number {
  try {
    if (!fstatSync(output).isFIFO()) return output
    return openSync(`/proc/self/fd/${output}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return output
  }
}

/** Writes the bytes before the process exits, as far as the reader takes them within half a second. */
export function writeAtExit(output: number, bytes: Buffer): void {
  let tries = 0
  for (let start = 0; start < bytes.length;) {
    try {
      start += writeSync(output, bytes, start, Math.min(blockSize, bytes.length - start))
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code !== 'EAGAIN' || ++tries > mostTriesAtExit) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryInterval)
    }
  }
}
