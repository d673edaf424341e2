/** Verifies the access tokens of one issuer, by its keys and its rules alone. */
import { compactVerify, errors } from 'jose'
import { fitsAlgorithm } from './algorithms.ts'
import { claimChecker } from './check-claims.ts'
import type { CheckedClaims, ClaimCheckRules } from './check-claims.ts'
import type { UnverifiedToken } from './read-token.ts'
import type { VerificationKey } from './read-key-set.ts'
import { TokenRefused } from './token-refused.ts'
import type { TokenReason } from './token-refused.ts'
import { useKey } from './use-key.ts'
import type { KeysInUse } from './use-key.ts'

export interface AccessTokenRules extends ClaimCheckRules {
  /** The exact `iss`, or the pattern of it. */
  issuer: string
  /** What stands in the place of `{tenantid}` in `iss`; undefined: the issuer is no pattern. */
  tenants?: readonly string[] | undefined
  /** The accepted algorithms. */
  algorithms: readonly string[]
  /** The accepted `typ`; `JWT` also accepts a token without one. */
  tokenTypes: readonly string[]
  /** Whether a token without `kid` is refused; else the only key for its algorithm verifies it. */
  requireKeyId: boolean
}

export interface VerifiedToken {
  readonly claims: CheckedClaims
  /** The key that signed it; undefined where its issuer was asked. */
  readonly key: VerificationKey | undefined
  /** Until when that counts, in milliseconds since the epoch; undefined: as long as the key does. */
  readonly verifiedUntil?: number
  /** Until when that counts for what is open, while its issuer is away, in milliseconds since the epoch. */
  readonly keptUntil?: number
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
  const iat = rules.maxTokenAge === Infinity ? [] : ['iat']
  const checkClaims = claimChecker({ ...rules, requiredClaims: ['sub', 'exp', ...iat] })

  return async (token) => {
    refuseType(token)
    if (!rules.algorithms.includes(token.algorithm)) throw new TokenRefused('ALGORITHM_REFUSED')
    if (token.keyId === undefined && rules.requireKeyId) {
      throw new TokenRefused('KEY_UNKNOWN', 'the header names no key')
    }
    const key = await useKey(
      keys,
      token,
      (key) => verifySignature(token, key),
      (cause) => cause instanceof TokenRefused && reasonsOfWrongKey.includes(cause.reason),
    )
    if (rules.tenants) refuseForeignKey(token, key)
    return { claims: checkClaims(token.payload, now()), key }
  }

  function refuseType({ type }: UnverifiedToken): void {
    if (tokenTypes.includes(mediaType(type ?? 'JWT'))) return
    throw new TokenRefused('TOKEN_TYPE_WRONG')
  }

  /** In a key set of several tenants, a key may be for the tokens of one: that of all names the pattern. */
  function refuseForeignKey({ payload }: UnverifiedToken, { issuer }: VerificationKey): void {
    if (issuer === undefined || issuer === payload.iss || issuer === rules.issuer) return
    throw new TokenRefused('KEY_UNKNOWN', 'the key is for the tokens of another issuer')
  }
}

/** Returns the key; rejects where the token is not signed with it. */
async function verifySignature(
  token: UnverifiedToken,
  key: VerificationKey,
): Promise<VerificationKey> {
  if (!fitsAlgorithm(key, token.algorithm)) {
    throw new TokenRefused('ALGORITHM_REFUSED', 'the key is not for the algorithm')
  }
  try {
    await compactVerify(token.text, key.key, { algorithms: [token.algorithm] })
    return key
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause
    throw new TokenRefused(reasonOf(cause), cause.message)
  }
}

/** Returns the type as a media type: `application/` may be left out (RFC 7515 section 4.1.9). */
export function mediaType(type: string): string {
  const lower = type.toLowerCase()
  return lower.includes('/') ? lower : `application/${lower}`
}

function reasonOf(cause: errors.JOSEError): TokenReason {
  if (cause instanceof errors.JWSSignatureVerificationFailed) return 'SIGNATURE_INVALID'
  if (cause instanceof errors.JOSEAlgNotAllowed) return 'ALGORITHM_REFUSED'
  return 'TOKEN_MALFORMED'
}
