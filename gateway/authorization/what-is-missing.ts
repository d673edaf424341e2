/** What a caller would need, in the words of schemas. */
import type { Authorizer } from './authorizer.ts'
import { directiveOf, guardKinds } from './guard-directives.ts'
import type { Guard } from './guard-directives.ts'
import type { Credentials, Requires } from './guards/guard-directive.ts'
import { inOne } from './step-up.ts'
import type { StepUp, StepUpPolicies } from './step-up.ts'

/**
 * Returns what is missing to satisfy all of these guards.
 *
 * @param login the login that would be enough, if there is one; by the names of RFC 9470
 */
export function whatIsMissing(
  guards: readonly Guard[],
  credentials: Credentials,
  login?: StepUp,
): Requires {
  const each = guardKinds.map((kind) => {
    const ofKind = guards.filter((guard) => guard.kind === kind)
    return ofKind.length === 0 ? {} : directiveOf(kind).missing(ofKind, credentials)
  })
  return {
    ...Object.assign({}, ...each),
    ...(login && login.acrValues.length > 0 ? { acr_values: login.acrValues } : {}),
    ...(login?.maxAge === undefined ? {} : { max_age: login.maxAge }),
  }
}

/** Returns the scopes of a token that would meet all of these guards: the challenge's `scope`. */
export function scopesFor(guards: readonly Guard[], credentials: Credentials): string[] {
  const scopes = guards.flatMap((guard) => directiveOf(guard.kind).scopes(guard, credentials))
  return [...new Set(scopes)].sort()
}

/** Returns every scope that an alternative of these guards names, sorted. */
export function namedScopes(guards: readonly Guard[]): string[] {
  const scopes = guards.flatMap((guard) => (guard.kind === 'scopes' ? guard.anyOf.flat() : []))
  return [...new Set(scopes)].sort()
}

/** Returns the scopes of a token that would meet every guard of the schema. */
export function allScopes({
  schema,
  credentials,
}: Pick<Authorizer, 'schema' | 'credentials'>): string[] {
  return scopesFor(schema.guards, credentials({ claims: null }))
}

/**
 * Returns the login with which a known caller would meet all of these guards; undefined where a login
 * alone would not help.
 */
export function loginFor(
  guards: readonly Guard[],
  credentials: Credentials,
  policies: StepUpPolicies,
): StepUp | undefined {
  if (!credentials.claims || guards.length === 0) return undefined
  const each = guards.map((guard) => directiveOf(guard.kind).login(guard, credentials, policies))
  return each.every((login) => login !== undefined) ? inOne(each) : undefined
}
