/** Common behaviour of all commands: exit codes, and one readable line for an error. */
import { failureLine } from '../subgraphs/kit/process/run-process.ts'
import { isDatabaseUnavailable } from '../subgraphs/storage/database-unavailable.ts'

/**
 * Runs a command and ends the process with the exit code that it returns (default: 0). An expected
 * failure is printed as one line, without a stack trace, and ends with exit code 1.
 * Options are read with readCommandLine.
 */
export function runCommand(name: string, command: () => Promise<number | void>): void {
  endQuietlyWithReader()
  command().then(
    (exitCode) => {
      process.exitCode = exitCode ?? 0
    },
    (cause) => {
      console.error(`${name}: ${unknownOption(cause) ?? unavailable(cause) ?? failureLine(cause)}`)
      process.exit(1)
    },
  )
}

/** Benchmarks read their own options; an unknown one is reported in one line. */
function unknownOption(cause: unknown): string | undefined {
  const { code, message } = cause as { code?: unknown; message?: string }
  if (typeof code !== 'string' || !code.startsWith('ERR_PARSE_ARGS')) return undefined
  return `${message!.split('. ')[0]}: see --help`
}

/** The database may become unavailable while a command uses it: the operator has to correct that. */
function unavailable(cause: unknown): string | undefined {
  if (!isDatabaseUnavailable(cause)) return undefined
  return `${(cause as Error).message}: try again when it is available`
}

/** `command | head` closes the pipe early: that is not an error. */
function endQuietlyWithReader(): void {
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    process.exit(cause.code === 'EPIPE' ? 0 : 1)
  })
}
