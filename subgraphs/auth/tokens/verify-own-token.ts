/** Verifies access tokens that clients send back to auth. */
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'
import type { AuthDatabase } from '../database.ts'
import type { SigningKeys } from './signing-keys.ts'

export interface OwnTokenParts {
  database: AuthDatabase
  keys: SigningKeys
  issuer: string
  audience: string
  now: () => number
}

export type OwnClaims = JWTPayload & { readonly sub: string }

/** Returns the claims of a valid, unrevoked access token of ours; undefined for every other text. */
export type VerifyOwnToken = (token: string) => Promise<OwnClaims | undefined>

export function ownTokenVerifier(parts: OwnTokenParts): VerifyOwnToken {
  const { database, keys, issuer, audience, now } = parts

  return async (token) => {
    const claims = await verified(token)
    return claims && !(await isRevoked(claims)) ? claims : undefined
  }

  async function verified(token: string): Promise<OwnClaims | undefined> {
    try {
      const keySet = createLocalJWKSet({ keys: await keys.published() })
      const { payload } = await jwtVerify(token, keySet, {
        issuer,
        audience,
        typ: 'at+jwt',
        currentDate: new Date(now()),
        requiredClaims: ['sub', 'exp', 'iat', 'jti'],
      })
      return payload as OwnClaims
    } catch {
      return undefined
    }
  }

  async function isRevoked({ sub, iat = 0, gen, sid, akid }: OwnClaims): Promise<boolean> {
    const notBefore = await database
      .selectFrom('auth_subject_cut_offs')
      .select('subject')
      .where('subject', '=', sub)
      .where((where) =>
        where.or([
          where('generation', '>', typeof gen === 'number' ? gen : -1),
          // Written by an earlier version, which does not count generations.
          where.and([where('generation', 'is', null), where('issued_before', '>=', iat)]),
        ]),
      )
      .executeTakeFirst()
    if (notBefore) return true
    if (typeof sid === 'string') return !(await isOpen('auth_sessions', sid))
    if (typeof akid === 'string') return !(await isOpen('auth_api_keys', akid))
    return false
  }

  async function isOpen(table: 'auth_sessions' | 'auth_api_keys', id: string): Promise<boolean> {
    const row = await database
      .selectFrom(table)
      .select('id')
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', now())
      .executeTakeFirst()
    return row !== undefined
  }
}
