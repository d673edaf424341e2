/** A log of the product whose lines a test can read. */
import type { Logger } from 'pino'
import { processLog } from '../../subgraphs/kit/process/log.ts'

export interface RecordedLog {
  readonly log: Logger
  /** Every line so far. */
  readonly lines: string[]
}

/** Returns a log without lines. */
export function recordedLog(): RecordedLog {
  const lines: string[] = []
  return { log: processLog('test', 'debug', { write: (line) => void lines.push(line) }), lines }
}
