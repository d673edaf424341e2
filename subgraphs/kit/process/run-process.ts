/** The life of a process: it starts or reports in one line why not, and stops cleanly on a signal. */
import { constants } from 'node:os'
import { StartFailure } from './start-failure.ts'

export interface RunningProcess {
  /** The address on which it listens, for the terminal and for a supervising parent. */
  readonly url: string
  close(): Promise<void>
}

type Close = () => Promise<void>

/** npm passes on a Ctrl-C that the process has received as well: so soon, in ms, it is the same signal. */
export const sameSignal = 500

/**
 * Starts a process and stops it on SIGINT, SIGTERM, or when its supervising parent is gone: at once while it is
 * still starting, as it has no clients then. A process that may have clients before it has started calls the
 * argument of `start` with what completes their requests. A second signal ends it at once.
 * Exit code 0 after a clean stop, 1 after a failed start or an unforeseen error.
 */
export function runProcess(
  name: string,
  start: (closeBy: (close: Close) => void) => Promise<RunningProcess>,
): void {
  let close: Close | undefined
  // Before the start: no signal ends the first process of a container unless it is handled.
  const isStopping = stopWhenTold(() => close?.())
  start((early) => (close = early)).then(
    (running) => {
      if (isStopping()) return
      close = () => running.close()
      console.log(`${name} listening on ${running.url}`)
      process.send?.({ listening: running.url })
    },
    (cause) => {
      // A start that is interrupted fails.
      if (isStopping()) return
      console.error(`${name}: ${failureLine(cause)}`)
      process.exit(1)
    },
  )
}

/** One readable line for an expected failure; a stack trace only for an unforeseen one. */
export function failureLine(cause: unknown): string {
  if (cause instanceof StartFailure) return cause.message
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}

/** Returns whether it has been told to. */
function stopWhenTold(close: () => Promise<void> | undefined): () => boolean {
  let closingSince: number | undefined
  const stop = async () => {
    if (closingSince !== undefined) return
    closingSince = performance.now()
    await close()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (closingSince === undefined) return void stop()
      if (performance.now() - closingSince < sameSignal) return
      process.exit(128 + constants.signals[signal])
    })
  }
  process.on('disconnect', stop)
  // The parent may have ended while this process was loading.
  if (process.send !== undefined && !process.connected) void stop()
  return () => closingSince !== undefined
}
