/** Where the lines of a log go: standard error, at once, but never waiting for a reader that hangs. */
import { writeSync } from 'node:fs'
import { retryInterval, unblocked, writeAtExit } from './unblocked-output.ts'

export interface LogOutput {
  /** Writes a line with its line break. */
  write(line: string): void
}

/** In bytes. A reader that falls behind costs lines, never memory. */
const mostWaiting = 1024 * 1024

/**
 * Returns standard error.
 *
 * @param lostLine the line that says how many lines were lost, once the reader goes on
 */
export function logOutput(lostLine: (lines: number) => string): LogOutput {
  const output = unblocked(2)
  let waiting: Buffer[] = []
  let size = 0
  let lost = 0

  return {
    write(line) {
      const bytes = Buffer.from(line)
      if (waiting.length === 0) return writeOrKeep(bytes)
      if (size + bytes.length > mostWaiting) lost++
      else keep(bytes)
    },
  }

  function keep(bytes: Buffer): void {
    // A process may have many logs, as tests of subgraphs do: most of them never listen.
    if (waiting.length === 0) process.once('exit', writeRest)
    waiting.push(bytes)
    size += bytes.length
  }

  function writeOrKeep(bytes: Buffer): void {
    const rest = bytes.subarray(written(bytes))
    if (rest.length === 0) return
    keep(rest)
    setTimeout(again, retryInterval).unref()
  }

  function again(): void {
    if (lost > 0 && size < mostWaiting) {
      keep(Buffer.from(lostLine(lost)))
      lost = 0
    }
    const all = Buffer.concat(waiting)
    waiting = []
    size = 0
    process.off('exit', writeRest)
    writeOrKeep(all)
  }

  function writeRest(): void {
    writeAtExit(output, Buffer.concat(waiting))
  }

  /** Returns how many bytes were written, or need no further attempt: nobody reads them, or the disk is full. */
  function written(bytes: Buffer): number {
    try {
      return writeSync(output, bytes)
    } catch (cause) {
      return (cause as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : bytes.length
    }
  }
}
