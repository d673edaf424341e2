import { z } from 'zod'
import { algorithmNames } from '../authentication/algorithms.ts'
import { faultOfUrl } from '../authentication/issuer-url.ts'
import { tenantPlace } from '../authentication/tenant-issuers.ts'
import { introspectionSchema } from './introspection.ts'
import { checkAlgorithms, checkKeyPlace, keyPlaceOf, keySetSchema } from './issuer-keys.ts'
import type { IssuerKeysInput } from './issuer-keys.ts'
import { checkRevocationUrls, revocationSchema } from './revocation.ts'
import type { RevocationAddresses } from './revocation.ts'
import { presetNames } from './issuer-presets.ts'
import { camelCased, claimName, duration, flag, text, texts, together } from './values.ts'
import type { Problem } from './values.ts'

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
      .describe('The scopes that are accepted from tokens of this issuer; all others are dropped'),
    prefix: scopeText().optional().describe('Added before every scope of a token'),
  })
  .check(
    together<{ allow?: unknown; prefix?: unknown }>(({ allow, prefix }, problem) => {
      if ((allow === undefined) === (prefix === undefined)) problem([], 'needs allow or prefix')
    }),
  )
  .transform(({ allow = [], prefix }) => (prefix === undefined ? { allow } : { prefix }))

const scopesClaim = z
  .union([claimName(), z.array(claimName()).min(1, 'expected at least one entry')])
  .default('scope')
  .describe(
    'The claim that holds the scopes, as a string or an array, or a list of such claims; a dot leads into a claim: realm_access.roles',
  )

const maxTokenAge = z
  .union([z.literal('off'), duration({ least: '1s', most: '365d' })])
  .default(86_400_000)
  .describe('A token is refused when it was issued (iat) longer ago than this; off: at no age')

/** An entry of `authentication.issuers`: an accepted issuer, and the requirements for its tokens. */
export const issuerSchema = z
  .strictObject({
    preset: z
      .enum(presetNames)
      .optional()
      .describe('An identity provider whose settings are taken where this entry has none'),
    issuer: text().describe(
      'The exact value of the iss claim; with tenants, {tenantid} stands for each of them',
    ),
    tenants: texts()
      .optional()
      .describe('The tenants whose tokens are accepted, where the issuer has {tenantid} in it'),
    discovery: z
      .literal(true)
      .optional()
      .describe("true: the gateway finds the keys in the issuer's metadata"),
    jwks_uri: z.string().optional().describe("The URL of the issuer's JSON Web Key Set"),
    jwks_file: text().optional().describe('A file with the keys; it is read again when it changes'),
    jwks: z
      .strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1) })
      .optional()
      .describe('The keys themselves'),
    introspection: introspectionSchema
      .optional()
      .describe('The issuer is asked about each of its tokens, and about those that are no JWTs'),
    allow_http: flag()
      .default(false)
      .describe('true: keys may be fetched without TLS from a host other than this machine'),
    audiences: texts().describe('Accepted audiences: a token must be for one of them'),
    audience_claim: claimName()
      .default('aud')
      .describe('The claim that holds the audience, such as client_id or azp, or the path to it'),
    algorithms: z
      .array(z.enum(algorithmNames))
      .min(1, 'expected at least one entry')
      .default(['ES256'])
      .describe('Public-key algorithms; or only HS algorithms, with keys from jwks or jwks_file'),
    token_types: texts()
      .default(['at+jwt'])
      .describe('Accepted values of typ; JWT also accepts a token without typ'),
    clock_tolerance: duration({ least: '0s', most: '5m' })
      .default(5_000)
      .describe("How far the issuer's clock may differ from this machine's"),
    require_key_id: flag()
      .default(true)
      .describe(
        'false: a token without kid is verified with the only key that is for its algorithm',
      ),
    id_tokens: z
      .enum(['refuse', 'accept'])
      .default('refuse')
      .describe('Whether ID tokens of OpenID Connect are accepted in place of access tokens'),
    sender_constrained: z
      .enum(['refuse', 'accept'])
      .default('accept')
      .describe(
        'What happens to a token that is bound to a key or certificate (cnf), which the gateway does not check',
      ),
    max_token_age: maxTokenAge,
    scopes_claim: scopesClaim,
    scopes: scopesSchema
      .optional()
      .describe('Which scopes this issuer may grant; left out: all scopes'),
    subject_prefix: text()
      .optional()
      .describe('Added before sub, so that subjects of several issuers never collide'),
    required: flag()
      .default(true)
      .describe('false: the gateway is ready even while the keys of this issuer are missing'),
    key_set: keySetSchema,
    revocation: revocationSchema.optional(),
  })
  .check(
    together<IssuerInput>((issuer, problem) => {
      checkKeyPlace(issuer, problem)
      checkAlgorithms(issuer, problem)
      checkUrls(issuer, problem)
      checkTenants(issuer, problem)
    }),
  )
  .transform(
    ({ preset: _preset, discovery: _, jwks_uri, jwks_file, jwks, scopes_claim, ...rest }) => ({
      ...camelCased(rest),
      maxTokenAge: rest.max_token_age === 'off' ? Infinity : rest.max_token_age,
      scopesClaims: [scopes_claim].flat(),
      keys: keyPlaceOf({ jwks_uri, jwks_file, jwks, introspection: rest.introspection }),
      subjectPrefix: rest.subject_prefix ?? '',
    }),
  )

interface IssuerInput extends IssuerKeysInput {
  issuer?: unknown
  tenants?: unknown
  allow_http?: unknown
  revocation?: RevocationAddresses
}

function checkTenants(
  { issuer, tenants, discovery, introspection }: IssuerInput,
  problem: Problem,
): void {
  const isPattern = typeof issuer === 'string' && issuer.includes(tenantPlace)
  if (isPattern && tenants === undefined) {
    problem(
      ['issuer'],
      `has ${tenantPlace}, which needs tenants: the list of those that are accepted`,
    )
  }
  if (!isPattern && tenants !== undefined) {
    problem(['tenants'], `needs an issuer with ${tenantPlace} in it`)
  }
  const perIssuer = { discovery, introspection }
  for (const [name, value] of Object.entries(perIssuer)) {
    if (!isPattern || value === undefined) continue
    problem([name], 'is for one issuer: with tenants, give jwks_uri')
  }
}

function checkUrls(issuer: IssuerInput, problem: Problem): void {
  const allowHttp = issuer.allow_http === true
  const { endpoint } = Object(issuer.introspection) as { endpoint?: unknown }
  const urls: [PropertyKey[], unknown][] = [
    [['issuer'], issuer.discovery && issuer.issuer],
    [['jwks_uri'], issuer.jwks_uri],
    [['introspection', 'endpoint'], endpoint],
  ]
  for (const [path, url] of urls) {
    const fault = typeof url === 'string' && faultOfUrl(url, allowHttp)
    if (fault) problem(path, fault)
  }
  if (issuer.introspection !== undefined && issuer.revocation !== undefined) {
    problem(['revocation'], 'is for tokens that are signed: introspection says which are revoked')
  }
  checkRevocationUrls(issuer.revocation ?? {}, allowHttp, (path, message) =>
    problem(['revocation', ...path], message),
  )
}
