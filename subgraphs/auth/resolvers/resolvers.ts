import type { SubgraphResolvers } from '../../kit/serve-subgraph.ts'
import type { AuthParts } from '../auth-parts.ts'
import { accountResolvers } from './account-resolvers.ts'
import { administrationResolvers } from './administration-resolvers.ts'
import { machineResolvers } from './machine-resolvers.ts'
import { passkeyResolvers } from './passkey-resolvers.ts'
import { secondFactorResolvers } from './second-factor-resolvers.ts'
import { sessionResolvers } from './session-resolvers.ts'

/** Returns the resolvers of the complete schema. */
export function resolvers(parts: AuthParts): SubgraphResolvers {
  const ofSessions = sessionResolvers(parts)
  const ofAccounts = accountResolvers(parts)
  const ofSecondFactors = secondFactorResolvers(parts)
  const ofPasskeys = passkeyResolvers(parts)
  const ofMachines = machineResolvers(parts)
  const ofAdministration = administrationResolvers(parts)
  return {
    Query: {
      ...ofSessions.Query,
      ...ofAccounts.Query,
      ...ofSecondFactors.Query,
      ...ofPasskeys.Query,
      ...ofMachines.Query,
      ...ofAdministration.Query,
    },
    Mutation: {
      ...ofSessions.Mutation,
      ...ofAccounts.Mutation,
      ...ofSecondFactors.Mutation,
      ...ofPasskeys.Mutation,
      ...ofMachines.Mutation,
      ...ofAdministration.Mutation,
    },
  }
}
