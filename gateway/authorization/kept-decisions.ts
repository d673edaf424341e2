import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { DecidePolicies } from './policies.ts'

/**
 * Returns the decider that keeps its decision for a time: an operation that lives long must not ask for
 * each of its events. It is for one operation; other claims are decided about at once.
 *
 * @param period in milliseconds
 */
export function keptDecisions(
  decide: DecidePolicies,
  period: number,
  now: () => number,
): DecidePolicies {
  let kept:
    { claims: Claims | null; until: number; granted: ReturnType<DecidePolicies> } | undefined

  return (question, requestId) => {
    const { claims } = question
    if (!kept || kept.claims !== claims || now() >= kept.until) {
      kept = { claims, until: now() + period, granted: decide(question, requestId) }
    }
    return kept.granted
  }
}
