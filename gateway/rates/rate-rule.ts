/** One entry of `rates.rules`: which requests it counts, and under which key. */
import type { DocumentNode, OperationDefinitionNode } from 'graphql'
import { grantedScopes } from '../../subgraphs/kit/guards.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { Caller } from '../client-request.ts'
import { remembered } from '../values/remembered.ts'
import type { CallerKeys } from './caller-keys.ts'
import type { LimitedRequest } from './limited-request.ts'
import type { RateKey } from './rate-key.ts'
import type { Rate } from './rate.ts'
import { rootFieldCounts } from './root-field-counts.ts'

export interface RateRule extends Rate {
  /** Whose requests are counted together. */
  readonly by: 'subject' | 'client' | 'address' | 'operation'
  /** What a request takes: a point, or a point for each selection of certain root fields; or its estimated cost. */
  readonly count: 'requests' | 'cost'
  /** Which requests are counted; left out: all. */
  readonly when?: Conditions | undefined
  /** Which of them are not. */
  readonly unless?: Pick<Conditions, 'scopes'> | undefined
}

export interface Conditions {
  /** Coordinates of root fields such as `Mutation.login`: requests that select one of them. */
  readonly operations?: readonly string[] | undefined
  /** The caller has at least one of them. */
  readonly scopes?: readonly string[] | undefined
}

/** When enough is known of a request to count it: on its arrival, of its caller, of its operation, of its cost. */
export type RateStage = 'arrival' | 'caller' | 'operation' | 'cost'

/** Takes points of a request for a key; returns a promise where somebody has to be asked. */
export type TakePoints = (
  limited: LimitedRequest,
  key: RateKey,
  points: number,
  now: number,
) => void | Promise<void>

/** Takes the points of a request; `now` is as `performance.now()` counts. */
export type CountRequest = (limited: LimitedRequest, now: number) => void | Promise<void>

/** Returns the earliest stage at which a rule can count a request. */
export function stageOf({ by, count, when, unless }: RateRule): RateStage {
  if (count === 'cost') return 'cost'
  if (by === 'operation' || when?.operations) return 'operation'
  return by === 'address' && !when?.scopes && !unless?.scopes ? 'arrival' : 'caller'
}

/** Returns the function that counts requests by a rule. */
export function requestCounter(rule: RateRule, keys: CallerKeys, take: TakePoints): CountRequest {
  const { by, when = {}, unless = {} } = rule
  const isCounted = scopesFit(when.scopes, unless.scopes)
  if (by === 'operation') {
    const pointsOf = pointsOfFields(when.operations, keys)
    return async (limited, now) => {
      if (!isCounted(limited.caller)) return
      for (const [key, points] of pointsOf(limited)) await take(limited, key, points, now)
    }
  }
  const keyOf = keys[by]
  const pointsOf = pointsBy(rule)
  return (limited, now) => {
    if (!isCounted(limited.caller)) return undefined
    const points = pointsOf(limited)
    return points > 0 ? take(limited, keyOf(limited, now), points, now) : undefined
  }
}

/** Returns the function for the points of a request that a rule counts; 0 if it counts other requests. */
function pointsBy({ count, when = {} }: RateRule): (limited: LimitedRequest) => number {
  const selections = when.operations && selectionCounter(when.operations)
  if (count === 'requests') return selections ?? (() => 1)
  // What costs nothing has been read, validated and authorized all the same.
  const costOf = ({ cost = 0 }: LimitedRequest) => Math.max(1, cost)
  if (!selections) return costOf
  return (limited) => (selections(limited) > 0 ? costOf(limited) : 0)
}

/** Returns the function that counts how often an operation selects certain root fields. */
function selectionCounter(fields: readonly string[]): (limited: LimitedRequest) => number {
  return ofEachOperation((document, operation) => {
    const counts = rootFieldCounts(document, operation)
    return fields.reduce((points, field) => points + (counts.get(field) ?? 0), 0)
  })
}

/** Returns the function for the keys of the root fields of an operation, each with its points. */
function pointsOfFields(
  fields: readonly string[] | undefined,
  keys: CallerKeys,
): (limited: LimitedRequest) => readonly (readonly [RateKey, number])[] {
  return ofEachOperation((document, operation) =>
    [...rootFieldCounts(document, operation)]
      .filter(([field]) => !fields || fields.includes(field))
      .map(([field, points]) => [keys.field(field), points] as const),
  )
}

/** Returns a function of prepared operations that looks at each of them once. */
function ofEachOperation<Result>(
  look: (document: DocumentNode, operation: OperationDefinitionNode) => Result,
): (limited: LimitedRequest) => Result {
  const known = new WeakMap<OperationDefinitionNode, Result>()
  return ({ operation: prepared }) => {
    const { document, operation } = prepared!
    return remembered(known, operation, () => look(document, operation))
  }
}

/** Returns the function that says whether the scopes of a caller fit. */
function scopesFit(
  wanted: readonly string[] | undefined,
  excluded: readonly string[] | undefined,
): (caller: Caller | undefined) => boolean {
  if (!wanted && !excluded) return () => true
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
