import { z } from 'zod'
import { flag, text } from './values.ts'

/** A part of all requests, from none to all of them; digits also as text. */
function part() {
  const message = 'expected a number from 0 to 1, such as 0.1'
  return z
    .union([z.number(), z.string().regex(/^\d+(\.\d+)?$/, message)], message)
    .transform(Number)
    .refine((value) => value >= 0 && value <= 1, { message })
}

/** What the URL of a collector is, in words. */
export const collectorUrl =
  'an http or https URL without a user, such as http://127.0.0.1:4318 (give credentials in headers)'

/** Returns whether a text is the URL of a collector. It is in the log: credentials belong in headers. */
export function isCollectorUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}

/** A field name and a field value of HTTP (RFC 9110 sections 5.1 and 5.5). */
const fieldName = z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, 'expected the name of an HTTP header')
const fieldValue = z.string().regex(/^[\x20-\x7e]+$/, 'expected printable ASCII')

const tracesSchema = z
  .strictObject({
    endpoint: z
      .string(`expected ${collectorUrl}`)
      .refine(isCollectorUrl, `expected ${collectorUrl}`)
      .optional()
      .describe('The collector; /v1/traces is added to a URL without a path'),
    headers: z
      .record(fieldName, fieldValue)
      .optional()
      .describe('Headers for the collector, such as its credentials'),
    ratio: part()
      .optional()
      .describe('The part of the requests that is traced: 0.05 is one of twenty'),
    parent: flag()
      .optional()
      .describe('true: the decision of a trusted proxy (traceparent) is followed'),
    attributes: z
      .record(text(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .describe('What each span says of this deployment, such as deployment.environment.name'),
  })
  .optional()
  .describe('Spans of sampled requests, sent to a collector as OTLP over HTTP')

/** `telemetry:` of gateway.yaml: what the gateway reports about single requests. */
export const telemetrySchema = z
  .strictObject({
    access_log: z
      .strictObject({
        sample: part()
          .default(0.1)
          .describe('The part of the successful requests that is logged: 0.1 is one of ten'),
        errors: part()
          .default(1)
          .describe('The part of all other requests that is logged: those with errors or denials'),
      })
      .prefault({})
      .describe('One line of JSON per sampled request on standard output; both 0: none'),
    traces: tracesSchema,
    usage: flag()
      .default(true)
      .describe('Counts which clients use which fields, for /usage on the metrics port'),
  })
  .prefault({})
  .transform(({ access_log, traces, usage }) => ({ accessLog: access_log, traces, usage }))
