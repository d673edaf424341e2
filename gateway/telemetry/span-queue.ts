/** The spans that wait to be exported: a bounded number, one export at a time. What does not fit is lost. */
import { ExportResultCode } from '@opentelemetry/core'
import type { ExportResult } from '@opentelemetry/core'
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'

/** Why spans are lost. */
export type SpanLoss = 'queue_full' | 'export_failed'

export interface SpanQueueOptions {
  readonly exporter: SpanExporter
  /** How long finished spans wait for others, in milliseconds. */
  readonly exportDelay: number
  /** The most spans that wait; a span is some 2 KB. */
  readonly mostWaiting: number
  /** How long an export may take, in milliseconds; default one minute. */
  readonly longestExport?: number
  /** Gets the number of spans that were lost, and the error of a failed export. */
  readonly onLost: (loss: SpanLoss, spans: number, error?: Error) => void
  readonly onExported: () => void
}

const mostAtOnce = 512

/** The result of an export that takes too long. */
const endless: ExportResult = {
  code: ExportResultCode.FAILED,
  error: new Error('no complete response in time'),
}

/** How long the last exports may take when the process stops, in milliseconds. */
const shutdownTime = 2_000

/** Returns the processor that hands finished spans to the exporter. It never throws or rejects. */
export function spanQueue(options: SpanQueueOptions): SpanProcessor {
  const { exporter, exportDelay, mostWaiting, longestExport = 60_000 } = options
  const { onLost, onExported } = options
  let waiting: ReadableSpan[] = []
  let timer: NodeJS.Timeout | undefined
  let exporting: Promise<void> | undefined
  let isShutDown = false

  return {
    onStart() {},
    onEnd(span) {
      if (isShutDown || waiting.length >= mostWaiting) return onLost('queue_full', 1)
      waiting.push(span)
      if (exporting) return
      if (waiting.length >= mostAtOnce) exportNext()
      else timer ??= setTimeout(exportNext, exportDelay).unref()
    },
    forceFlush: exportAll,
    async shutdown() {
      isShutDown = true
      let timeout: NodeJS.Timeout | undefined
      const tooLate = new Promise<void>((end) => (timeout = setTimeout(end, shutdownTime)))
      await Promise.race([exportAll(), tooLate])
      clearTimeout(timeout)
      if (waiting.length > 0) onLost('export_failed', waiting.length)
      waiting = []
    },
  }

  async function exportAll(): Promise<void> {
    while (exporting || waiting.length > 0) await (exporting ?? exportNext())
  }

  /** Exports the first spans; the next ones follow when they are many, or have waited long enough. */
  function exportNext(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    exporting = exportSpans(waiting.splice(0, mostAtOnce)).then(() => {
      exporting = undefined
      if (isShutDown || waiting.length === 0) return
      if (waiting.length >= mostAtOnce) void exportNext()
      else timer ??= setTimeout(exportNext, exportDelay).unref()
    })
    return exporting
  }

  /** The exporter itself has a time limit for silence only: a response may go on without end. */
  async function exportSpans(spans: ReadableSpan[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const result = await new Promise<ExportResult>((resolve) => {
      timer = setTimeout(() => resolve(endless), longestExport).unref()
      exporter.export(spans, resolve)
    }).catch((error: Error) => ({ code: ExportResultCode.FAILED, error }))
    clearTimeout(timer)
    if (result.code === ExportResultCode.SUCCESS) onExported()
    else onLost('export_failed', spans.length, result.error)
  }
}
