import { narrowClaims } from '../authentication/select-claims.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import {
  readsCacheControl,
  requestHeaderNames,
  subgraphSettings,
} from '../configuration/subgraphs.ts'
import { claimsSigningKey } from '../forwarding/claims-signing-key.ts'
import { subgraphForwarding } from '../forwarding/subgraph-headers.ts'
import type { SubgraphParts } from '../supergraph/connect-subgraphs.ts'

/** Returns the settings for calling a subgraph, and what is forwarded to it. The secret signs its claims header. */
export function configuredSubgraph(
  subgraph: string,
  { authentication, claims, subgraphs }: GatewayConfig,
  secret: string,
): SubgraphParts {
  const entry = Object.hasOwn(claims.subgraphs, subgraph) ? claims.subgraphs[subgraph] : undefined
  const forward = entry?.forward ?? claims.forward
  const settings = subgraphSettings(subgraphs, subgraph)
  const { headers, passToken, responseExtensions, ...calling } = settings
  return {
    ...calling,
    forwarding: subgraphForwarding({
      subgraph,
      signingKey: claimsSigningKey(subgraph, entry?.signing ?? claims.signing, secret),
      narrow: (verified) => (entry?.anonymous ? null : narrowClaims(verified, forward)),
      plainHeaders: entry?.headers,
      clientHeaders: entry?.client_headers,
      cookies: entry?.cookies,
      requestHeaders: headers.request,
      credentialHeaders: authentication.sources.flatMap((source) =>
        'header' in source ? [source.header] : [],
      ),
      passToken,
      responseHeaders: headers.response,
      readsCacheControl: readsCacheControl(subgraphs),
      responseExtensions,
    }),
  }
}

/**
 * Returns the request headers on which responses depend, where subgraphs may allow to cache them; undefined: no rule
 * names `cache-control`.
 */
export function cacheVary({
  authentication,
  subgraphs,
}: Pick<GatewayConfig, 'authentication' | 'subgraphs'>): readonly string[] | undefined {
  if (!readsCacheControl(subgraphs)) return undefined
  const credentials = authentication.sources.map((source) =>
    'cookie' in source ? 'cookie' : source.header,
  )
  return [...new Set(['accept', 'authorization', ...credentials, ...requestHeaderNames(subgraphs)])]
}
