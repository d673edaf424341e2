/** Reads an issuer's metadata (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3). */
import { FetchFailure } from './fetch-failure.ts'
import { faultOfUrl } from './issuer-url.ts'

/** Returns the addresses where an issuer's metadata may be, in the order to try. */
export function metadataAddresses(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

type AddressName = 'jwks_uri' | 'status_list_aggregation_endpoint'

/**
 * Returns an address in the metadata, or undefined; throws a FetchFailure for one that is not
 * acceptable.
 */
export type FindAddress = (name: AddressName) => string | undefined

/**
 * Returns a function that finds an address in the metadata. They must name the issuer that they were
 * requested for (RFC 8414 section 3.3): otherwise one issuer could speak for another.
 */
export function readMetadata(
  document: unknown,
  { issuer, allowHttp }: { issuer: string; allowHttp: boolean },
): FindAddress {
  const metadata = Object(document) as Readonly<Record<string, unknown>>
  if (metadata.issuer !== issuer) throw new FetchFailure('metadata of another issuer')
  return (name) => {
    const address = metadata[name]
    if (typeof address !== 'string') return undefined
    const fault = faultOfUrl(address, allowHttp)
    if (fault) throw new FetchFailure(`metadata whose ${name} is not acceptable: ${fault}`)
    return address
  }
}
