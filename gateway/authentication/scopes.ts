/** The scopes that a token states, reduced to those that its issuer may state. */
import { isObject } from '../values/json.ts'
import { TokenRefused } from './token-refused.ts'

/** Scopes of several issuers share one set of names: this keeps an issuer to its own. */
export type ScopeRule =
  /** Only these count; any other scope that a token states is dropped. */
  | { readonly allow: readonly string[] }
  /** Put before every scope that a token states. */
  | { readonly prefix: string }

export type ClaimsRecord = Readonly<Record<string, unknown>>

/**
 * Returns the value of a claim. A name with dots that no claim has is a path: `realm_access.roles` is
 * `roles` within `realm_access`. A name that is a URL or a URN stays whole.
 */
export function claimAt(claims: ClaimsRecord, name: string): unknown {
  return stepsTo(claims, name).reduce<unknown>(memberOf, claims)
}

/**
 * Returns the claims with the scopes that the rule leaves of those in that claim. The rest is as it
 * was; without a rule, all of it.
 */
export function withOwnScopes(
  claims: ClaimsRecord,
  name: string,
  rule: ScopeRule | undefined,
): ClaimsRecord {
  if (rule === undefined) {
    readScopes(claimAt(claims, name))
    return claims
  }
  // Also at the path that is not used, if a claim has dots in its name: it may be forwarded.
  const places = isPath(name) ? [[name], name.split('.')] : [[name]]
  return places.reduce((narrowed, steps) => withOwnScopesAt(narrowed, steps, rule), claims)
}

function withOwnScopesAt(claims: ClaimsRecord, steps: readonly string[], rule: ScopeRule) {
  const stated = readScopes(steps.reduce<unknown>(memberOf, claims))
  if (stated === undefined) return claims
  const own = ownScopes(rule)
  const narrowed =
    typeof stated === 'string' ? own(stated.split(/\s+/)).join(' ') : own(stated.filter(isOneScope))
  return replaced(claims, steps, narrowed) as ClaimsRecord
}

/** Returns whether the rule lets a token state a scope that begins like that. */
export function mayState(rule: ScopeRule | undefined, beginning: string): boolean {
  if (rule === undefined) return true
  if ('allow' in rule) return rule.allow.some((scope) => scope.startsWith(beginning))
  // `ad` and `min:users` make `admin:users`.
  return rule.prefix.startsWith(beginning) || beginning.startsWith(rule.prefix)
}

function stepsTo(claims: ClaimsRecord, name: string): readonly string[] {
  return Object.hasOwn(claims, name) || !isPath(name) ? [name] : name.split('.')
}

function isPath(name: string): boolean {
  return name.includes('.') && !/:\/\/|^urn:/i.test(name)
}

function memberOf(value: unknown, step: string): unknown {
  return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
}

/** The value as it came: splitting and joining would turn one scope with a space into two. */
function readScopes(value: unknown): string | readonly string[] | undefined {
  if (value === undefined || typeof value === 'string') return value
  if (Array.isArray(value) && value.every((scope) => typeof scope === 'string')) return value
  throw new TokenRefused('CLAIM_INVALID', 'the scopes are not a list of strings')
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

function replaced(value: unknown, [step, ...steps]: readonly string[], newValue: unknown): unknown {
  if (step === undefined) return newValue
  return { ...(value as ClaimsRecord), [step]: replaced(memberOf(value, step), steps, newValue) }
}
