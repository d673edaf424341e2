import type { Logger } from 'pino'
import {
  noPolicies,
  policyFunctions,
  policyService,
  readPolicyModule,
} from '../authorization/policies.ts'
import type { PolicyDecider } from '../authorization/policies.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'

/** Returns the decider of `@policy`; throws a StartFailure if the module cannot be used. */
export async function configuredPolicies(
  { authorization: { policies } }: GatewayConfig,
  log: Logger,
): Promise<PolicyDecider> {
  if (!policies) return noPolicies
  const options = {
    timeout: policies.timeout,
    onFailure: (policy: string, reason: Error, requestId?: string) =>
      log.warn({ requestId, policy, reason: reason.message }, 'a policy could not decide: denied'),
  }
  if ('url' in policies) return policyService(policies.url, options)
  return policyFunctions(await readPolicyModule(policies.file), options)
}
