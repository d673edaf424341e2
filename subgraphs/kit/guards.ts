/** Guards for resolvers: each returns the claims, or throws an error for the client. */
import { GraphQLError } from 'graphql'
import type { Claims } from './claims-header.ts'
import type { CallerClient } from './client-headers.ts'
import type { ClientCookies } from './cookies.ts'

/** The context that the kit's handler gives to resolvers. `claims` is null for an anonymous caller. */
export interface SubgraphContext {
  readonly claims: Claims | null
  /** The client's address and agent, if the gateway is configured to forward them. */
  readonly client: CallerClient
  /** The client's cookies, if the gateway is configured to forward them. */
  readonly cookies: ClientCookies
}

/** The part of the context that the guards need. */
type WithClaims = Pick<SubgraphContext, 'claims'>

/** Returns the caller's claims; throws an UNAUTHENTICATED error for an anonymous caller. */
export function requireClaims(context: WithClaims): Claims {
  if (context.claims) return context.claims
  throw new GraphQLError('Log in to see this', { extensions: { code: 'UNAUTHENTICATED' } })
}

/**
 * Returns the caller's claims if they grant every given scope. Otherwise throws: UNAUTHENTICATED for an
 * anonymous caller, FORBIDDEN (naming the missing scopes) for an authenticated one.
 */
export function requireScopes(context: WithClaims, ...scopes: string[]): Claims {
  const claims = requireClaims(context)
  const granted = grantedScopes(claims)
  const missing = scopes.filter((scope) => !granted.includes(scope))
  if (missing.length === 0) return claims
  throw new GraphQLError(`Missing scope: ${missing.join(' ')}`, {
    extensions: { code: 'FORBIDDEN', missingScopes: missing },
  })
}

/** Returns the scopes of a caller: `scope` as a space-separated string (RFC 9068) or as a list. */
export function grantedScopes(claims: Claims): readonly string[] {
  const { scope } = claims
  if (typeof scope === 'string') return scope.split(' ').filter(Boolean)
  if (Array.isArray(scope)) return scope.filter((entry) => typeof entry === 'string')
  return []
}
