/** The answer that is nothing but a refusal: a row of the error table as an HTTP response. */
import { GatewayError } from '../errors.ts'
import type { ErrorRow } from '../errors.ts'
import type { HttpAnswer } from './http-message.ts'
import { responseMediaType } from './media-type.ts'

export interface RefusalOptions {
  /** The protection space named in `WWW-Authenticate` (RFC 9110 section 11.5). */
  realm: string
  /** The client's Accept header. */
  accept?: string | undefined
}

/** Returns the response for a refused request. Its text comes from the table, never from the cause. */
export function refusal(error: GatewayError, { realm, accept }: RefusalOptions): HttpAnswer {
  const { row, reason } = error
  return {
    status: row.status,
    headers: {
      'content-type': responseMediaType(accept),
      'cache-control': 'no-store',
      ...(row.challenge ? { 'www-authenticate': challenge(row, realm) } : {}),
      ...(row.retryAfter ? { 'retry-after': String(row.retryAfter) } : {}),
      ...(row.allow ? { allow: row.allow } : {}),
    },
    body: JSON.stringify({
      errors: [{ message: row.message, extensions: { code: row.code, reason } }],
    }),
  }
}

/** RFC 6750 section 3; without credentials the challenge carries no error (section 3.1). */
export function challenge(
  row: Pick<ErrorRow, 'challenge' | 'message'>,
  realm: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const attributes =
    row.challenge === 'without error'
      ? { realm }
      : { realm, error: row.challenge ?? '', error_description: row.message, ...more }
  const list = Object.entries(attributes).map(([name, value]) => `${name}=${quoted(value)}`)
  return `Bearer ${list.join(', ')}`
}

/** A quoted-string of RFC 9110 section 5.6.4. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}
