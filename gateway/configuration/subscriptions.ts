import { z } from 'zod'
import { address, camelCased, duration, flag, size, text, wholeNumber } from './values.ts'

/** How much may wait for a client that does not read fast enough. */
const queueSchema = z
  .strictObject({
    events: wholeNumber({ least: 1, most: 100_000 })
      .default(128)
      .describe('The most events of a subscription that wait for their execution'),
    bytes: size({ least: '1KB', most: '100MB' })
      .default(1024 * 1024)
      .describe('The largest size of those events, and of what a client has not read yet'),
    overflow: z
      .enum(['end', 'drop_oldest'])
      .default('end')
      .describe(
        'What happens beyond that. end: the subscription ends with SUBSCRIPTION_TOO_SLOW; drop_oldest: its oldest events are dropped',
      ),
  })
  .prefault({})

/** Where subgraphs with the protocol `callback` deliver events. */
const callbackSchema = z
  .strictObject({
    public_url: address()
      .refine((url) => /^https?:/.test(url) && !/[?#]/.test(url), {
        message:
          'expected an http or https URL without a query, such as "http://gateway:4010/callback"',
      })
      .describe('Where subgraphs reach this port'),
    host: text().default('127.0.0.1').describe('The address to listen on'),
    port: wholeNumber({ least: 0, most: 65_535 }).describe('The port to listen on'),
  })
  .transform(camelCased)
  .optional()
  .describe('The port for events by HTTP callback; left out: there is none')

/** `subscriptions:` of gateway.yaml: operations that live long, and the connections that carry them. */
export const subscriptionsSchema = z
  .strictObject({
    enabled: flag()
      .default(true)
      .describe('false: subscriptions and WebSockets are refused; so they are with engine: apollo'),
    heartbeat: duration({ least: '1s', most: '10m' })
      .default(12_000)
      .describe(
        'How often a connection without events shows that it is alive; multipart responses at least every 5 s',
      ),
    connections: wholeNumber({ least: 1, most: 1_000_000 })
      .default(10_000)
      .describe('The most WebSockets and streams of one process'),
    connections_per_caller: wholeNumber({ least: 1, most: 1_000_000 })
      .default(20)
      .describe(
        'The most of them for one subject, or for one address (IPv6: /64 network) of anonymous callers',
      ),
    operations_per_connection: wholeNumber({ least: 1, most: 10_000 })
      .default(100)
      .describe('The most operations at a time on one WebSocket'),
    operations_per_caller: wholeNumber({ least: 1, most: 1_000_000 })
      .default(500)
      .describe('The most subscriptions of one caller, on all its connections together'),
    init_timeout: duration({ least: '100ms', most: '1m' })
      .default(3_000)
      .describe('How long a client may take until its connection_init'),
    policies_recheck: duration({ least: '1s', most: '1h' })
      .default(60_000)
      .describe('After how long @policy is decided again for the events of a subscription'),
    queue: queueSchema,
    callback: callbackSchema,
  })
  .prefault({})
  .transform(camelCased)
