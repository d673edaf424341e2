/** What is allowed in a configuration of several issuers, but seldom meant. */
import type { IssuerOptions } from './issuer.ts'
import { mayState } from './scopes.ts'
import type { ClaimRules } from './select-claims.ts'

export interface IssuerWarning {
  readonly issuers: readonly string[]
  readonly message: string
}

/** Administration of accounts and clients is guarded by scopes that begin like this. */
const administration = 'admin:'

/** Returns a warning for each thing that the issuers may do to one another. */
export function issuerWarnings(
  issuers: readonly Pick<IssuerOptions, 'issuer' | 'subjectPrefix' | 'scopes'>[],
  { forward, narrowed }: ClaimRules,
): IssuerWarning[] {
  const warnings: IssuerWarning[] = []
  const tellsIssuers = [forward, ...narrowed].every((list) => list.includes('iss'))
  const prefixes = new Set(issuers.map(({ subjectPrefix }) => subjectPrefix))
  if (prefixes.size < issuers.length && !tellsIssuers) {
    warnings.push({
      issuers: issuers.map(({ issuer }) => issuer),
      message:
        'subgraphs cannot tell the subjects of these issuers apart: set subject_prefix, or forward iss',
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
