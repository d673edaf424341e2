import { z } from 'zod'
import { neverPassed } from '../errors.ts'
import { headersSchema, namedIn, namesBehind } from './headers.ts'
import { camelCased, duration, flag, size, text, texts, together, wholeNumber } from './values.ts'
import type { CamelCased } from './values.ts'

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
  event_silence: duration({ least: '1s', most: '1h' })
    .optional()
    .describe(
      'How long a subscription at the subgraph may be silent, heartbeats included, before it counts as lost (default 30s)',
    ),
  subscription_protocol: z
    .enum(['sse', 'websocket', 'callback'])
    .optional()
    .describe(
      'How the gateway subscribes at the subgraph. sse: server-sent events; websocket: graphql-transport-ws; callback: HTTP callbacks (default sse)',
    ),
  subscription_path: text()
    .refine((path) => /^\/(?!\/)[^\s#\\]*$/.test(path), {
      message: 'expected a path, such as "/graphql/ws"',
    })
    .optional()
    .describe("The path for subscriptions at the subgraph (default: that of the subgraph's URL)"),
  subscription_reconnect: duration({ least: '0s', most: '1h' })
    .optional()
    .describe(
      'For how long a subscription that the subgraph has lost is opened again, before it ends with an error; 0s: never (default 60s)',
    ),
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
  deduplicate_subscriptions: flag()
    .optional()
    .describe(
      'Open equal subscriptions once, for callers of whom the same is forwarded, and execute each of their events once (default false)',
    ),
  headers: headersSchema
    .optional()
    .describe('Which headers pass the gateway: those of the client, and those of responses'),
  pass_token: flag()
    .optional()
    .describe(
      "true: the subgraph gets the caller's access token in Authorization (default false); not in `all`",
    ),
  response_extensions: texts()
    .max(20, 'expected at most 20 names')
    .refine((names) => !names.some((name) => ownExtensions.includes(name)), {
      message: 'has a name that is never passed on: __proto__, or one that the gateway writes',
    })
    .optional()
    .describe("Which top-level extensions of the subgraph's responses clients get (default none)"),
})

const ownExtensions = ['__proto__', 'authorization', 'authorizationErrors']

/** How subgraphs are called: `all` for every subgraph, an entry by name for what differs. */
export const subgraphsSchema = z
  .record(z.string().min(1), subgraphSchema)
  .default({})
  .check(
    together<Readonly<Record<string, { pass_token?: unknown } | undefined>>>(({ all }, problem) => {
      if (all?.pass_token === undefined) return
      const message =
        'is not for all subgraphs: set it for each one that verifies access tokens itself'
      problem(['all', 'pass_token'], message)
    }),
  )
  .describe('How subgraphs are called: `all` for every subgraph, an entry by name for what differs')

type Given = CamelCased<z.output<typeof subgraphSchema>>

type WithoutDefault = 'tls' | 'subscriptionPath'

/** The settings of one subgraph. */
export type SubgraphSettings = Pick<Given, WithoutDefault> & {
  readonly [Key in Exclude<keyof Given, WithoutDefault>]: NonNullable<Given[Key]>
}

const defaults: SubgraphSettings = {
  timeout: 10_000,
  connections: 100,
  subgraphErrors: 'redact',
  responseLimit: 50 * 1024 * 1024,
  eventSilence: 30_000,
  subscriptionProtocol: 'sse',
  subscriptionReconnect: 60_000,
  compression: false,
  http2: false,
  circuitBreaker: { failures: 20, pause: 2_000 },
  batchEntityFetches: true,
  deduplicateRequests: false,
  deduplicateSubscriptions: false,
  headers: { request: [], response: [] },
  passToken: false,
  responseExtensions: [],
}

/**
 * Returns the settings of one subgraph: its own, else those of `all`, else the defaults. Rules and lists of what passes
 * add up.
 */
export function subgraphSettings(
  subgraphs: z.output<typeof subgraphsSchema>,
  name: string,
): SubgraphSettings {
  const given = (key: string): Given =>
    camelCased(Object.hasOwn(subgraphs, key) ? subgraphs[key]! : {})
  const [all, own] = [given('all'), given(name)]
  const both = [all, own]
  return {
    ...defaults,
    ...all,
    ...own,
    headers: {
      request: both.flatMap(({ headers }) => headers?.request ?? []),
      response: both.flatMap(({ headers }) => headers?.response ?? []),
    },
    responseExtensions: both.flatMap(({ responseExtensions = [] }) => responseExtensions),
  } as SubgraphSettings
}

/** Returns whether a rule names `cache-control`. */
export function namesCacheControl(subgraphs: z.output<typeof subgraphsSchema>): boolean {
  return responseHeaderNames(subgraphs).includes('cache-control')
}

/** Returns the headers that clients get of subgraphs, as far as rules name them. */
export function responseHeaderNames(subgraphs: z.output<typeof subgraphsSchema>): string[] {
  const rules = Object.values(subgraphs).flatMap(({ headers }) => headers?.response ?? [])
  return [...new Set(namesBehind(rules))]
}

/** Returns the headers of clients that subgraphs get, as far as rules name them. */
export function requestHeaderNames(subgraphs: z.output<typeof subgraphsSchema>): string[] {
  const rules = Object.values(subgraphs).flatMap(({ headers }) => headers?.request ?? [])
  return [...new Set(namedIn(rules))]
}

/** Returns whether any subgraph gets access tokens. */
export function passesTokens(subgraphs: z.output<typeof subgraphsSchema>): boolean {
  return Object.values(subgraphs).some(({ pass_token: passToken }) => passToken)
}
