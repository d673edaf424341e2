export {
  ClaimsHeaderError,
  claimsHeaderLifetime,
  claimsHeaderName,
  claimsHeaderReader,
  claimsHeaderType,
  claimsHeaderWriter,
  deriveClaimsKey,
} from './claims-header.ts'
export type {
  Claims,
  ClaimsHeaderReader,
  ClaimsHeaderWriter,
  ClaimsSigningKey,
  ClaimsVerificationKeys,
} from './claims-header.ts'
export type { ClaimsKeys } from './claims-keys.ts'
export { clientAddressHeader, clientAgentHeader } from './client-headers.ts'
export type { CallerClient } from './client-headers.ts'
export { addSubscriptionSources, eventStreams } from './event-streams.ts'
export type {
  EventStreams,
  EventStreamOptions,
  SubscriptionContext,
  SubscriptionSource,
} from './event-streams.ts'
export { grantedScopes, requireClaims, requireScopes } from './guards.ts'
export type { SubgraphContext } from './guards.ts'
export { currentRequestId, currentTraceId } from './request-id.ts'
export { overloaded, tooManyRequests } from './retry-later.ts'
export { subgraphHandler } from './graphql-handler.ts'
export type { SubgraphHandlerOptions } from './graphql-handler.ts'
export { serveSubgraph } from './serve-subgraph.ts'
export type { SubgraphOptions, SubgraphResolvers } from './serve-subgraph.ts'
export type { SubgraphLog } from './subgraph-log.ts'
