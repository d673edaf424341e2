/** A collector of traces: OTLP over HTTP in JSON, each message checked as the protocol defines it. */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

const value = z.strictObject({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: z.number().int().optional(),
  doubleValue: z.number().optional(),
  arrayValue: z.strictObject({ values: z.array(z.unknown()) }).optional(),
})

const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value }))
  .transform((list): Record<string, unknown> =>
    Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]])),
  )

const spanId = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/)
const nanoseconds = z.string().regex(/^\d{19}$/)

/** The kinds of opentelemetry/proto/trace/v1/trace.proto. */
const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const

/** The JSON encoding of the protocol: ids in hexadecimal, enumerations as numbers, 64-bit numbers as text. */
const message = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes, droppedAttributesCount: z.number() }),
      schemaUrl: z.string().optional(),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string().optional() }),
          schemaUrl: z.string().optional(),
          spans: z.array(
            z.strictObject({
              traceId: z.string().regex(/^(?!0{32})[0-9a-f]{32}$/),
              spanId,
              parentSpanId: spanId.optional(),
              traceState: z.string().optional(),
              flags: z.number().int(),
              name: z.string().min(1),
              kind: z
                .number()
                .int()
                .min(1)
                .max(5)
                .transform((kind) => kinds[kind]!),
              startTimeUnixNano: nanoseconds,
              endTimeUnixNano: nanoseconds,
              attributes,
              droppedAttributesCount: z.literal(0),
              events: z.array(z.never()),
              droppedEventsCount: z.literal(0),
              links: z.array(z.never()),
              droppedLinksCount: z.literal(0),
              status: z.strictObject({
                code: z.union([z.literal(0), z.literal(1), z.literal(2)]),
                message: z.string().optional(),
              }),
            }),
          ),
        }),
      ),
    }),
  ),
})

type Message = z.output<typeof message>
type ResourceSpans = Message['resourceSpans'][number]

export interface CollectedSpan extends Omit<
  ResourceSpans['scopeSpans'][number]['spans'][number],
  'attributes'
> {
  readonly attributes: Record<string, unknown>
  readonly resource: Record<string, unknown>
}

export interface Collector {
  readonly url: string
  readonly spans: CollectedSpan[]
  /** Every byte received: paths, headers and bodies. */
  readonly received: string[]
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[]
  /** How it responds from now on; `hangs` does not. */
  behave(how: 'works' | 'fails' | 'hangs'): void
  close(): Promise<void>
}

/** Returns a running collector. */
export async function startCollector(port = 0): Promise<Collector> {
  const spans: CollectedSpan[] = []
  const received: string[] = []
  const requests: Collector['requests'] = []
  let behaviour: 'works' | 'fails' | 'hangs' = 'works'
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    requests.push({ path: request.url!, headers: request.headers })
    received.push(request.url!, JSON.stringify(request.rawHeaders), text)
    if (behaviour === 'hangs') return
    if (behaviour === 'fails') return void response.writeHead(500).end()
    for (const { resource, scopeSpans } of message.parse(JSON.parse(text)).resourceSpans)
      for (const scope of scopeSpans)
        spans.push(...scope.spans.map((span) => ({ ...span, resource: resource.attributes })))
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await new Promise<void>((ready) => server.listen(port, '127.0.0.1', ready))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    received,
    requests,
    behave: (how) => void (behaviour = how),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
