/** Warns about configurations of several issuers that are allowed, but seldom intended. */
import type { IssuerOptions } from './issuer.ts'
import { mayState } from './scopes.ts'
import type { ClaimRules } from './select-claims.ts'

/** The beginning of the scopes that guard the administration of accounts and clients. */
const administration = 'admin:'

/** Returns a warning for each way in which one issuer could act for another. */
export function issuerWarnings(
  issuers: readonly Pick<IssuerOptions, 'issuer' | 'subjectPrefix' | 'scopes'>[],
  { forward, narrowed }: ClaimRules,
): { issuers: readonly string[]; message: string }[] {
  const warnings: ReturnType<typeof issuerWarnings> = []
  const forwardsIssuer = [forward, ...narrowed].every((list) => list.includes('iss'))
  const prefixes = new Set(issuers.map(({ subjectPrefix }) => subjectPrefix))
  if (prefixes.size < issuers.length && !forwardsIssuer) {
    warnings.push({
      issuers: issuers.map(({ issuer }) => issuer),
      message:
        'subgraphs cannot distinguish the subjects of these issuers: set subject_prefix, or forward iss',
    })
  }
  const administrators = issuers.filter(({ scopes }) => mayState(scopes, administration))
  if (administrators.length > 1) {
    warnings.push({
      issuers: administrators.map(({ issuer }) => issuer),
      message:
        'each of these issuers may grant scopes that begin with admin: give all but your own `scopes: { allow: [...] }` or `scopes: { prefix: ... }`',
    })
  }
  return warnings
}
