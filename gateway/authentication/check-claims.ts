/** The rules for the claims of an access token, the same however its issuer vouches for them. */
import { claimAt } from './claim-path.ts'
import type { ClaimsRecord } from './claim-path.ts'
import { TokenRefused } from './token-refused.ts'

export interface ClaimCheckRules {
  /** A token for any of these is accepted (RFC 7519 section 4.1.3). */
  audiences: readonly string[]
  /** The claim with the audience, or the path to it: a string or an array. */
  audienceClaim: string
  /** How far the clocks may differ, in milliseconds. */
  clockTolerance: number
  /** The longest time since `iat`, in milliseconds; Infinity: a token may have any age, and no `iat`. */
  maxTokenAge: number
  /** What happens to a token whose claims are those of an ID token. */
  idTokens: 'refuse' | 'accept'
  /** What happens to a token that is bound to a key or certificate, which is not checked. */
  senderConstrained: 'refuse' | 'accept'
}

/** The claims of an access token that has passed the checks. */
export type CheckedClaims = ClaimsRecord & {
  readonly sub: string
  readonly exp?: number
  readonly iat?: number
}

/** Returns a function that returns the claims if they pass at that time, and throws a TokenRefused otherwise. */
export function claimChecker(
  rules: ClaimCheckRules & { requiredClaims: readonly string[] },
): (claims: ClaimsRecord, now: number) => CheckedClaims {
  return (claims, now) => {
    refuseKind(claims)
    refuseMissing(claims)
    refuseAudience(claims)
    refuseTimes(claims, now)
    refuseUnusual(claims)
    return claims as CheckedClaims
  }

  function refuseKind(claims: ClaimsRecord): void {
    if (isRefreshToken(claims) || (rules.idTokens === 'refuse' && isIdToken(claims))) {
      const why = 'its claims are those of an ID or refresh token'
      throw new TokenRefused('TOKEN_TYPE_WRONG', why)
    }
    if (rules.senderConstrained === 'refuse' && claims.cnf !== undefined) {
      throw new TokenRefused('TOKEN_SENDER_CONSTRAINED', 'it has the claim `cnf`')
    }
  }

  function refuseMissing(claims: ClaimsRecord): void {
    const missing = rules.requiredClaims.find((name) => !Object.hasOwn(claims, name))
    if (missing !== undefined) throw new TokenRefused('CLAIM_MISSING', `\`${missing}\` is missing`)
  }

  function refuseAudience(claims: ClaimsRecord): void {
    const { audiences, audienceClaim: name } = rules
    const stated = claimAt(claims, name)
    if (stated === undefined) throw new TokenRefused('CLAIM_MISSING', `\`${name}\` is missing`)
    const isMeant = (audience: unknown) => audiences.includes(audience as string)
    if (Array.isArray(stated) ? stated.some(isMeant) : isMeant(stated)) return
    throw new TokenRefused('AUDIENCE_MISMATCH', `\`${name}\` has none of \`audiences\``)
  }

  function refuseTimes({ exp, iat, nbf }: ClaimsRecord, now: number): void {
    const { clockTolerance, maxTokenAge } = rules
    for (const time of [iat, nbf, exp]) {
      if (time === undefined || Number.isFinite(time)) continue
      throw invalidClaim('a time is not a finite number')
    }
    const at = (time: unknown) => (time as number) * 1_000
    if (at(nbf ?? 0) > now + clockTolerance) {
      throw new TokenRefused('TOKEN_NOT_YET_VALID', '`nbf` is in the future')
    }
    if (at(exp) <= now - clockTolerance) {
      throw new TokenRefused('TOKEN_EXPIRED', '`exp` is in the past')
    }
    if (iat === undefined) return
    if (now - at(iat) > maxTokenAge + clockTolerance) {
      throw new TokenRefused('TOKEN_TOO_OLD', '`iat` is too far in the past')
    }
    if (at(iat) > now + clockTolerance) {
      throw new TokenRefused('TOKEN_NOT_YET_VALID', '`iat` is in the future')
    }
  }
}

function refuseUnusual({ sub }: ClaimsRecord): void {
  if (typeof sub !== 'string' || sub === '') throw invalidClaim('`sub` is not a string')
  // Half a surrogate pair has no UTF-8: two such subjects would become one in a plain header.
  if (/\p{Surrogate}/u.test(sub)) throw invalidClaim('`sub` is not well-formed Unicode')
}

/**
 * Returns whether the claims are those of an ID token. Providers that give every token the type JWT mark ID
 * tokens by claims: `nonce`, `at_hash` and
 * `c_hash` (OpenID Connect Core sections 2 and 3.3.2.11), `token_use` (Cognito), `typ` (Keycloak).
 */
export function isIdToken(claims: ClaimsRecord): boolean {
  // Keycloak before version 24 has `nonce` in access tokens, too.
  if (claims.typ === 'Bearer') return false
  if (['nonce', 'at_hash', 'c_hash'].some((name) => Object.hasOwn(claims, name))) return true
  const { token_use: use, typ } = claims
  return (use !== undefined && !accessTokenUses.includes(use)) || typ === 'ID'
}

/** Returns whether the claims are those of a refresh token, which is good for nothing but its own server. */
export function isRefreshToken({ token_use: use, token_type: type, typ }: ClaimsRecord): boolean {
  const isMarked = [use, type].some((value) => refreshTokenUses.includes(value))
  return isMarked || typ === 'Refresh' || typ === 'Offline'
}

/** `token_use` of Cognito, and that of Hydra in the response to an introspection. */
const accessTokenUses: readonly unknown[] = ['access', 'access_token']
const refreshTokenUses: readonly unknown[] = ['refresh', 'refresh_token']

function invalidClaim(why: string): TokenRefused {
  return new TokenRefused('CLAIM_INVALID', why)
}
