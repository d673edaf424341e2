import { narrowClaims } from '../authentication/select-claims.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { subgraphSettings } from '../configuration/subgraphs.ts'
import { claimsSigningKey } from '../forwarding/claims-signing-key.ts'
import { subgraphForwarding } from '../forwarding/subgraph-headers.ts'
import type { SubgraphParts } from '../supergraph/connect-subgraphs.ts'

/** Returns the settings for calling a subgraph, and what is forwarded to it. The secret signs its claims header. */
export function configuredSubgraph(
  subgraph: string,
  { claims, subgraphs }: GatewayConfig,
  secret: string,
): SubgraphParts {
  const entry = Object.hasOwn(claims.subgraphs, subgraph) ? claims.subgraphs[subgraph] : undefined
  const forward = entry?.forward ?? claims.forward
  return {
    ...subgraphSettings(subgraphs, subgraph),
    forwarding: subgraphForwarding({
      subgraph,
      signingKey: claimsSigningKey(subgraph, entry?.signing ?? claims.signing, secret),
      narrow: (verified) => (entry?.anonymous ? null : narrowClaims(verified, forward)),
      plainHeaders: entry?.headers,
      clientHeaders: entry?.client_headers,
      cookies: entry?.cookies,
    }),
  }
}
