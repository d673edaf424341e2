/**
 * Policies about the login itself: how strong it was, and how long ago (RFC 9470). The gateway decides
 * them by the access token, and its denials name the login that would be enough.
 */
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { Alternatives } from './alternatives.ts'
import type { DecidePolicies } from './policies.ts'

/** A login that is enough. */
export interface StepUp {
  /** Any of these is strong enough, the preferred one first; none: however strong. */
  readonly acrValues: readonly string[]
  /** The most seconds since the login. */
  readonly maxAge?: number | undefined
}

/** By the name of the policy. */
export type StepUpPolicies = Readonly<Record<string, StepUp>>

/** Returns the decider that decides the policies about the login; the other decider decides all others. */
export function withStepUp(
  policies: StepUpPolicies,
  otherwise: DecidePolicies,
  now: () => number,
): DecidePolicies {
  if (Object.keys(policies).length === 0) return otherwise

  return async (question, requestId) => {
    const ours = question.policies.filter((name) => Object.hasOwn(policies, name))
    const granted = ours.filter((name) => suffices(policies[name]!, question.claims, now()))
    const others = question.policies.filter((name) => !Object.hasOwn(policies, name))
    if (others.length === 0) return new Set(granted)
    const grantedByOthers = await otherwise({ ...question, policies: others }, requestId)
    return new Set([...granted, ...grantedByOthers])
  }
}

/** A login that the access token does not describe is not strong, and was long ago. */
function suffices({ acrValues, maxAge }: StepUp, claims: Claims | null, now: number): boolean {
  if (!claims) return false
  const { acr, auth_time: loggedInAt } = claims
  if (acrValues.length > 0 && !acrValues.some((value) => value === acr)) return false
  if (maxAge === undefined) return true
  return typeof loggedInAt === 'number' && now / 1_000 - loggedInAt <= maxAge
}

/**
 * Returns the login that meets the alternative with the fewest policies to go, of those that a login can
 * meet; undefined where none can be met.
 */
export function easiestLogin(
  anyOf: Alternatives,
  granted: ReadonlySet<string>,
  policies: StepUpPolicies,
): StepUp | undefined {
  const lacking = anyOf
    .map((names) => names.filter((name) => !granted.has(name)))
    .filter((names) => names.every((name) => Object.hasOwn(policies, name)))
    .toSorted((left, right) => left.length - right.length)
  for (const names of lacking) {
    const login = inOne(names.map((name) => policies[name]!))
    if (login) return login
  }
  return undefined
}

/** Returns one login that is as strong and as recent as each of these; undefined if none can be. */
export function inOne(logins: readonly StepUp[]): StepUp | undefined {
  let acrValues: readonly string[] = []
  for (const login of logins) {
    if (login.acrValues.length === 0) continue
    const both = acrValues.filter((value) => login.acrValues.includes(value))
    if (acrValues.length > 0 && both.length === 0) return undefined
    acrValues = acrValues.length > 0 ? both : login.acrValues
  }
  const ages = logins.flatMap(({ maxAge }) => (maxAge === undefined ? [] : [maxAge]))
  return { acrValues, ...(ages.length > 0 ? { maxAge: Math.min(...ages) } : {}) }
}
