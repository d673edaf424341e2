/** Where the lines of the access log go: standard output, a buffer at a time. */
import { pino } from 'pino'

export interface AccessLogOutput {
  write(line: string): void
  /** Writes what is buffered, at once. */
  flush(): void
}

/** In bytes. What a process writes to a pipe in one piece up to this size is not mixed with the lines of others. */
const pipeBuffer = 4096
/** In bytes. A reader that falls behind costs lines, never memory. */
const mostBuffered = 1024 * 1024
/** In milliseconds. */
const flushInterval = 500

/** Returns standard output. What is buffered is written when the process exits, too. */
export function accessLogOutput(): AccessLogOutput {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: pipeBuffer / 2,
    maxWrite: pipeBuffer,
    maxLength: mostBuffered,
    periodicFlush: flushInterval,
  })
  // A full disk, or a reader that has gone, ends no request.
  destination.on('error', () => {})
  return {
    write: (line) => void destination.write(line),
    flush() {
      try {
        destination.flushSync()
      } catch {
        // As above.
      }
    },
  }
}
