import type { Caller } from '../client-request.ts'
import { narrowClaims } from '../authentication/select-claims.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import {
  namesCacheControl,
  requestHeaderNames,
  subgraphSettings,
} from '../configuration/subgraphs.ts'
import { claimsSigningKey } from '../forwarding/claims-signing-key.ts'
import { refuseLargeHeaders } from '../forwarding/refuse-large-headers.ts'
import { subgraphForwarding, takenFromClient } from '../forwarding/subgraph-headers.ts'
import type { SubgraphParts } from '../supergraph/connect-subgraphs.ts'

/** Returns the settings for calling a subgraph, and what is forwarded to it. The secret signs its claims header. */
export function configuredSubgraph(
  subgraph: string,
  config: GatewayConfig,
  secret: string,
): SubgraphParts {
  const { claims, subgraphs } = config
  const entry = Object.hasOwn(claims.subgraphs, subgraph) ? claims.subgraphs[subgraph] : undefined
  const forward = entry?.forward ?? claims.forward
  const settings = subgraphSettings(subgraphs, subgraph)
  const { headers, passToken: _, responseExtensions, ...calling } = settings
  return {
    ...calling,
    forwarding: subgraphForwarding({
      ...forwardedOfClients(subgraph, config),
      subgraph,
      signingKey: claimsSigningKey(subgraph, entry?.signing ?? claims.signing, secret),
      narrow: (verified) => (entry?.anonymous ? null : narrowClaims(verified, forward)),
      clientHeaders: entry?.client_headers,
      responseHeaders: headers.response,
      readsCacheControl: readsCacheControl(config),
      responseExtensions,
    }),
  }
}

/** Returns what decides what the subgraph gets of a request as its client has sent it. */
function forwardedOfClients(
  subgraph: string,
  { authentication, claims, subgraphs }: GatewayConfig,
) {
  const entry = Object.hasOwn(claims.subgraphs, subgraph) ? claims.subgraphs[subgraph] : undefined
  const { headers, passToken } = subgraphSettings(subgraphs, subgraph)
  return {
    plainHeaders: entry?.headers,
    cookies: entry?.cookies,
    requestHeaders: headers.request,
    credentialHeaders: authentication.sources.flatMap((source) =>
      'header' in source ? [source.header] : [],
    ),
    passToken,
  }
}

/** Returns the function that refuses a caller of whom too much would be forwarded; undefined: nothing is. */
export function forwardedSizeLimit(config: GatewayConfig): ((caller: Caller) => void) | undefined {
  const { subgraphs, claims } = config
  const names = new Set([...Object.keys(subgraphs), ...Object.keys(claims.subgraphs)])
  names.delete('all')
  return refuseLargeHeaders(
    // Subgraphs without an entry get what `all` says: no subgraph has this name.
    ['', ...names].map((name) => {
      const options = forwardedOfClients(name, config)
      return { list: takenFromClient(options), rules: options.requestHeaders }
    }),
  )
}

/** Returns whether any subgraph's `Cache-Control` counts: only responses to known operations may be cached. */
function readsCacheControl({ operations, subgraphs }: GatewayConfig): boolean {
  return operations.manifests.length > 0 && namesCacheControl(subgraphs)
}

/**
 * Returns the request headers on which responses depend, where subgraphs may allow to cache them; undefined: no rule
 * names `cache-control`, or no operation is known.
 */
export function cacheVary(config: GatewayConfig): readonly string[] | undefined {
  if (!readsCacheControl(config)) return undefined
  const { authentication, subgraphs } = config
  const credentials = authentication.sources.map((source) =>
    'cookie' in source ? 'cookie' : source.header,
  )
  return [...new Set(['accept', 'authorization', ...credentials, ...requestHeaderNames(subgraphs)])]
}
