/** Selects the claims of a verified token that may be forwarded, by the allow list. */
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { Caller } from '../client-request.ts'
import { TokenRefused } from './token-refused.ts'
import type { ClaimsRecord } from './claim-path.ts'
import { scopesIn, withOwnScopes } from './scopes.ts'
import type { ScopeRule } from './scopes.ts'

export interface ClaimRules {
  /** The allow list. */
  forward: readonly string[]
  /** By subgraph, the part of the allow list that it gets. */
  narrowed: readonly (readonly string[])[]
  /** Whether policies are configured: only then all claims of a token are remembered. */
  policies?: boolean
}

export interface IssuerClaimRules {
  /**
   * The claims with the scopes, or the paths to them: each is a string (RFC 9068 section 2.2.3), or an
   * array.
   */
  scopesClaims: readonly string[]
  /** Undefined: the issuer may state any scope. */
  scopes?: ScopeRule | undefined
  /** Put before `sub`. */
  subjectPrefix: string
}

/**
 * The claims that authorization reads, forwarded or not: how the login was (RFC 9470). Scopes are
 * apart.
 */
const claimsForAuthorization = ['acr', 'amr', 'auth_time']

/** The claims that name the client that a token was issued to: RFC 9068, OpenID Connect, Okta, Entra. */
const clientClaims = ['client_id', 'azp', 'cid', 'appid']

/** The most that is forwarded to one subgraph, in bytes of JSON. */
const maxForwardedSize = 4 * 1024

/**
 * Returns the claims that may be forwarded, and those that authorization needs. `verifiedClaims` is left
 * out where no policies are configured.
 */
export type ClaimSelector = (
  verified: ClaimsRecord,
) => { readonly claims: Claims } & Pick<Caller, 'verifiedClaims' | 'clientId'>

/** Returns a function that copies the claims of a verified token into frozen records. */
export function claimSelector(rules: ClaimRules, issuer: IssuerClaimRules): ClaimSelector {
  const names = [...new Set([...rules.forward, ...claimsForAuthorization])].filter(
    (name) => name !== 'sub' && name !== 'scope',
  )
  const forwarded = [rules.forward, ...rules.narrowed]

  return (stated) => {
    const verified = withOwnScopes(stated, issuer.scopesClaims, issuer.scopes)
    const claims: Record<string, unknown> = Object.create(null)
    claims.sub = issuer.subjectPrefix + String(verified.sub)
    const scopes = scopesIn(verified, issuer.scopesClaims)
    if (scopes !== undefined) claims.scope = deepFreeze(scopes)
    for (const name of names) {
      const value = own(verified, name)
      if (value !== undefined) claims[name] = deepFreeze(value)
    }
    forwarded.forEach((list) => refuseTooMuch(claims, list))
    const selected = Object.freeze(claims) as Claims
    const clientId = clientOf(verified)
    if (!rules.policies) return { claims: selected, clientId }
    return { claims: selected, clientId, verifiedClaims: allClaims(verified, selected) }
  }
}

function clientOf(verified: ClaimsRecord): string | undefined {
  for (const name of clientClaims) {
    const value = own(verified, name)
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

/**
 * Returns every claim of a verified token in a frozen record, with the subject and the scopes that were
 * selected: policies do not see either what an issuer may not state.
 */
function allClaims(verified: ClaimsRecord, selected: Claims): Claims {
  const claims: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(verified)) claims[name] = deepFreeze(value)
  delete claims.scope
  return Object.freeze(Object.assign(claims, selected)) as Claims
}

function own(record: ClaimsRecord, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function refuseTooMuch(claims: Record<string, unknown>, list: readonly string[]): void {
  const size = Buffer.byteLength(JSON.stringify(narrowClaims(claims, list)))
  if (size > maxForwardedSize) throw new TokenRefused('CLAIMS_TOO_LARGE')
}

/** Returns the claims that are in the list, and always `sub`. */
export function narrowClaims(claims: ClaimsRecord, list: readonly string[]): Claims {
  const narrowed: Record<string, unknown> = Object.create(null)
  narrowed.sub = claims.sub
  for (const name of list) {
    const value = own(claims, name)
    if (value !== undefined) narrowed[name] = value
  }
  return Object.freeze(narrowed) as Claims
}

function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
