import { z } from 'zod'
import type { KeyPlace } from '../authentication/key-source.ts'
import { faultOfUrl } from '../authentication/issuer-url.ts'
import { claimName, duration, flag, text, texts, together, wholeNumber } from './values.ts'
import type { Problem } from './values.ts'

/** Where the keys of an issuer may come from: one of these. */
const keyKeys = ['discovery', 'jwks_uri', 'jwks_file', 'jwks'] as const

const symmetricAlgorithms = ['HS256', 'HS384', 'HS512']

const algorithm = z.enum([
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
  'Ed25519',
  'HS256',
  'HS384',
  'HS512',
])

const keySetSchema = z
  .strictObject({
    max_age: duration({ least: '10s', most: '24h' })
      .default(600_000)
      .describe('How long a key set is fresh when the issuer does not say (Cache-Control)'),
    stale_for: duration({ least: '0s', most: '30d' })
      .default(86_400_000)
      .describe('How long the last good key set serves while the issuer cannot be reached'),
    cooldown: duration({ least: '1s', most: '1h' })
      .default(30_000)
      .describe('An unknown key id makes the gateway ask the issuer at most this often'),
    timeout: duration({ least: '100ms', most: '30s' })
      .default(1_500)
      .describe('The longest a fetch may take'),
  })
  .prefault({})
  .transform((keySet) => ({
    maxAge: keySet.max_age,
    staleFor: keySet.stale_for,
    cooldown: keySet.cooldown,
    timeout: keySet.timeout,
  }))

const revocationSchema = z
  .strictObject({
    status_lists: z
      .array(address())
      .default([])
      .describe('Addresses of Token Status Lists; one that ends in / stands for all below it'),
    status_list_aggregation: address()
      .optional()
      .describe(
        'Where the issuer lists its status lists (status_list_aggregation_endpoint); left out: at each address of status_lists that ends in /, if there is something',
      ),
    cut_offs: address()
      .optional()
      .describe('The address of the cut-offs by subject and key (application/revocations+jwt)'),
    refresh: duration({ least: '1s', most: '1h' })
      .default(5_000)
      .describe('How often the documents are asked for'),
    stale_for: duration({ least: '0s', most: '24h' })
      .default(300_000)
      .describe('How long the last good documents count while the issuer cannot be reached'),
    when_stale: z
      .enum(['refuse', 'accept'])
      .default('refuse')
      .describe('What happens to tokens past that time'),
    required: flag()
      .default(false)
      .describe('Whether a token that points into no status list is refused'),
    timeout: duration({ least: '100ms', most: '30s' }).default(1_500),
  })
  .check(
    together<RevocationInput>((revocation, problem) => {
      const { status_lists: lists = [], cut_offs: cutOffs } = revocation
      if (revocation.status_list_aggregation !== undefined && !hasPrefix(lists)) {
        const message = 'needs an entry of status_lists that ends in /, below which the lists are'
        problem(['status_list_aggregation'], message)
      }
      if (cutOffs !== undefined || !Array.isArray(lists) || lists.length > 0) return
      problem([], 'needs status_lists, cut_offs, or both')
    }),
  )
  .transform((revocation) => ({
    statusLists: revocation.status_lists,
    statusListAggregation: revocation.status_list_aggregation,
    notBefore: revocation.cut_offs,
    refresh: revocation.refresh,
    staleFor: revocation.stale_for,
    whenStale: revocation.when_stale,
    required: revocation.required,
    timeout: revocation.timeout,
  }))

interface RevocationInput {
  status_lists?: unknown
  status_list_aggregation?: unknown
  cut_offs?: unknown
}

function hasPrefix(lists: unknown): boolean {
  return Array.isArray(lists) && lists.some((uri) => typeof uri === 'string' && uri.endsWith('/'))
}

function address() {
  return z.string('expected a URL').refine(URL.canParse, { message: 'expected a URL' })
}

/** RFC 6749 section 3.3. */
function scopeText() {
  return z
    .string()
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'expected visible ASCII without white space, " or \\')
}

const scopesSchema = z
  .strictObject({
    allow: z
      .array(scopeText())
      .optional()
      .describe('The scopes that tokens of this issuer may state; any other is dropped'),
    prefix: scopeText().optional().describe('Put before every scope that a token states'),
  })
  .check(
    together<{ allow?: unknown; prefix?: unknown }>(({ allow, prefix }, problem) => {
      if ((allow === undefined) === (prefix === undefined)) problem([], 'needs allow or prefix')
    }),
  )
  .transform(({ allow = [], prefix }) => (prefix === undefined ? { allow } : { prefix }))

