import { z } from 'zod'
import { faultOfUrl } from '../authentication/issuer-url.ts'
import { address, camelCased, duration, flag, text, together, wholeNumber } from './values.ts'

/** `authentication.api_keys`: how a key is exchanged for an access token (RFC 8693). */
export const apiKeysSchema = z
  .strictObject({
    token_endpoint: address().describe(
      'The URL of the token endpoint that exchanges a key for an access token (RFC 8693)',
    ),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]{2,32}$/, 'expected 2 to 32 letters, digits, - or _')
      .refine((prefix) => !prefix.startsWith('ey'), {
        message: 'access tokens begin with ey: they would count as keys',
      })
      .default('pck_')
      .describe('The first characters of every key: they distinguish it from an access token'),
    subject_token_type: text()
      .default('urn:portcullis:params:oauth:token-type:api-key')
      .describe('The subject_token_type that the gateway sends for a key (RFC 8693)'),
    allow_http: flag()
      .default(false)
      .describe('true: keys may be sent without TLS to a host other than this machine'),
    timeout: duration({ least: '100ms', most: '30s' })
      .default(1_500)
      .describe('The longest time that an exchange may take'),
    entries: wholeNumber({ least: 1, most: 10_000_000 })
      .default(10_000)
      .describe('How many keys are cached with their access tokens'),
    refused_for: duration({ least: '0s', most: '1m' })
      .default(5_000)
      .describe('How long the refusal of a key is cached'),
  })
  .check(
    together<{ token_endpoint?: unknown; allow_http?: unknown }>((keys, problem) => {
      const { token_endpoint: endpoint, allow_http: allowHttp } = keys
      if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return
      const fault = faultOfUrl(endpoint, allowHttp === true)
      if (fault) problem(['token_endpoint'], fault)
    }),
  )
  .transform(({ allow_http: _, ...rest }) => camelCased(rest))
