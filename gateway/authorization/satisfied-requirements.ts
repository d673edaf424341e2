/** Which of the guards that an operation references a caller satisfies, as one comparable value. */
import { remembered } from '../values/remembered.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import { grantedScopes } from '../../subgraphs/kit/guards.ts'
import type { Caller } from '../client-request.ts'
import { directiveOf, isMet } from './guard-directives.ts'
import type { Guard } from './guard-directives.ts'
import type { Requirement } from './guarded-schema.ts'
import type { Credentials } from './guards/guard-directive.ts'

/**
 * A bit mask: bit n is set when the nth referenced guard is not satisfied. An operation that references
 * more than 30 guards has a string of digits.
 */
export type Mask = number | string

/** The most bits that JavaScript's bitwise operators have besides the sign. */
const bitsOfANumber = 30

const satisfied = 0
const unsatisfied = 1
const dependsOnPolicies = 2

const nothing: ReadonlySet<string> = new Set()

/**
 * Returns what callers satisfy of these guards. What follows from the claims alone is evaluated once for
 * each claims object, which authentication keeps for as long as it keeps the access token.
 */
export function satisfiedRequirements(guards: readonly Guard[]) {
  const scopesOf = new WeakMap<Claims, ReadonlySet<string>>()
  const evaluations = new WeakMap<Claims, Uint8Array>()
  const anonymous = evaluate(null)

  return {
    /**
     * Returns the mask of a caller for these guards.
     *
     * @param granted the policies that were decided in favour of this request
     */
    mask(caller: Caller, referenced: Requirement, granted: ReadonlySet<string>): Mask {
      if (referenced.length === 0) return 0
      const evaluated = evaluatedFor(caller)
      if (referenced.length > bitsOfANumber) {
        return referenced.map((guard) => Number(fails(evaluated, guard, granted))).join('')
      }
      let mask = 0
      for (let position = 0; position < referenced.length; position++) {
        if (fails(evaluated, referenced[position]!, granted)) mask |= 1 << position
      }
      return mask
    },
    credentials,
  }

  function evaluatedFor({ claims }: Caller): Uint8Array {
    return claims ? remembered(evaluations, claims, evaluate) : anonymous
  }

  function evaluate(claims: Claims | null): Uint8Array {
    const had = credentials({ claims }, nothing)
    return Uint8Array.from(guards, (guard) => {
      if (directiveOf(guard.kind).decidedBy === 'policies') return dependsOnPolicies
      return isMet(guard, had) ? satisfied : unsatisfied
    })
  }

  function fails(evaluated: Uint8Array, guard: number, policies: ReadonlySet<string>): boolean {
    if (evaluated[guard] !== dependsOnPolicies) return evaluated[guard] !== satisfied
    return !isMet(guards[guard]!, { claims: null, scopes: nothing, policies })
  }

  /** Returns what guards look at, to name what is missing. */
  function credentials({ claims }: Caller, policies: ReadonlySet<string>): Credentials {
    return { claims, scopes: scopes(claims), policies }
  }

  function scopes(claims: Claims | null): ReadonlySet<string> {
    return claims ? remembered(scopesOf, claims, scopesIn) : nothing
  }
}

function scopesIn(claims: Claims): ReadonlySet<string> {
  return new Set(grantedScopes(claims))
}

/** Returns the guards that fail under a mask. */
export function failingGuards(mask: Mask, referenced: Requirement): ReadonlySet<number> {
  const fails =
    typeof mask === 'number'
      ? (position: number) => (mask & (1 << position)) !== 0
      : (position: number) => mask[position] === '1'
  return new Set(referenced.filter((_guard, position) => fails(position)))
}

/** Returns whether a caller satisfies every referenced guard. */
export function meetsAll(mask: Mask): boolean {
  return typeof mask === 'number' ? mask === 0 : !mask.includes('1')
}
