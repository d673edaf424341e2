/** Where a claim is in a token: at its name, or within other claims. */
import { isObject } from '../values/json.ts'

export type ClaimsRecord = Readonly<Record<string, unknown>>

/**
 * Returns the value of a claim. A name with dots that no claim has is a path: `realm_access.roles` is
 * `roles` within `realm_access`. A name that is a URL or a URN stays whole.
 */
export function claimAt(claims: ClaimsRecord, name: string): unknown {
  return valueAt(claims, Object.hasOwn(claims, name) ? [name] : stepsOf(name))
}

/** Returns the value that those steps lead to. */
export function valueAt(claims: ClaimsRecord, steps: readonly string[]): unknown {
  return steps.reduce<unknown>(memberOf, claims)
}

/** Returns the steps of the path; of a name that is no path, the name. */
export function stepsOf(name: string): readonly string[] {
  return /:\/\/|^urn:/i.test(name) ? [name] : name.split('.')
}

/** Returns the claims with that value where the steps lead. */
export function withValueAt(
  claims: unknown,
  [step, ...steps]: readonly string[],
  value: unknown,
): unknown {
  if (step === undefined) return value
  return {
    ...(claims as ClaimsRecord),
    [step]: withValueAt(memberOf(claims, step), steps, value),
  }
}

function memberOf(value: unknown, step: string): unknown {
  return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
}
