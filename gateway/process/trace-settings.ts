/** Where traces go and which requests have one: gateway.yaml, and what OpenTelemetry's variables say besides. */
import type { Settings } from '../../subgraphs/kit/process/settings.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { collectorUrl, isCollectorUrl } from '../configuration/telemetry.ts'

export interface TraceSettings {
  /** The URL of OTLP over HTTP, with its path. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  /** The part of the requests that is traced, from 0 to 1. */
  readonly ratio: number
  /** Whether the decision of a trusted proxy is followed. */
  readonly parent: boolean
  /** How long finished spans wait for others, in milliseconds. */
  readonly exportDelay: number
  /** The most spans that wait to be exported. */
  readonly mostWaiting: number
}

/** What each value of OTEL_TRACES_SAMPLER means; the ratio of the others is OTEL_TRACES_SAMPLER_ARG. */
const samplers = {
  parentbased_traceidratio: { parent: true, ratio: undefined },
  parentbased_always_on: { parent: true, ratio: 1 },
  parentbased_always_off: { parent: true, ratio: 0 },
  traceidratio: { parent: false, ratio: undefined },
  always_on: { parent: false, ratio: 1 },
  always_off: { parent: false, ratio: 0 },
} as const

type SamplerName = keyof typeof samplers

const samplerNames = Object.keys(samplers) as SamplerName[]
const defaultRatio = 0.05
const pathOfTraces = 'v1/traces'

/** Returns the settings; undefined where no endpoint is named. Problems are reported to the settings of the process. */
export function traceSettings(
  { telemetry }: GatewayConfig,
  settings: Settings,
): TraceSettings | undefined {
  const { traces = {} } = telemetry
  const isDisabled = settings.optional('OTEL_SDK_DISABLED')?.toLowerCase() === 'true'
  const endpoint = traces.endpoint ?? endpointOf(settings)
  if (isDisabled || endpoint === undefined) return undefined
  for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'])
    settings.choice(name, ['http/json', 'http/protobuf'], 'http/json')
  const sampler =
    samplers[settings.choice('OTEL_TRACES_SAMPLER', samplerNames, 'parentbased_traceidratio')]
  return {
    endpoint: withPath(endpoint),
    headers: traces.headers ?? {},
    attributes: traces.attributes ?? {},
    ratio: traces.ratio ?? sampler.ratio ?? ratioOf(settings),
    parent: traces.parent ?? sampler.parent,
    exportDelay: settings.wholeNumber('OTEL_BSP_SCHEDULE_DELAY', 2_000, { least: 1, most: 60_000 }),
    mostWaiting: settings.wholeNumber('OTEL_BSP_MAX_QUEUE_SIZE', 4_096, {
      least: 1,
      most: 100_000,
    }),
  }
}

function endpointOf(settings: Settings): string | undefined {
  if (settings.optional('OTEL_TRACES_EXPORTER') === 'none') return undefined
  const ofTraces = settings.optional('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')
  const ofAll = settings.optional('OTEL_EXPORTER_OTLP_ENDPOINT')
  const name = ofTraces ? 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT' : 'OTEL_EXPORTER_OTLP_ENDPOINT'
  const text = ofTraces ?? ofAll
  if (text === undefined) return undefined
  if (!isCollectorUrl(text)) {
    settings.problem(`${name} is not ${collectorUrl}`)
    return undefined
  }
  return ofTraces ?? `${text.replace(/\/$/, '')}/${pathOfTraces}`
}

/** A URL without a path names a collector. */
function withPath(endpoint: string): string {
  const url = new URL(endpoint)
  return url.pathname === '/' ? new URL(pathOfTraces, url).href : endpoint
}

/** Without its argument, a sampler that is named takes all (OpenTelemetry, environment variables). */
function ratioOf(settings: Settings): number {
  const text = settings.optional('OTEL_TRACES_SAMPLER_ARG')
  if (text === undefined) return settings.optional('OTEL_TRACES_SAMPLER') ? 1 : defaultRatio
  const ratio = Number(text)
  if (ratio >= 0 && ratio <= 1) return ratio
  settings.problem(
    `OTEL_TRACES_SAMPLER_ARG is ${JSON.stringify(text)}: expected a number from 0 to 1`,
  )
  return defaultRatio
}