const issuerSchema = z
  .strictObject({
    issuer: text().describe('The exact value of `iss`'),
    discovery: z.literal(true).optional().describe('Find the keys in the metadata of the issuer'),
    jwks_uri: z.string().optional().describe('Where the issuer publishes its keys'),
    jwks_file: text().optional().describe('A file with the keys, read again when it changes'),
    jwks: z
      .strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1) })
      .optional()
      .describe('The keys themselves'),
    allow_http: flag()
      .default(false)
      .describe('Fetch keys without TLS from a host that is not this machine'),
    audiences: texts().describe('A token for any of these is accepted'),
    algorithms: z
      .array(algorithm)
      .min(1, 'expected at least one entry')
      .default(['ES256'])
      .describe('One family: public-key algorithms, or HS with keys from jwks or jwks_file'),
    token_types: texts()
      .default(['at+jwt'])
      .describe('The `typ` of an access token; JWT also accepts a token without one'),
    clock_tolerance: duration({ least: '0s', most: '5m' }).default(5_000),
    max_token_age: duration({ least: '1s', most: '365d' }).default(86_400_000),
    scopes_claim: claimName()
      .default('scope')
      .describe(
        'The claim with the scopes, a string or an array; realm_access.roles is a claim in a claim',
      ),
    scopes: scopesSchema
      .optional()
      .describe('Of which scopes this issuer may speak; left out: of any'),
    subject_prefix: text()
      .optional()
      .describe('Put before `sub`, so that subjects of several issuers never collide'),
    required: flag()
      .default(true)
      .describe('false: the gateway is ready even while tokens of this issuer cannot be verified'),
    key_set: keySetSchema,
    revocation: revocationSchema.optional(),
  })
  .check(together<IssuerInput>(checkIssuer))
  .transform((issuer) => ({
    issuer: issuer.issuer,
    keys: keysOf(issuer),
    allowHttp: issuer.allow_http,
    audiences: issuer.audiences,
    algorithms: issuer.algorithms,
    tokenTypes: issuer.token_types,
    clockTolerance: issuer.clock_tolerance,
    maxTokenAge: issuer.max_token_age,
    scopesClaim: issuer.scopes_claim,
    scopes: issuer.scopes,
    subjectPrefix: issuer.subject_prefix ?? '',
    keySet: issuer.key_set,
    required: issuer.required,
    revocation: issuer.revocation,
  }))

interface IssuerInput {
  issuer?: unknown
  discovery?: unknown
  jwks_uri?: unknown
  jwks_file?: unknown
  jwks?: unknown
  allow_http?: unknown
  algorithms?: unknown
  revocation?: {
    statusLists?: readonly string[]
    statusListAggregation?: string | undefined
    notBefore?: string | undefined
  }
}

function checkIssuer(issuer: IssuerInput, problem: Problem): void {
  const given = keyKeys.filter((name) => issuer[name] !== undefined)
  if (given.length === 0) {
    problem([], `needs one of ${keyKeys.join(', ')}: where its keys come from`)
  }
  if (given.length > 1) problem([], `has ${given.join(' and ')}: keys come from one place`)

  const algorithms = Array.isArray(issuer.algorithms) ? issuer.algorithms : []
  const symmetric = algorithms.filter((name) => symmetricAlgorithms.includes(name))
  if (symmetric.length > 0 && symmetric.length < algorithms.length) {
    const message = 'mixes HS with public-key algorithms: a public key would serve as an HS secret'
    problem(['algorithms'], message)
  }
  if (symmetric.length > 0 && (issuer.discovery || issuer.jwks_uri)) {
    problem(['algorithms'], 'HS needs keys from jwks or jwks_file: a shared key is not published')
  }

  const addresses = { issuer: issuer.discovery && issuer.issuer, jwks_uri: issuer.jwks_uri }
  for (const [name, address] of Object.entries(addresses)) {
    if (typeof address !== 'string') continue
    const fault = faultOfUrl(address, issuer.allow_http === true)
    if (fault) problem([name], fault)
  }
  // Once its own keys are right, the section has the names that the code uses.
  const { statusLists = [], statusListAggregation, notBefore } = issuer.revocation ?? {}
  statusLists.forEach((list, index) => {
    const fault = faultOfUrl(list, issuer.allow_http === true)
    if (fault) problem(['revocation', 'status_lists', index], fault)
  })
  const others = { status_list_aggregation: statusListAggregation, cut_offs: notBefore }
  for (const [name, address] of Object.entries(others)) {
    const fault = address && faultOfUrl(address, issuer.allow_http === true)
    if (fault) problem(['revocation', name], fault)
  }
}

function keysOf(issuer: {
  jwks_uri?: string | undefined
  jwks_file?: string | undefined
  jwks?: unknown
}): KeyPlace {
  if (issuer.jwks_uri) return { kind: 'url', url: issuer.jwks_uri }
  if (issuer.jwks_file) return { kind: 'file', path: issuer.jwks_file }
  if (issuer.jwks) return { kind: 'inline', document: issuer.jwks }
  return { kind: 'discovery' }
}

