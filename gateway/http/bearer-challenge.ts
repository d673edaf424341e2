/** `WWW-Authenticate: Bearer`, the challenge to a caller that needs an access token, or another one. */
import type { ErrorRow } from '../errors.ts'

/** The protection space, as every challenge describes it (RFC 9110, section 11.5). */
export interface Realm {
  readonly name: string
  /** The URL of its metadata, which say where to get access tokens (RFC 9728, section 5.1). */
  readonly metadataUrl?: string | undefined
}

/**
 * Returns the challenge (RFC 6750, section 3). Without credentials it carries no error (section 3.1).
 *
 * @param more further attributes of the error, such as `scope`
 */
export function bearerChallenge(
  row: Pick<ErrorRow, 'challenge' | 'message'>,
  { name: realm, metadataUrl }: Realm,
  more: Readonly<Record<string, string>> = {},
): string {
  const attributes = {
    realm,
    ...(row.challenge === 'without error'
      ? {}
      : { error: row.challenge ?? '', error_description: row.message, ...more }),
    ...(metadataUrl === undefined ? {} : { resource_metadata: metadataUrl }),
  }
  const list = Object.entries(attributes).map(([name, value]) => `${name}=${quoted(value)}`)
  return `Bearer ${list.join(', ')}`
}

/** A quoted-string of RFC 9110, section 5.6.4. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}
