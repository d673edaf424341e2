import type { Logger } from 'pino'
import { exportReport } from '../telemetry/export-report.ts'
import type { RequestFacts } from '../telemetry/request-facts.ts'
import { sampling } from '../telemetry/sampling.ts'
import type { SpanLoss } from '../telemetry/span-queue.ts'
import { notSampled, readTraceContext } from '../telemetry/trace-context.ts'
import type { TraceSettings } from './trace-settings.ts'

export interface Traces {
  /** Begins the trace of a request if it is sampled; notes what its calls to subgraphs carry otherwise. */
  begin(facts: RequestFacts): void
  /** Exports the last spans, for at most two seconds. */
  close(): Promise<void>
}

/** Returns the traces of these settings; undefined, without loading anything, where there are none. */
export async function configuredTraces(
  settings: TraceSettings | undefined,
  { onLost, log }: { onLost: (loss: SpanLoss, spans: number) => void; log: Logger },
): Promise<Traces | undefined> {
  if (!settings) return undefined
  const { openTelemetry } = await import('../telemetry/open-telemetry.ts')
  const sample = sampling(settings)
  const report = exportReport(log)
  const { begin, close } = openTelemetry({
    ...settings,
    onLost(loss, spans, error) {
      onLost(loss, spans)
      report.lost(loss, spans, error)
    },
    onExported: report.exported,
  })
  return {
    begin(facts) {
      const { headers, isFromTrustedProxy = false } = facts.request
      const brought = readTraceContext(headers)
      if (sample(brought, isFromTrustedProxy)) {
        facts.trace = begin(facts, brought)
        facts.traceContext = brought
      } else facts.traceContext = notSampled(brought)
    },
    close,
  }
}
