/** Claims in plain headers, for a subgraph that does not read the claims header. */
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { ForwardedClaims } from './claims-header.ts'
import { writtenAsSelected } from './forwarded-headers.ts'
import type { ForwardedHeader, Headers } from './forwarded-headers.ts'

/**
 * Returns the entry of plain headers. An anonymous caller has none of them, and a caller with a token
 * lacks a claim does not have its header.
 *
 * @param names the claim of each header
 * @param forward returns what this subgraph gets of claims
 */
export function plainClaims(
  names: Readonly<Record<string, string>>,
  forward: (claims: Claims) => ForwardedClaims,
): ForwardedHeader<Headers> {
  const entries = Object.entries(names)
  return writtenAsSelected(({ claims }) => {
    if (!claims) return {}
    const { claims: narrowed } = forward(claims)
    const headers: Record<string, string> = {}
    for (const [header, claim] of entries) {
      const value = narrowed?.[claim]
      if (value !== undefined && value !== null) headers[header] = plainHeaderValue(value)
    }
    return headers
  })
}

/**
 * Returns a claim as the value of a plain header: a text as it is, anything else as JSON, with each
 * byte of its UTF-8 percent-encoded that is not visible ASCII, and `%`. decodeURIComponent, and its
 * equal in any language, returns the text; a value cannot break out of its header.
 */
export function plainHeaderValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (/^[\x21-\x24\x26-\x7e]*$/.test(text)) return text
  return Array.from(Buffer.from(text), (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}
