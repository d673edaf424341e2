import type { CountedRate, RateTerms } from '../client-request.ts'
import { remembered } from '../values/remembered.ts'

/**
 * Returns the function for the fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) of a
 * response: of each rate that has counted its request how many points are left, and in how many seconds all will be.
 */
export function rateHeaders(): (
  counted: readonly CountedRate[] | undefined,
) => Readonly<Record<string, string>> {
  const policies = new Map<RateTerms, string>()

  return (counted) => {
    if (!counted) return {}
    let policy = ''
    let state = ''
    for (const { rate, left, full } of counted) {
      const comma = policy === '' ? '' : ', '
      policy += comma + remembered(policies, rate, policyOf)
      state += `${comma}"${rate.name}";r=${left};t=${Math.ceil(full / 1_000)}`
    }
    return { 'ratelimit-policy': policy, ratelimit: state }
  }
}

function policyOf({ name, limit, per }: RateTerms): string {
  return `"${name}";q=${limit};w=${Math.ceil(per / 1_000)}`
}
