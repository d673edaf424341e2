/** The log of the export of spans: one line when spans are lost, and one when they arrive again. */
import type { Logger } from 'pino'
import type { SpanLoss } from './span-queue.ts'

/** How long nothing must have been lost before an outage is over, in milliseconds. */
const calm = 10_000

const mostCharacters = 200

export interface ExportReport {
  lost(loss: SpanLoss, spans: number, error?: Error): void
  exported(): void
}

/** Returns the reporter; the clock is in milliseconds. */
export function exportReport(log: Logger, now = () => performance.now()): ExportReport {
  let lost = 0
  let lastLoss = 0

  return {
    lost(loss, spans, error) {
      if (lost === 0) {
        const reason = error ? error.message.slice(0, mostCharacters) : loss
        log.warn({ reason }, 'spans are lost: the collector is down, or too slow')
      }
      lost += spans
      lastLoss = now()
    },
    exported() {
      if (lost === 0 || now() - lastLoss < calm) return
      log.info({ lost }, 'spans reach the collector again')
      lost = 0
    },
  }
}
