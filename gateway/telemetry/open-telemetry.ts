/** OpenTelemetry's SDK. Loading it takes time and memory: it is loaded only where traces are configured. */
import { randomUUID } from 'node:crypto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import { AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import type { TraceContext } from '../client-request.ts'
import type { RequestFacts } from './request-facts.ts'
import { RequestTrace } from './request-trace.ts'
import { spanQueue } from './span-queue.ts'
import type { SpanQueueOptions } from './span-queue.ts'

export interface OpenTelemetryOptions extends Omit<SpanQueueOptions, 'exporter'> {
  /** Where spans are sent: the URL of OTLP over HTTP. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  /** What every span says of this deployment. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** In characters. */
const longestValue = 512

/**
 * Returns what begins the trace of a sampled request, and what ends the export. The libraries read the
 * variables OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_* (headers, time-out,
 * compression, certificates) themselves.
 */
export function openTelemetry({
  endpoint: url,
  headers,
  attributes,
  ...queueOptions
}: OpenTelemetryOptions) {
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers } })
  const queue = spanQueue({ exporter, ...queueOptions })
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    spanLimits: { attributeValueLengthLimit: longestValue },
    spanProcessors: [queue],
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          'service.name': 'portcullis',
          'service.instance.id': randomUUID(),
        }),
      )
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ ...attributes })),
  })
  const tracer = provider.getTracer('portcullis')

  return {
    begin: (facts: RequestFacts, brought: TraceContext | undefined) =>
      new RequestTrace(tracer, facts, brought),
    /** Exports the last spans, for at most two seconds. */
    close: () => queue.shutdown(),
  }
}
