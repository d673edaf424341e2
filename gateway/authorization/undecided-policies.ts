import type { Authorizer } from './authorizer.ts'
import type { PolicyDecider } from './policies.ts'

/** The most names in one line of the log. */
const mostListed = 50

/** Asked for the little that is needed of a log. */
interface Log {
  warn(details: object, message: string): void
}

/** Logs the policies of a supergraph that nobody can decide in favour of, if there are any. */
export function warnOfUndecidedPolicies(
  { policyNames, options }: Authorizer,
  { knows }: PolicyDecider,
  log: Log,
): void {
  const undecided = policyNames.filter(
    (name) => !Object.hasOwn(options.stepUp, name) && !knows(name),
  )
  if (undecided.length === 0) return
  log.warn(
    { policies: undecided.slice(0, mostListed), count: undecided.length },
    'nothing decides these policies, so what demands them is denied to everybody: ' +
      'set authorization.policies or authorization.step_up, or add the missing functions',
  )
}
