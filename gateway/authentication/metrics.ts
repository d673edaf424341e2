/** The metrics of authentication. */
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import { remembered } from '../values/remembered.ts'

export interface AuthenticationMetrics {
  /** Counts a request by its outcome: `accepted`, `anonymous`, or the reason of its refusal. */
  judged(issuer: string, outcome: string): void
  /** Counts a lookup in the cache of verified tokens. */
  cache(result: CacheResult): void
  /** Records how long it took to verify a signature, in seconds. */
  verified(algorithm: string, seconds: number): void
  /** Counts an exchange of an API key: `granted`, `refused` or `unavailable`. */
  exchanged(outcome: string): void
  /** Counts how it was found out whether a token is active that its issuer is asked about. */
  introspected(outcome: IntrospectionOutcome): void
  /** Reads the ages, in milliseconds, from that source whenever the metrics are read. */
  observe(source: AgeSource): void
}

/** What the issuer said, or that it was not asked: as it is known already, or as too much is under way. */
export type IntrospectionOutcome = 'active' | 'inactive' | 'unavailable' | 'remembered' | 'overload'

export type CacheResult = 'hit' | 'miss' | 'shared' | 'refused'

export interface AgeSource {
  keySets(): readonly Age[]
  revocation(): readonly (Age & { readonly uri: string })[]
}

interface Age {
  readonly issuer: string
  readonly age: number | undefined
}

/** Returns the metrics of authentication, registered there. */
export function authenticationMetrics(registry: Registry): AuthenticationMetrics {
  const registers = [registry]
  const sources: AgeSource[] = []
  const judged = tally(
    'portcullis_authentication_total',
    'Requests by issuer and outcome: accepted, anonymous, or the reason of the refusal',
    ['issuer', 'outcome'],
    registry,
  )
  const cache = tally(
    'portcullis_verified_token_cache_total',
    'Look-ups of access tokens: hit, miss, shared with a verification in progress, refused before',
    ['result'],
    registry,
  )
  const exchanged = tally(
    'portcullis_api_key_exchanges_total',
    'Exchanges of API keys for access tokens: granted, refused, unavailable',
    ['outcome'],
    registry,
  )
  const introspected = tally(
    'portcullis_introspections_total',
    'Introspections of access tokens: active, inactive, unavailable; not asked: remembered, overload',
    ['outcome'],
    registry,
  )
  const verified = new Histogram({
    name: 'portcullis_token_verification_seconds',
    help: 'The time that verifying an access token took, by algorithm',
    labelNames: ['algorithm'],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2],
    registers,
  })
  const observeAges = (
    name: string,
    help: string,
    labelNames: string[],
    ages: (source: AgeSource) => readonly Age[],
  ) =>
    new Gauge({
      name,
      help,
      aggregator: 'max',
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const { age, ...labels } of sources.flatMap(ages)) {
          if (age !== undefined) this.set(labels, age / 1_000)
        }
      },
    })
  observeAges(
    'portcullis_key_set_age_seconds',
    'The time since an issuer last gave its keys',
    ['issuer'],
    (source) => source.keySets(),
  )
  observeAges(
    'portcullis_revocation_age_seconds',
    'The time since a revocation document was last confirmed',
    ['issuer', 'uri'],
    (source) => source.revocation(),
  )
  return {
    judged,
    cache,
    exchanged,
    introspected,
    verified: (algorithm, seconds) => verified.observe({ algorithm }, seconds),
    observe: (source) => void sources.push(source),
  }
}

/** A counter of one or two labels that costs a map lookup for each: the library would hash its labels each time. */
function tally(name: string, help: string, labelNames: string[], registry: Registry) {
  const counts: { labels: Record<string, string>; count: number }[] = []
  const byFirst = new Map<string, Map<string, { count: number }>>()
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const { labels, count } of counts) this.inc(labels, count)
    },
  })
  return (first: string, second = ''): void => {
    const bySecond = remembered(byFirst, first, () => new Map<string, { count: number }>())
    remembered(bySecond, second, () => newCount([first, second])).count++
  }

  function newCount(values: readonly string[]): { count: number } {
    const labels = Object.fromEntries(labelNames.map((label, index) => [label, values[index]!]))
    const counted = { labels, count: 0 }
    counts.push(counted)
    return counted
  }
}
