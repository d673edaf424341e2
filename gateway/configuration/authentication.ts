import { z } from 'zod'
import { tenantIssuers } from '../authentication/tenant-issuers.ts'
import { apiKeysSchema } from './api-keys.ts'
import { issuerSchema } from './issuer.ts'
import { tokenSourceSchema } from './token-sources.ts'
import { camelCased, duration, flag, together, wholeNumber } from './values.ts'
import type { Problem } from './values.ts'

const cacheSchema = z
  .union([
    z.literal('off'),
    z.strictObject({
      entries: wholeNumber({ least: 1, most: 10_000_000 })
        .default(10_000)
        .describe('How many verified tokens are cached, about 1 KB each'),
      refused_for: duration({ least: '0s', most: '1m' })
        .default(5_000)
        .describe('How long the refusal of a token is cached'),
    }),
  ])
  .prefault({})
  .transform((cache) => (cache === 'off' ? undefined : camelCased(cache)))

/** `authentication:` of gateway.yaml: which tokens are accepted, and where they are found. */
export const authenticationSchema = z
  .strictObject({
    require: flag().default(false).describe('true: an anonymous request gets 401'),
    issuers: z.array(issuerSchema).min(1, 'expected at least one issuer'),
    sources: z
      .array(tokenSourceSchema)
      .min(1, 'expected at least one source')
      .default([{ header: 'authorization', scheme: 'Bearer' }])
      .describe('Where the gateway looks for a token, in order; it uses the first one present'),
    other_schemes: z
      .enum(['refuse', 'anonymous'])
      .default('refuse')
      .describe(
        'An Authorization header with another scheme. refuse: the request gets 401; anonymous: the header is ignored',
      ),
    on_invalid: z
      .enum(['refuse', 'anonymous'])
      .default('refuse')
      .describe(
        'A token that is not valid. refuse: the request gets 401; anonymous: the token is ignored',
      ),
    cache: cacheSchema,
    api_keys: apiKeysSchema
      .optional()
      .describe(
        'Credentials that are exchanged for access tokens; left out: no API keys are accepted',
      ),
  })
  .check(together<IssuersInput>(checkIssuersDiffer))
  .check(together<IssuersInput>(checkOneIsAsked))
  .transform(camelCased)

interface IssuersInput {
  issuers?: ({ issuer?: unknown; tenants?: unknown; introspection?: unknown } | undefined)[]
}

/** A token that is no JWT does not say who has issued it. */
function checkOneIsAsked({ issuers }: IssuersInput, problem: Problem): void {
  const asked = (Array.isArray(issuers) ? issuers : []).flatMap((entry, index) =>
    entry?.introspection === undefined ? [] : [index],
  )
  for (const index of asked.slice(1)) {
    const message = 'is in an entry above: one issuer can be asked about tokens that are no JWTs'
    problem(['issuers', index, 'introspection'], message)
  }
}

function checkIssuersDiffer({ issuers }: IssuersInput, problem: Problem): void {
  const seen = new Set<string>()
  for (const [index, entry] of (Array.isArray(issuers) ? issuers : []).entries()) {
    if (typeof entry?.issuer !== 'string') continue
    const tenants = Array.isArray(entry.tenants) ? entry.tenants.map(String) : undefined
    const names = tenantIssuers({ issuer: entry.issuer, tenants })
    if (names.some((name) => seen.has(name))) {
      const message = 'is the issuer of an entry above: each issuer has one entry'
      problem(['issuers', index, 'issuer'], message)
    }
    for (const name of names) seen.add(name)
  }
}
