import type { Logger } from 'pino'
import type { Authorizer } from './authorizer.ts'
import type { PolicyDecider } from './policies.ts'

/** The most names in one line of the log. */
const mostListed = 50

/** Logs the policies of a supergraph that no function or service decides, if there are any. */
export function warnOfUndecidedPolicies(
  { policyNames, options }: Authorizer,
  { knows }: PolicyDecider,
  log: Pick<Logger, 'warn'>,
): void {
  const undecided = policyNames.filter(
    (name) => !Object.hasOwn(options.stepUp, name) && !knows(name),
  )
  if (undecided.length === 0) return
  log.warn(
    { policies: undecided.slice(0, mostListed), count: undecided.length },
    'no function or service decides these policies: fields that require them are denied to every caller: ' +
      'set authorization.policies or authorization.step_up, or add the missing functions',
  )
}
