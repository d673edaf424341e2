/** Which issuer judges a token: the one that a JWT names, or the one that is asked about any other. */
import type { Issuer } from './issuer.ts'
import { readToken } from './read-token.ts'
import type { UnverifiedToken } from './read-token.ts'
import { TokenRefused } from './token-refused.ts'

export interface KnownIssuers {
  /** By every accepted `iss`. */
  readonly byName: ReadonlyMap<string, Issuer>
  /** The issuer that is asked about tokens that are no JWTs. */
  readonly opaque: Issuer | undefined
}

/** The form of a bearer token (RFC 6750 section 2.1). */
const bearerForm = /^[\w.~+/-]+=*$/
/** Three parts, of which the first begins like a JSON object, well-formed or not: it is sent to no issuer. */
const jwtForm = /^ey[^.]*\.[^.]*\.[^.]*$/

/** The largest opaque token, in bytes: as large as a JWT. */
const maxSize = 8 * 1024

/** Returns whether the text has the form of a JWT, well-formed or not. */
export function looksLikeJwt(text: string): boolean {
  return jwtForm.test(text)
}

/** Returns the token without trusting it; throws a TokenRefused for any unusual form. */
export function readPresented(text: string, { opaque }: KnownIssuers): UnverifiedToken {
  if (!opaque || looksLikeJwt(text)) return readToken(text)
  if (text.length > maxSize) throw new TokenRefused('TOKEN_TOO_LARGE')
  if (!bearerForm.test(text)) throw new TokenRefused('TOKEN_MALFORMED', 'not a bearer token')
  return { text, form: 'opaque', algorithm: '', keyId: undefined, type: undefined, payload: {} }
}

/** Returns the issuer that judges the token; throws a TokenRefused if it is missing or unknown. */
export function issuerOf({ form, payload }: UnverifiedToken, issuers: KnownIssuers): Issuer {
  if (form === 'opaque' && issuers.opaque) return issuers.opaque
  const { iss: name } = payload
  if (name === undefined) throw new TokenRefused('CLAIM_MISSING', '`iss` is missing')
  const issuer = typeof name === 'string' ? issuers.byName.get(name) : undefined
  if (issuer) return issuer
  throw new TokenRefused('ISSUER_UNKNOWN')
}
