import { z } from 'zod'
import { neverPassed } from '../errors.ts'
import { duration, flag, size, text, texts, wholeNumber } from './values.ts'

/** PEM texts: `${file.PATH}` puts a file's in. */
const tlsSchema = z
  .strictObject({
    ca: text().optional().describe("The authority that signed the subgraph's certificate"),
    certificate: text().optional().describe('What the gateway shows of itself'),
    key: text().optional().describe('The private key of that certificate'),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    message: 'certificate and key belong together: give both, or neither',
  })

const breakerSchema = z.union(
  [
    z.literal(false),
    z.strictObject({
      failures: wholeNumber({ least: 1, most: 10_000 })
        .default(20)
        .describe('After how many calls in a row without an answer'),
      pause: duration({ least: '100ms', most: '10m' })
        .default(2_000)
        .describe('How long until one call tries whether it answers again'),
    }),
  ],
  'expected false, or failures and pause',
)

/** Words of a subgraph's own that pass to the client. */
const passSchema = z.strictObject({
  codes: texts().default([]).describe('Codes of errors that pass with their own message'),
  extensions: texts()
    .refine((names) => !names.some((name) => neverPassed.test(name)), {
      message: 'has a name that is never passed on: http, or what could hold a stack',
    })
    .default([])
    .describe('Extensions that pass beside a code that passes'),
})

const subgraphErrorsSchema = z.union(
  [z.enum(['redact', 'expose']), z.strictObject({ pass: passSchema })],
  'expected redact, expose, or pass with codes and extensions',
)

const subgraphSchema = z.strictObject({
  timeout: duration({ least: '10ms', most: '10m' })
    .optional()
    .describe('The longest a call may take until its last byte (default 10s)'),
  connections: wholeNumber({ least: 1, most: 10_000 })
    .optional()
    .describe('How many connections are kept to one subgraph at most (default 100)'),
  subgraph_errors: subgraphErrorsSchema
    .optional()
    .describe("What clients see of the subgraph's own errors (default redact)"),
  response_limit: size({ least: '1KB', most: '1024MB' })
    .optional()
    .describe('The largest answer that is read, once decompressed (default 50MB)'),
  compression: flag().optional().describe('Ask for compressed answers: gzip, br (default false)'),
  http2: flag().optional().describe('Offer HTTP/2, over TLS (default false)'),
  tls: tlsSchema.optional().describe('For a subgraph with an authority of its own, or mutual TLS'),
  breaker: breakerSchema
    .optional()
    .describe('When a subgraph that does not answer is left alone for a moment; false: never'),
  join: flag()
    .optional()
    .describe('Ask for sibling entities of an operation in one request (default true)'),
  share: flag()
    .optional()
    .describe(
      'Share identical queries under way with other requests that forward the same claims (default false)',
    ),
})

/** How subgraphs are called: `all` for every one, an entry by name for what differs. */
export const subgraphsSchema = z
  .record(z.string().min(1), subgraphSchema)
  .default({})
  .describe('How subgraphs are called: `all`, and by name what differs')

export interface SubgraphSettings {
  /** The longest a call may take until its last byte, in milliseconds. */
  readonly timeout: number
  /** How many connections are kept to one subgraph at most. */
  readonly connections: number
  /** What clients see of the subgraph's own errors. */
  readonly errors: z.output<typeof subgraphErrorsSchema>
  /** The largest answer that is read, once decompressed, in bytes. */
  readonly responseLimit: number
  readonly compression: boolean
  readonly http2: boolean
  /** PEM texts. */
  readonly tls?: { ca?: string; certificate?: string; key?: string }
  /** After how many failures it is left alone, and for how many milliseconds; false: never. */
  readonly breaker: { failures: number; pause: number } | false
  /** Whether sibling entities of an operation are asked for in one request. */
  readonly join: boolean
  /** Whether identical queries under way are shared among requests that forward the same claims. */
  readonly share: boolean
}

const defaults: SubgraphSettings = {
  timeout: 10_000,
  connections: 100,
  errors: 'redact',
  responseLimit: 50 * 1024 * 1024,
  compression: false,
  http2: false,
  breaker: { failures: 20, pause: 2_000 },
  join: true,
  share: false,
}

/** Returns the settings of one subgraph: its own, else those of `all`, else the defaults. */
export function subgraphSettings(
  subgraphs: z.output<typeof subgraphsSchema>,
  name: string,
): SubgraphSettings {
  const given = (key: string) => (Object.hasOwn(subgraphs, key) ? subgraphs[key]! : {})
  return { ...defaults, ...settingsOf(given('all')), ...settingsOf(given(name)) }
}

/** Returns what is given, in the names of the code. */
function settingsOf(given: z.output<typeof subgraphSchema>): Partial<SubgraphSettings> {
  const { subgraph_errors: errors, response_limit: responseLimit, ...rest } = given
  const settings = Object.entries({ ...rest, errors, responseLimit })
  return Object.fromEntries(settings.filter(([, value]) => value !== undefined))
}
