/** The scopes that a token states, reduced to those that its issuer may state. */
import { claimAt, stepsOf, valueAt, withValueAt } from './claim-path.ts'
import type { ClaimsRecord } from './claim-path.ts'
import { TokenRefused } from './token-refused.ts'

/** Scopes of several issuers share one set of names: this keeps an issuer to its own. */
export type ScopeRule =
  /** Only these count; any other scope that a token states is dropped. */
  | { readonly allow: readonly string[] }
  /** Put before every scope that a token states. */
  | { readonly prefix: string }

/**
 * Returns the scopes of the claims with those names or paths: of one claim as they are, of several as
 * one list. Undefined where none of them is there.
 */
export function scopesIn(claims: ClaimsRecord, names: readonly string[]): unknown {
  const stated = names.map((name) => claimAt(claims, name)).filter((value) => value !== undefined)
  if (stated.length < 2) return stated[0]
  return [...new Set(stated.flatMap((value) => listOf(readScopes(value)!)))]
}

/**
 * Returns the claims with the scopes that the rule leaves of those in the named claims. The rest is as
 * it was; without a rule, all of it.
 */
export function withOwnScopes(
  claims: ClaimsRecord,
  names: readonly string[],
  rule: ScopeRule | undefined,
): ClaimsRecord {
  if (rule === undefined) {
    for (const name of names) readScopes(claimAt(claims, name))
    return claims
  }
  return placesOf(names).reduce((narrowed, steps) => withOwnScopesAt(narrowed, steps, rule), claims)
}

/** Also the path that is not used, if a claim has dots in its name: it may be forwarded. */
function placesOf(names: readonly string[]): (readonly string[])[] {
  const places = names.flatMap((name) => [[name], stepsOf(name)])
  return [...new Map(places.map((steps) => [JSON.stringify(steps), steps])).values()]
}

function withOwnScopesAt(claims: ClaimsRecord, steps: readonly string[], rule: ScopeRule) {
  const stated = readScopes(valueAt(claims, steps))
  if (stated === undefined) return claims
  const own = ownScopes(rule)
  const narrowed =
    typeof stated === 'string' ? own(listOf(stated)).join(' ') : own(stated.filter(isOneScope))
  return withValueAt(claims, steps, narrowed) as ClaimsRecord
}

/** Returns whether the rule lets a token state a scope that begins like that. */
export function mayState(rule: ScopeRule | undefined, beginning: string): boolean {
  if (rule === undefined) return true
  if ('allow' in rule) return rule.allow.some((scope) => scope.startsWith(beginning))
  // `ad` and `min:users` make `admin:users`.
  return rule.prefix.startsWith(beginning) || beginning.startsWith(rule.prefix)
}

/** The value as it came: splitting and joining would turn one scope with a space into two. */
function readScopes(value: unknown): string | readonly string[] | undefined {
  if (value === undefined || typeof value === 'string') return value
  if (Array.isArray(value) && value.every((scope) => typeof scope === 'string')) return value
  throw new TokenRefused('CLAIM_INVALID', 'the scopes are not a list of strings')
}

function listOf(stated: string | readonly string[]): readonly string[] {
  return typeof stated === 'string' ? stated.split(/\s+/).filter(Boolean) : stated
}

function ownScopes(rule: ScopeRule): (scopes: readonly string[]) => string[] {
  if ('prefix' in rule)
    return (scopes) => scopes.filter(Boolean).map((scope) => rule.prefix + scope)
  return (scopes) => scopes.filter((scope) => rule.allow.includes(scope))
}

/**
 * An entry with a space would be two scopes to a reader that splits: the second one without a
 * prefix.
 */
function isOneScope(entry: string): boolean {
  return !/\s/.test(entry)
}
