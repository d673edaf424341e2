import { z } from 'zod'
import { neverPassed } from '../errors.ts'
import { duration, flag, size, text, texts, wholeNumber } from './values.ts'

/** PEM texts: `${file.PATH}` inserts the content of a file. */
const tlsSchema = z
  .strictObject({
    ca: text()
      .optional()
      .describe("The certificate authority that signed the subgraph's certificate, as PEM"),
    certificate: text().optional().describe("The gateway's client certificate, as PEM"),
    key: text().optional().describe('The private key of the client certificate, as PEM'),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    message: 'certificate and key belong together: give both, or neither',
  })

const circuitBreakerSchema = z.union(
  [
    z.literal(false),
    z.strictObject({
      failures: wholeNumber({ least: 1, most: 10_000 })
        .default(20)
        .describe('After how many consecutive calls without a response the circuit opens'),
      pause: duration({ least: '100ms', most: '10m' })
        .default(2_000)
        .describe('How long the circuit stays open before one call tries the subgraph again'),
    }),
  ],
  'expected false, or failures and pause',
)

/** Which errors of a subgraph reach the client unchanged. */
const passSchema = z.strictObject({
  codes: texts()
    .default([])
    .describe('Errors with one of these codes reach the client with their message'),
  extensions: texts()
    .refine((names) => !names.some((name) => neverPassed.test(name)), {
      message: 'has a name that is never passed on: http, or what could hold a stack',
    })
    .default([])
    .describe('Which extensions of such an error reach the client, besides its code'),
})

const subgraphErrorsSchema = z.union(
  [z.enum(['redact', 'expose']), z.strictObject({ pass: passSchema })],
  'expected redact, expose, or pass with codes and extensions',
)

const subgraphSchema = z.strictObject({
  timeout: duration({ least: '10ms', most: '10m' })
    .optional()
    .describe('The longest time from a call to the last byte of its response (default 10s)'),
  connections: wholeNumber({ least: 1, most: 10_000 })
    .optional()
    .describe('The most connections to one subgraph (default 100)'),
  subgraph_errors: subgraphErrorsSchema
    .optional()
    .describe(
      "Which of the subgraph's error messages reach clients: redact, expose, or pass with a list (default redact)",
    ),
  response_limit: size({ least: '1KB', most: '1024MB' })
    .optional()
    .describe('The largest response that is accepted, after decompression (default 50MB)'),
  compression: flag()
    .optional()
    .describe('true: ask for compressed responses, gzip or br (default false)'),
  http2: flag().optional().describe('true: offer HTTP/2, over TLS (default false)'),
  tls: tlsSchema
    .optional()
    .describe('A certificate authority of your own, and the client certificate for mutual TLS'),
  circuit_breaker: circuitBreakerSchema
    .optional()
    .describe('When calls to a failing subgraph are suspended; false: never'),
  batch_entity_fetches: flag()
    .optional()
    .describe('Fetch sibling entities of an operation in one request (default true)'),
  deduplicate_requests: flag()
    .optional()
    .describe(
      'Send identical queries that are in flight once, for requests that forward the same claims (default false)',
    ),
})

/** How subgraphs are called: `all` for every subgraph, an entry by name for what differs. */
export const subgraphsSchema = z
  .record(z.string().min(1), subgraphSchema)
  .default({})
  .describe('How subgraphs are called: `all` for every subgraph, an entry by name for what differs')

export interface SubgraphSettings {
  /** The longest time from a call to the last byte of its response, in milliseconds. */
  readonly timeout: number
  /** The most connections to one subgraph. */
  readonly connections: number
  /** Which of the subgraph's error messages reach clients. */
  readonly errors: z.output<typeof subgraphErrorsSchema>
  /** The largest response that is accepted, after decompression, in bytes. */
  readonly responseLimit: number
  readonly compression: boolean
  readonly http2: boolean
  /** PEM texts. */
  readonly tls?: { ca?: string; certificate?: string; key?: string }
  /** After how many failures calls are suspended, and for how many milliseconds; false: never. */
  readonly circuitBreaker: { failures: number; pause: number } | false
  /** Whether sibling entities of an operation are fetched in one request. */
  readonly batchEntityFetches: boolean
  /** Whether identical queries in flight are sent once, for requests that forward the same claims. */
  readonly deduplicateRequests: boolean
}

const defaults: SubgraphSettings = {
  timeout: 10_000,
  connections: 100,
  errors: 'redact',
  responseLimit: 50 * 1024 * 1024,
  compression: false,
  http2: false,
  circuitBreaker: { failures: 20, pause: 2_000 },
  batchEntityFetches: true,
  deduplicateRequests: false,
}

/** Returns the settings of one subgraph: its own, else those of `all`, else the defaults. */
export function subgraphSettings(
  subgraphs: z.output<typeof subgraphsSchema>,
  name: string,
): SubgraphSettings {
  const given = (key: string) => (Object.hasOwn(subgraphs, key) ? subgraphs[key]! : {})
  return { ...defaults, ...settingsOf(given('all')), ...settingsOf(given(name)) }
}

/** Returns the given settings under the names that the code uses. */
function settingsOf(given: z.output<typeof subgraphSchema>): Partial<SubgraphSettings> {
  const settings = {
    timeout: given.timeout,
    connections: given.connections,
    errors: given.subgraph_errors,
    responseLimit: given.response_limit,
    compression: given.compression,
    http2: given.http2,
    tls: given.tls,
    circuitBreaker: given.circuit_breaker,
    batchEntityFetches: given.batch_entity_fetches,
    deduplicateRequests: given.deduplicate_requests,
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}
