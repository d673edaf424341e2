import type { CountedRate, RateTerms } from '../client-request.ts'
import { remembered } from '../values/remembered.ts'

/**
 * Returns the function for the fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) of a
 * response: of each rate that has counted its request how many points are left, and in how many seconds all will be.
 */
export function rateHeaders(): (last: CountedRate | undefined) => Readonly<Record<string, string>> {
  const policies = new Map<RateTerms, string>()

  return (last) => {
    if (!last) return {}
    let policy = remembered(policies, last.rate, policyOf)
    let state = stateOf(last)
    for (let { earlier } = last; earlier; earlier = earlier.earlier) {
      policy = `${remembered(policies, earlier.rate, policyOf)}, ${policy}`
      state = `${stateOf(earlier)}, ${state}`
    }
    return { 'ratelimit-policy': policy, ratelimit: state }
  }
}

function stateOf({ rate, left, full }: CountedRate): string {
  return `"${rate.name}";r=${left};t=${Math.ceil(full / 1_000)}`
}

function policyOf({ name, limit, per }: RateTerms): string {
  return `"${name}";q=${limit};w=${Math.ceil(per / 1_000)}`
}
