/** The metadata with which clients find out where to get access tokens for the gateway (RFC 9728). */

export interface ProtectedResource {
  /** The URL to which clients send operations. */
  readonly url: string
  /** For people. */
  readonly name?: string | undefined
  /** The URL of a page for developers. */
  readonly documentation?: string | undefined
  /** The issuers of access tokens. */
  readonly authorizationServers: readonly string[]
  /** The scopes that a client may need. */
  readonly scopes: readonly string[]
}

const wellKnown = '/.well-known/oauth-protected-resource'

/** Returns the URL of the metadata: the path of the resource follows the well-known part (section 3.1). */
export function metadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource)
  return origin + metadataPath(pathname)
}

/**
 * Returns the paths at which the gateway has its metadata: the one of their URL; the one that remains of
 * it behind a proxy that removes a prefix; and the one for clients that know only the host.
 */
export function metadataPaths(resource: string): ReadonlySet<string> {
  return new Set([wellKnown, metadataPath('/graphql'), metadataPath(new URL(resource).pathname)])
}

function metadataPath(path: string): string {
  return path === '/' ? wellKnown : wellKnown + path
}

/** Returns the metadata (section 2). What has no value is left out (section 3.2). */
export function resourceMetadata(resource: ProtectedResource): Readonly<Record<string, unknown>> {
  const { url, name, documentation, authorizationServers, scopes } = resource
  return {
    resource: url,
    ...(authorizationServers.length > 0 ? { authorization_servers: authorizationServers } : {}),
    ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
    bearer_methods_supported: ['header'],
    ...(name === undefined ? {} : { resource_name: name }),
    ...(documentation === undefined ? {} : { resource_documentation: documentation }),
  }
}
