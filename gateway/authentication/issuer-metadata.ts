/** OpenID Connect Discovery 1.0 section 4, and RFC 8414 section 3. */
import { FetchFailure } from './fetch-failure.ts'
import { faultOfUrl } from './issuer-url.ts'

/** Returns where an issuer's metadata may be, in the order to try. */
export function metadataAddresses(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

/**
 * Returns the address of the keys. The metadata must name the very issuer that it was asked for
 * (RFC 8414 section 3.3), else one issuer could speak for another.
 */
export function readMetadata(
  document: unknown,
  { issuer, allowHttp }: { issuer: string; allowHttp: boolean },
): string {
  const metadata = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown }
  if (metadata.issuer !== issuer) throw new FetchFailure('metadata of another issuer')
  const { jwks_uri: address } = metadata
  if (typeof address !== 'string') throw new FetchFailure('metadata without jwks_uri')
  const fault = faultOfUrl(address, allowHttp)
  if (fault) throw new FetchFailure(`metadata whose jwks_uri is not acceptable: ${fault}`)
  return address
}
