import type { Rate, Taken } from './rate.ts'

/**
 * Returns the fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) of a response: of
 * each rate that has counted its request how many points are left, and in how many seconds all will be.
 */
export function headersOfRates(
  rates: ReadonlyMap<Rate, Taken> | undefined,
): Readonly<Record<string, string>> {
  if (!rates) return {}
  const policies: string[] = []
  const states: string[] = []
  for (const [rate, taken] of rates) {
    policies.push(`"${rate.name}";q=${rate.limit};w=${Math.ceil(rate.per / 1_000)}`)
    states.push(`"${rate.name}";r=${taken.left};t=${Math.ceil(taken.full / 1_000)}`)
  }
  return { 'ratelimit-policy': policies.join(', '), ratelimit: states.join(', ') }
}
