/** One issuer: its keys, rules and revocations. Only the issuer that a token names judges it. */
import type { Logger } from 'pino'
import { withAliases } from './algorithms.ts'
import type { Clock } from './clock.ts'
import type { DocumentFetcher } from './fetch-document.ts'
import { discoverMetadata, keySource } from './key-source.ts'
import type { KeyPlace } from './key-source.ts'
import { refreshingKeySet } from './refreshing-key-set.ts'
import type { KeySetOptions } from './refreshing-key-set.ts'
import { issuerRevocation } from './revocation/issuer-revocation.ts'
import type { RevocationOptions } from './revocation/issuer-revocation.ts'
import { tenantIssuers } from './tenant-issuers.ts'
import { TokenRefused } from './token-refused.ts'
import { claimSelector } from './select-claims.ts'
import type { ClaimRules, IssuerClaimRules } from './select-claims.ts'
import { accessTokenVerifier } from './verify-access-token.ts'
import type { AccessTokenRules } from './verify-access-token.ts'

export interface IssuerOptions extends AccessTokenRules, IssuerClaimRules {
  keys: KeyPlace
  /** Whether keys may come without TLS from a host that is not this machine. */
  allowHttp: boolean
  keySet: KeySetOptions & { timeout: number }
  /** Whether the gateway is ready only when tokens of this issuer can be verified; default true. */
  required?: boolean
  /** Undefined: the gateway does not know what this issuer revokes. */
  revocation?: RevocationOptions | undefined
}

/** One issuer: whoever has it can verify and judge the access tokens that name it. */
export type Issuer = ReturnType<typeof createIssuer>

export interface IssuerParts {
  claims: ClaimRules
  fetch: DocumentFetcher
  clock: Clock
  log: Logger
  /** Called when a key of the issuer was added or removed. */
  onKeysChanged: () => void
}

/** Returns the issuer; it starts to fetch its documents, without waiting for them. */
export function createIssuer(options: IssuerOptions, parts: IssuerParts) {
  const { fetch, clock, log } = parts
  const { issuer: name, allowHttp, keySet, clockTolerance } = options
  const algorithms = withAliases(options.algorithms)
  const source = { issuer: name, allowHttp, timeout: keySet.timeout, fetch }
  const keys = refreshingKeySet(keySet, {
    issuer: name,
    source: keySource(options.keys, source),
    algorithms,
    symmetric: options.keys.kind === 'file' || options.keys.kind === 'inline',
    keyIdRequired: options.requireKeyId,
    clock,
    log,
    onChange: parts.onKeysChanged,
  })
  return {
    /** The issuer, or the pattern of its tenants. */
    name,
    /** Every accepted value of `iss`. */
    names: tenantIssuers(options),
    options,
    keys,
    verify: accessTokenVerifier({ ...options, algorithms }, keys, clock.now),
    select: claimSelector(parts.claims, options),
    revocation:
      options.revocation &&
      issuerRevocation(options.revocation, {
        issuer: name,
        algorithms,
        clockTolerance,
        discoverAggregation: async () =>
          options.keys.kind === 'discovery'
            ? (await discoverMetadata(source))('status_list_aggregation_endpoint')
            : undefined,
        keys,
        fetch,
        clock,
        log,
      }),
  }
}

/**
 * Returns the issuer that a payload names; throws a TokenRefused if it is missing or unknown.
 */
export function issuerOf(
  payload: Readonly<Record<string, unknown>>,
  issuers: ReadonlyMap<string, Issuer>,
): Issuer {
  const { iss: name } = payload
  if (name === undefined) throw new TokenRefused('CLAIM_MISSING', '`iss` is missing')
  const issuer = typeof name === 'string' ? issuers.get(name) : undefined
  if (issuer) return issuer
  throw new TokenRefused('ISSUER_UNKNOWN')
}
