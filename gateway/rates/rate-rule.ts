/** One entry of `rates.rules`: which requests it counts, and under which key. */
import type { OperationDefinitionNode } from 'graphql'
import { grantedScopes } from '../../subgraphs/kit/guards.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { Caller } from '../client-request.ts'
import { remembered } from '../values/remembered.ts'
import type { CallerKeys } from './caller-keys.ts'
import type { LimitedRequest } from './limited-request.ts'
import type { Rate } from './rate.ts'
import { rootFieldCounts } from './root-field-counts.ts'
import type { RootFieldCounts } from './root-field-counts.ts'

export interface RateRule extends Rate {
  /** Whose requests are counted together. */
  readonly by: 'subject' | 'client' | 'address' | 'operation'
  /** Which requests are counted; left out: all. */
  readonly when?: Conditions | undefined
  /** Which of them are not. */
  readonly unless?: Pick<Conditions, 'scopes'> | undefined
}

export interface Conditions {
  /** Coordinates of root fields such as `Mutation.login`: each selection of one of them takes a point. */
  readonly operations?: readonly string[] | undefined
  /** The caller has at least one of them. */
  readonly scopes?: readonly string[] | undefined
}

/** When enough is known of a request to count it: on its arrival, of its caller, of its operation. */
export type RateStage = 'arrival' | 'caller' | 'operation'

/** Takes points of a request for a key; returns a promise where somebody has to be asked. */
export type TakePoints = (
  limited: LimitedRequest,
  key: string,
  points: number,
) => void | Promise<void>

/** Takes the points of a request. */
export type CountRequest = (limited: LimitedRequest, take: TakePoints) => void | Promise<void>

/** Returns the earliest stage at which a rule can count a request. */
export function stageOf({ by, when, unless }: RateRule): RateStage {
  if (by === 'operation' || when?.operations) return 'operation'
  return by === 'address' && !when?.scopes && !unless?.scopes ? 'arrival' : 'caller'
}

/** Returns the function that counts requests by a rule. */
export function requestCounter(rule: RateRule, keys: CallerKeys): CountRequest {
  const { by, when = {}, unless = {} } = rule
  const isCounted = scopesFit(when.scopes, unless.scopes)
  if (by === 'operation') {
    const countsOf = fieldCounter(when.operations)
    return async (limited, take) => {
      if (!isCounted(limited.caller)) return
      for (const [field, count] of countsOf(limited)) await take(limited, field, count)
    }
  }
  const keyOf = keys[by]
  if (when.operations) {
    const countsOf = fieldCounter(when.operations)
    return (limited, take) => {
      if (!isCounted(limited.caller)) return
      const points = sum(countsOf(limited))
      return points > 0 ? take(limited, keyOf(limited), points) : undefined
    }
  }
  if (!when.scopes && !unless.scopes) return (limited, take) => take(limited, keyOf(limited), 1)
  return (limited, take) =>
    isCounted(limited.caller) ? take(limited, keyOf(limited), 1) : undefined
}

/** Returns the function that finds how often an operation selects the fields; without a list, all of them. */
function fieldCounter(
  fields: readonly string[] | undefined,
): (limited: LimitedRequest) => RootFieldCounts {
  const listed = fields && new Set(fields)
  const known = new WeakMap<OperationDefinitionNode, RootFieldCounts>()

  return ({ operation: prepared }) => {
    const { document, operation } = prepared!
    return remembered(known, operation, () => {
      const counts = rootFieldCounts(document, operation)
      return listed ? new Map([...counts].filter(([field]) => listed.has(field))) : counts
    })
  }
}

function sum(counts: RootFieldCounts): number {
  let points = 0
  for (const count of counts.values()) points += count
  return points
}

/** Returns the function that says whether the scopes of a caller fit. */
function scopesFit(
  wanted: readonly string[] | undefined,
  excluded: readonly string[] | undefined,
): (caller: Caller | undefined) => boolean {
  const known = new WeakMap<Claims, boolean>()
  const isFit = (scopes: readonly string[]) =>
    (!wanted || wanted.some((scope) => scopes.includes(scope))) &&
    !excluded?.some((scope) => scopes.includes(scope))
  const ofAnonymous = isFit([])

  return (caller) =>
    caller?.claims
      ? remembered(known, caller.claims, (claims) => isFit(grantedScopes(claims)))
      : ofAnonymous
}