const token68Name = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const sourceSchema = z.union([
  z
    .strictObject({
      header: z
        .string()
        .regex(token68Name, 'expected a header name')
        .transform((name) => name.toLowerCase()),
      scheme: z
        .string()
        .regex(token68Name, 'expected an authentication scheme')
        .optional()
        .describe('The word before the token; without it the whole value is the token'),
    })
    .transform(({ header, scheme }) =>
      // The Authorization header always has a scheme (RFC 9110 section 11.6.2).
      header === 'authorization' ? { header, scheme: scheme ?? 'Bearer' } : { header, scheme },
    ),
  z.strictObject({ cookie: z.string().regex(token68Name, 'expected a cookie name') }),
])

const cacheSchema = z
  .union([
    z.literal('off'),
    z.strictObject({
      entries: wholeNumber({ least: 1, most: 10_000_000 })
        .default(10_000)
        .describe('How many verified tokens are remembered, about 1 KB each'),
      refused_for: duration({ least: '0s', most: '1m' })
        .default(5_000)
        .describe('How long a refused token is remembered'),
    }),
  ])
  .prefault({})
  .transform((cache) =>
    cache === 'off' ? undefined : { entries: cache.entries, refusedFor: cache.refused_for },
  )

const apiKeysSchema = z
  .strictObject({
    exchange: address().describe(
      'The token endpoint where a key becomes an access token (RFC 8693)',
    ),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]{2,32}$/, 'expected 2 to 32 letters, digits, - or _')
      .refine((prefix) => !prefix.startsWith('ey'), {
        message: 'access tokens begin with ey: they would count as keys',
      })
      .default('pck_')
      .describe('What tells a key from an access token: its first characters'),
    token_type: text()
      .default('urn:portcullis:params:oauth:token-type:api-key')
      .describe('What the endpoint knows such keys as (subject_token_type)'),
    allow_http: flag()
      .default(false)
      .describe('Send keys without TLS to a host that is not this machine'),
    timeout: duration({ least: '100ms', most: '30s' })
      .default(1_500)
      .describe('The longest an exchange may take'),
    entries: wholeNumber({ least: 1, most: 10_000_000 })
      .default(10_000)
      .describe('How many keys are remembered with their access tokens'),
    refused_for: duration({ least: '0s', most: '1m' })
      .default(5_000)
      .describe('How long a refused key is remembered'),
  })
  .check(
    together<{ exchange?: unknown; allow_http?: unknown }>((keys, problem) => {
      if (typeof keys.exchange !== 'string' || !URL.canParse(keys.exchange)) return
      const fault = faultOfUrl(keys.exchange, keys.allow_http === true)
      if (fault) problem(['exchange'], fault)
    }),
  )
  .transform(({ exchange, prefix, token_type, timeout, entries, refused_for }) => ({
    exchange,
    prefix,
    tokenType: token_type,
    timeout,
    entries,
    refusedFor: refused_for,
  }))

/** Who is calling. */
export const authenticationSchema = z
  .strictObject({
    require: flag().default(false).describe('true: anonymous requests are refused with 401'),
    issuers: z.array(issuerSchema).min(1, 'expected at least one issuer'),
    sources: z
      .array(sourceSchema)
      .min(1, 'expected at least one source')
      .default([{ header: 'authorization', scheme: 'Bearer' }])
      .describe('Where a token may stand, in order; the first that is present counts'),
    other_schemes: z
      .enum(['refuse', 'anonymous'])
      .default('refuse')
      .describe('What an Authorization header with another scheme means'),
    on_invalid: z
      .enum(['refuse', 'anonymous'])
      .default('refuse')
      .describe('anonymous: a token that is not valid is ignored'),
    cache: cacheSchema,
    api_keys: apiKeysSchema
      .optional()
      .describe('Credentials that are exchanged for access tokens; left out: there are none'),
  })
  .check(
    together<{ issuers?: ({ issuer?: unknown } | undefined)[] }>(({ issuers }, problem) => {
      const names = Array.isArray(issuers) ? issuers.map((entry) => entry?.issuer) : []
      names.forEach((name, index) => {
        if (name === undefined || names.indexOf(name) === index) return
        const message = 'is the issuer of an entry above: each issuer has one entry'
        problem(['issuers', index, 'issuer'], message)
      })
    }),
  )
  .transform(({ other_schemes, on_invalid, api_keys, ...rest }) => ({
    ...rest,
    apiKeys: api_keys,
    otherSchemes: other_schemes,
    onInvalid: on_invalid,
  }))
