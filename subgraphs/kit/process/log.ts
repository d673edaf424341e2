/** The log of a process: JSON on standard error, one object per line. */
import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import { currentRequestId, currentTraceId } from '../request-id.ts'
import { logOutput } from './log-output.ts'
import type { Settings } from './settings.ts'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export type LogLevel = (typeof logLevels)[number]

/** Returns the level that LOG_LEVEL names. */
export function logLevel(settings: Settings): LogLevel {
  return settings.choice('LOG_LEVEL', logLevels, 'info')
}

/** Returns the log of the process of that name. Lines about a request of a subgraph have its id, and that of its trace. */
export function processLog(
  name: string,
  level: LogLevel = 'info',
  destination: DestinationStream = logOutput((lines) => lostLine(name, lines)),
): Logger {
  const mixin = () => {
    const requestId = currentRequestId()
    if (requestId === undefined) return {}
    const trace = currentTraceId()
    return trace === undefined ? { requestId } : { requestId, trace }
  }
  return pino({ name, level, mixin, serializers: { err: plainError } }, destination)
}

/** Written as it is: the log itself cannot take it while its reader hangs. */
function lostLine(name: string, lines: number): string {
  const { warn } = pino.levels.values
  const msg = 'lines of this log are lost: its reader was too slow'
  return `${JSON.stringify({ level: warn, time: Date.now(), name, lines, msg })}\n`
}

/** How far causes are followed. */
const mostCauses = 5

/**
 * Returns the parts of an error that are safe to log. What libraries attach to their errors is left out:
 * requests, headers, rows of a database, the text of a GraphQL document.
 */
function plainError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error
  const { code } = error as { code?: unknown }
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack,
    ...(error.cause !== undefined && depth < mostCauses
      ? { cause: plainError(error.cause, depth + 1) }
      : {}),
  }
}
