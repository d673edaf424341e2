/** Verifies the access tokens of one issuer, by its keys and its rules alone. */
import { errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'
import { fitsAlgorithm } from './algorithms.ts'
import type { UnverifiedToken } from './read-token.ts'
import type { VerificationKey } from './read-key-set.ts'
import { TokenRefused } from './token-refused.ts'
import type { TokenReason } from './token-refused.ts'
import { useKey } from './use-key.ts'
import type { KeysInUse } from './use-key.ts'

export interface AccessTokenRules {
  /** The exact `iss`. */
  issuer: string
  /** A token for any of these is accepted (RFC 7519 section 4.1.3). */
  audiences: readonly string[]
  /** The accepted algorithms. */
  algorithms: readonly string[]
  /** The accepted `typ`; `JWT` also accepts a token without one. */
  tokenTypes: readonly string[]
  /** How far the clocks may differ, in milliseconds. */
  clockTolerance: number
  /** The longest time since `iat`, in milliseconds. */
  maxTokenAge: number
}

export interface VerifiedToken {
  readonly claims: JWTPayload & { readonly sub: string; readonly exp: number; readonly iat: number }
  /** The key that signed it. */
  readonly key: VerificationKey
}

/** The reasons for which a token is refused when its key has been replaced under the same id. */
const reasonsOfWrongKey: readonly TokenReason[] = ['SIGNATURE_INVALID', 'ALGORITHM_REFUSED']

export type AccessTokenVerifier = (token: UnverifiedToken) => Promise<VerifiedToken>

/** Returns a function that verifies a token of this issuer, or rejects with the reason. */
export function accessTokenVerifier(
  rules: AccessTokenRules,
  keys: KeysInUse,
  now: () => number,
): AccessTokenVerifier {
  const tokenTypes = rules.tokenTypes.map(mediaType)
  const options = {
    algorithms: [...rules.algorithms],
    issuer: rules.issuer,
    audience: [...rules.audiences],
    clockTolerance: rules.clockTolerance / 1_000,
    maxTokenAge: rules.maxTokenAge / 1_000,
    requiredClaims: ['exp', 'sub'],
  }

  return async (token) => {
    refuseType(token)
    if (!options.algorithms.includes(token.algorithm)) throw new TokenRefused('ALGORITHM_REFUSED')
    const { claims, key } = await useKey(
      keys,
      token.keyId,
      async (key) => ({ claims: await verify(token, key), key }),
      (cause) => cause instanceof TokenRefused && reasonsOfWrongKey.includes(cause.reason),
    )
    refuseUnusual(claims)
    return { claims: claims as VerifiedToken['claims'], key }
  }

  function refuseType({ type }: UnverifiedToken): void {
    if (tokenTypes.includes(mediaType(type ?? 'JWT'))) return
    throw new TokenRefused('TOKEN_TYPE_WRONG')
  }

  async function verify(token: UnverifiedToken, key: VerificationKey): Promise<JWTPayload> {
    if (!fitsAlgorithm(key, token.algorithm)) {
      throw new TokenRefused('ALGORITHM_REFUSED', 'the key is not for the algorithm')
    }
    try {
      return (await jwtVerify(token.text, key.key, { ...options, currentDate: new Date(now()) }))
        .payload
    } catch (cause) {
      if (!(cause instanceof errors.JOSEError)) throw cause
      throw new TokenRefused(reasonOf(cause), cause.message)
    }
  }
}

/** Refuses what jose accepts although no access token has it. */
function refuseUnusual(claims: JWTPayload): void {
  const { sub, exp, iat, nbf } = claims
  if (typeof sub !== 'string' || sub === '') throw invalidClaim('`sub` is not a string')
  // Half a surrogate pair has no UTF-8: two such subjects would become one in a plain header.
  if (/\p{Surrogate}/u.test(sub)) throw invalidClaim('`sub` is not well-formed Unicode')
  const times = [exp, iat, nbf].filter((time) => time !== undefined)
  if (!times.every(Number.isFinite)) throw invalidClaim('a time is not a finite number')
  if (isIdToken(claims)) {
    const why = 'its claims are those of an ID or refresh token'
    throw new TokenRefused('TOKEN_TYPE_WRONG', why)
  }
}

/**
 * Providers that give every token the type JWT mark the others by claims: `nonce`, `at_hash` and
 * `c_hash` (OpenID Connect Core sections 2 and 3.3.2.11), `token_use` (Cognito), `typ` (Keycloak).
 */
function isIdToken(claims: JWTPayload): boolean {
  if (['nonce', 'at_hash', 'c_hash'].some((name) => Object.hasOwn(claims, name))) return true
  const { token_use: use, typ } = claims
  if (use !== undefined && use !== 'access') return true
  return typ === 'ID' || typ === 'Refresh' || typ === 'Offline'
}

/** RFC 7515 section 4.1.9: `application/` may be left out. */
function mediaType(type: string): string {
  const lower = type.toLowerCase()
  return lower.includes('/') ? lower : `application/${lower}`
}

function invalidClaim(why: string): TokenRefused {
  return new TokenRefused('CLAIM_INVALID', why)
}

/** Claims whose value is not the expected one, by name. */
const reasonOfClaim: Readonly<Record<string, TokenReason>> = {
  iss: 'ISSUER_UNKNOWN',
  aud: 'AUDIENCE_MISMATCH',
  nbf: 'TOKEN_NOT_YET_VALID',
  iat: 'TOKEN_NOT_YET_VALID',
}

function reasonOf(cause: errors.JOSEError): TokenReason {
  if (cause instanceof errors.JWTExpired) {
    return cause.claim === 'iat' ? 'TOKEN_TOO_OLD' : 'TOKEN_EXPIRED'
  }
  if (cause instanceof errors.JWTClaimValidationFailed) {
    if (cause.reason === 'missing') return 'CLAIM_MISSING'
    if (cause.reason === 'invalid') return 'CLAIM_INVALID'
    return reasonOfClaim[cause.claim] ?? 'CLAIM_INVALID'
  }
  if (cause instanceof errors.JWSSignatureVerificationFailed) return 'SIGNATURE_INVALID'
  if (cause instanceof errors.JOSEAlgNotAllowed) return 'ALGORITHM_REFUSED'
  return 'TOKEN_MALFORMED'
}
