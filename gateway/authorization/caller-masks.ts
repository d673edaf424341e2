/** Which of the guards that an operation touches a caller does not meet, as one comparable value. */
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import { grantedScopes } from '../../subgraphs/kit/guards.ts'
import type { Caller as CallerOfRequest } from '../client-request.ts'
import { meets } from './guard.ts'
import type { Credentials, Guard } from './guard.ts'
import type { Requirement } from './guarded-schema.ts'

/** The part of a caller that decides what it may see. */
export type Caller = Pick<CallerOfRequest, 'claims'>

/** Bit n stands for the nth guard touched; an operation that touches more than 30 has a string. */
export type Mask = number | string

export interface CallerMasks {
  /** @param granted the policies that decided in favour of this request */
  mask(caller: Caller, touched: Requirement, granted: ReadonlySet<string>): Mask
  credentials(caller: Caller, granted: ReadonlySet<string>): Credentials
}

/** The most bits that the integers of JavaScript's operators have without a sign to mind. */
const bitsOfANumber = 30

const met = 0
const failed = 1
const askPolicies = 2

/**
 * Returns the masks of callers. What follows from the claims alone is worked out once for each claims
 * object, which the authentication keeps for as long as it keeps the token.
 */
export function callerMasks(guards: readonly Guard[]): CallerMasks {
  const scopesOf = new WeakMap<Claims, ReadonlySet<string>>()
  const standings = new WeakMap<Claims, Uint8Array>()
  const anonymous = standing(undefined)

  return {
    mask(caller, touched, granted) {
      const standing = standingOf(caller)
      if (touched.length > bitsOfANumber) {
        return touched.map((guard) => Number(fails(standing, guard, granted))).join('')
      }
      let mask = 0
      for (let position = 0; position < touched.length; position++) {
        if (fails(standing, touched[position]!, granted)) mask |= 1 << position
      }
      return mask
    },
    credentials: (caller, policies) => ({ scopes: scopes(caller), policies }),
  }

  function standingOf({ claims }: Caller): Uint8Array {
    if (!claims) return anonymous
    const known = standings.get(claims)
    if (known) return known
    const made = standing(scopes({ claims }))
    standings.set(claims, made)
    return made
  }

  function standing(scopes: ReadonlySet<string> | undefined): Uint8Array {
    const credentials = { scopes, policies: new Set<string>() }
    return Uint8Array.from(guards, (guard) => {
      if (guard.kind === 'policies') return askPolicies
      return meets(guard, credentials) ? met : failed
    })
  }

  function fails(standing: Uint8Array, guard: number, policies: ReadonlySet<string>): boolean {
    if (standing[guard] !== askPolicies) return standing[guard] !== met
    return !meets(guards[guard]!, { scopes: undefined, policies })
  }

  function scopes({ claims }: Caller): ReadonlySet<string> | undefined {
    if (!claims) return undefined
    const known = scopesOf.get(claims)
    if (known) return known
    const made = new Set(grantedScopes(claims))
    scopesOf.set(claims, made)
    return made
  }
}

/** Returns the guards that fail under a mask. */
export function failingGuards(mask: Mask, touched: Requirement): ReadonlySet<number> {
  const fails =
    typeof mask === 'number'
      ? (position: number) => (mask & (1 << position)) !== 0
      : (position: number) => mask[position] === '1'
  return new Set(touched.filter((_guard, position) => fails(position)))
}

/** Whether a caller meets every guard touched. */
export function meetsAll(mask: Mask): boolean {
  return typeof mask === 'number' ? mask === 0 : !mask.includes('1')
}
