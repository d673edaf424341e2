/** What the gateway says of itself to clients that look for an access token. */
import { tenantIssuers } from '../authentication/tenant-issuers.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import type { Realm } from '../http/bearer-challenge.ts'
import { metadataPaths, metadataUrl, resourceMetadata } from '../http/protected-resource.ts'
import type { PublicDocuments } from '../http/public-documents.ts'

/** Returns the protection space that challenges describe. */
export function configuredRealm({ realm, publicUrl }: GatewayConfig['http']): Realm {
  return { name: realm, metadataUrl: publicUrl === undefined ? undefined : metadataUrl(publicUrl) }
}

/**
 * Returns the metadata of the gateway as a protected resource, at each of their paths; nothing without
 * `http.public_url`.
 *
 * @param scopes returns every scope of the schema that serves now
 */
export function configuredResource(
  { http, authentication, authorization }: GatewayConfig,
  scopes: () => readonly string[],
): PublicDocuments {
  const { publicUrl: url, resourceMetadata: given } = http
  if (url === undefined) return {}
  const showsScopes = given.scopes ?? authorization.showRequirements
  const authorizationServers = authentication.issuers.flatMap(tenantIssuers).filter(isUrl)
  const document = () =>
    resourceMetadata({
      ...given,
      url,
      authorizationServers,
      scopes: showsScopes ? scopes() : [],
    })
  return Object.fromEntries([...metadataPaths(url)].map((path) => [path, document]))
}

/** An issuer without a URL has no metadata that a client could read (RFC 8414, section 2). */
function isUrl(issuer: string): boolean {
  return /^https?:/.test(issuer) && URL.canParse(issuer)
}
