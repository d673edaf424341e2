import { z } from 'zod'
import { address, camelCased, duration, text } from './values.ts'

/** `authentication.issuers.*.introspection`: how the issuer is asked about its tokens (RFC 7662). */
export const introspectionSchema = z
  .strictObject({
    endpoint: address().describe("The URL of the issuer's introspection endpoint"),
    client_id: text().describe('The id of the gateway as a client of the issuer'),
    client_secret: text().describe(
      'Its secret: ${file./run/secrets/...} keeps it out of this file',
    ),
    active_for: duration({ least: '0s', most: '10m' })
      .default(30_000)
      .describe('How long the issuer is not asked again about an active token'),
    keep_connections_for: duration({ least: '0s', most: '1h' })
      .default(300_000)
      .describe(
        'How long an open connection is kept after active_for, while the issuer cannot be reached',
      ),
    timeout: duration({ least: '100ms', most: '30s' })
      .default(1_500)
      .describe('The longest time that an introspection may take'),
  })
  .transform(camelCased)
