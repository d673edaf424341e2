import { isIP, isIPv4 } from 'node:net'
import { z } from 'zod'
import { publicUrlSchema, resourceMetadataSchema } from './public-url.ts'
import { camelCased, duration, flag, size, text, together, wholeNumber } from './values.ts'

const originSchema = z
  .string()
  .refine((text) => isOrigin(text) || isOriginPattern(text), {
    message: 'expected an origin such as https://app.example.com, or https://*.example.com',
  })
  .transform((text) => (isOriginPattern(text) ? subdomainsOf(text) : text))

/** The browser pages of other origins that may use the gateway (the CORS protocol of the Fetch standard). */
const corsSchema = z
  .strictObject({
    origins: z
      .union([z.literal('*'), z.array(originSchema)])
      .describe(
        "The allowed origins: https://app.example.com, or https://*.example.com for all subdomains; '*' for every page, without credentials",
      ),
    credentials: flag().default(false).describe('true: browsers may send cookies'),
  })
  .refine(({ origins, credentials }) => !(origins === '*' && credentials), {
    path: ['credentials'],
    message: "cannot be true while origins is '*': any page could act for a user who is logged in",
  })

/** As a browser writes it (RFC 6454 section 6.1): without a path, in lower case, without a default port. */
function isOrigin(text: string): boolean {
  return !text.includes('*') && URL.canParse(text) && new URL(text).origin === text
}

/** One `*` in place of the first labels of a host, but not below a top-level domain. */
function isOriginPattern(text: string): boolean {
  const [, parent] = /^https?:\/\/\*\.([^:/]+)/.exec(text) ?? []
  if (parent === undefined || !isOrigin(text.replace('*', 'x'))) return false
  return parent === 'localhost' || parent.includes('.')
}

/** Returns an expression that matches the origins of all hosts below the host of the pattern. */
function subdomainsOf(pattern: string): RegExp {
  const [scheme, rest] = pattern.split('*') as [string, string]
  return new RegExp(`^${escaped(scheme)}(?:[a-z0-9_-]+\\.)*[a-z0-9_-]+${escaped(rest)}$`)
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

const proxyNames = ['loopback', 'linklocal', 'uniquelocal']

/** The address of a proxy, or of a network of them: CIDR, or a mask after the slash. */
function isProxy(text: string): boolean {
  const [address = '', size, ...more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more.length > 0) return proxyNames.includes(text)
  if (size === undefined) return true
  if (/^\d+$/.test(size)) return Number(size) >= 1 && Number(size) <= (version === 4 ? 32 : 128)
  return version === 4 && isIPv4(size) && /^1+0*$/.test(bitsOf(size))
}

function bitsOf(address: string): string {
  return address
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('')
}

/** How long a request may take to arrive. */
const timeoutsSchema = z
  .strictObject({
    headers: duration({ least: '100ms', most: '10m' })
      .default(10_000)
      .describe('The longest time for the headers of a request to arrive'),
    request: duration({ least: '100ms', most: '1h' })
      .default(30_000)
      .describe('The longest time for a whole request to arrive, body included'),
  })
  .refine(({ headers, request }) => headers <= request, {
    path: ['headers'],
    message: 'cannot be longer than the time for the whole request',
  })
  .prefault({})

/** What happens between SIGTERM and the end of the process. */
const drainSchema = z
  .strictObject({
    announce: duration({ least: '0s', most: '10m' })
      .optional()
      .describe(
        'How long connections are still accepted while /ready says 503; 5s in production (NODE_ENV), otherwise 0s',
      ),
    finish: duration({ least: '0s', most: '1h' })
      .default(25_000)
      .describe('The longest time for the requests in progress to complete after that'),
  })
  .prefault({})

/** Which responses are compressed for clients that accept it. */
const compressionSchema = z
  .union(
    [
      z.literal(false),
      z.strictObject({
        from: size({ least: '0B', most: '100MB' })
          .default(1024)
          .describe('The smallest response that is compressed'),
      }),
    ],
    'expected false, or from with a size such as "1KB"',
  )
  .prefault({})
  .transform((compression) => (compression === false ? undefined : compression))
  .describe('gzip and br, for clients that accept them; false: responses are not compressed')

/** `http:` of gateway.yaml: how clients and proxies reach the gateway. */
export const httpSchema = z
  .strictObject({
    realm: text()
      .regex(/^[\x20-\x7e]+$/, 'expected printable ASCII')
      .default('portcullis')
      .describe('The protection space that WWW-Authenticate names (RFC 9110 section 11.5)'),
    public_url: publicUrlSchema.optional(),
    resource_metadata: resourceMetadataSchema,
    body_limit: size({ least: '1KB', most: '10MB' })
      .default(100 * 1024)
      .describe('The largest request body that is accepted'),
    compression: compressionSchema,
    batching: z
      .strictObject({
        max: wholeNumber({ least: 1, most: 100 }).describe('The most operations of one request'),
      })
      .optional()
      .describe('Accepts an array of operations as one request; left out: it is refused'),
    deadline: duration({ least: '100ms', most: '10m' })
      .default(30_000)
      .describe('The longest time for a response: what is missing then is reported as an error'),
    keep_alive: duration({ least: '1s', most: '1h' })
      .default(75_000)
      .describe(
        'How long a connection without a request is kept: longer than the proxies in front keep theirs',
      ),
    timeouts: timeoutsSchema,
    connections: wholeNumber({ least: 1, most: 1_000_000 })
      .default(10_000)
      .describe('The most client connections of one process; others are closed at once'),
    drain: drainSchema,
    cors: corsSchema.optional(),
    trusted_proxies: z
      .union([
        wholeNumber({ least: 0, most: 10 }),
        z.array(
          z.string().refine(isProxy, 'expected an IP address, or a network such as 10.0.0.0/8'),
        ),
      ])
      .default(0)
      .describe(
        'How many proxies are in front of the gateway, or their addresses (CIDR): X-Forwarded-For is trusted from them only',
      ),
  })
  .prefault({})
  .check(
    together<{ public_url?: unknown; resource_metadata?: unknown }>((http, problem) => {
      if (http.public_url !== undefined || Object.keys(Object(http.resource_metadata)).length === 0)
        return
      problem(['resource_metadata'], 'needs public_url: without it, there are no metadata')
    }),
  )
  .transform(camelCased)
