/** One issuer: its keys, rules and revocations. Only the issuer that a token names judges it. */
import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import { withAliases } from './algorithms.ts'
import type { Clock } from './clock.ts'
import type { DocumentFetcher } from './fetch-document.ts'
import { discoverMetadata, keySource } from './key-source.ts'
import type { KeyPlace } from './key-source.ts'
import { tokenIntrospection } from './introspection.ts'
import type { IntrospectionOptions } from './introspection.ts'
import type { AuthenticationMetrics } from './metrics.ts'
import { refreshingKeySet } from './refreshing-key-set.ts'
import type { KeySetOptions } from './refreshing-key-set.ts'
import { issuerRevocation } from './revocation/issuer-revocation.ts'
import type { RevocationOptions } from './revocation/issuer-revocation.ts'
import { tenantIssuers } from './tenant-issuers.ts'
import { claimSelector } from './select-claims.ts'
import type { ClaimRules, IssuerClaimRules } from './select-claims.ts'
import { accessTokenVerifier } from './verify-access-token.ts'
import type { AccessTokenRules, AccessTokenVerifier } from './verify-access-token.ts'

export interface IssuerOptions extends AccessTokenRules, IssuerClaimRules {
  /** Undefined: the issuer is asked about its tokens. */
  keys: KeyPlace | undefined
  introspection?: IntrospectionOptions | undefined
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
  /** Sends the requests of introspection; default: a new agent. */
  dispatcher?: Dispatcher | undefined
  /** Called with each introspection; default: they are not counted. */
  introspected?: AuthenticationMetrics['introspected'] | undefined
  /** Called when a key of the issuer was added or removed. */
  onKeysChanged: () => void
}

/** Returns the issuer; it starts to fetch its documents, without waiting for them. */
export function createIssuer(options: IssuerOptions, parts: IssuerParts) {
  const { fetch, clock, log } = parts
  const { issuer: name, allowHttp, keySet, clockTolerance } = options
  const algorithms = withAliases(options.algorithms)
  const source = { issuer: name, allowHttp, timeout: keySet.timeout, fetch }
  const place = options.keys
  const keys =
    place &&
    refreshingKeySet(keySet, {
      issuer: name,
      source: keySource(place, source),
      algorithms,
      symmetric: place.kind === 'file' || place.kind === 'inline',
      keyIdRequired: options.requireKeyId,
      clock,
      log,
      onChange: parts.onKeysChanged,
    })
  const introspection =
    options.introspection && tokenIntrospection(options.introspection, { ...parts, issuer: name })
  const verifier = (rules: AccessTokenRules, now: () => number): AccessTokenVerifier => {
    if (introspection) return introspection.verifier(rules, now)
    return accessTokenVerifier({ ...rules, algorithms: withAliases(rules.algorithms) }, keys!, now)
  }
  return {
    /** The issuer, or the pattern of its tenants. */
    name,
    /** Every accepted value of `iss`. */
    names: tenantIssuers(options),
    options,
    keys,
    introspection,
    /** Returns what verifies its tokens by such rules. */
    verifier,
    verify: verifier(options, clock.now),
    select: claimSelector(parts.claims, options),
    revocation:
      options.revocation &&
      keys &&
      issuerRevocation(options.revocation, {
        issuer: name,
        algorithms,
        clockTolerance,
        discoverAggregation: async () =>
          place?.kind === 'discovery'
            ? (await discoverMetadata(source))('status_list_aggregation_endpoint')
            : undefined,
        keys,
        fetch,
        clock,
        log,
      }),
  }
}
