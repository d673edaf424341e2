/** The rates of requests, at the three stages at which they count. */
import { GatewayError } from '../errors.ts'
import { remembered } from '../values/remembered.ts'
import type { CallerKeys } from './caller-keys.ts'
import type { LimitedRequest } from './limited-request.ts'
import type { Buckets, Rate, Taken } from './rate.ts'
import { headersOfRates } from './rate-headers.ts'
import { requestCounter, stageOf } from './rate-rule.ts'
import type { RateRule, RateStage, TakePoints } from './rate-rule.ts'

/** Counts a request, or throws or rejects with a GatewayError if there have been too many. */
export type CountAtStage = (limited: LimitedRequest) => void | Promise<void>

/** Undefined where no rate counts at that stage. */
export interface RequestRates {
  /** Before authentication. */
  readonly onArrival: CountAtStage | undefined
  /** When the caller is known, before the request is parsed. */
  readonly onCaller: CountAtStage | undefined
  /** When the operation is valid, before it is authorized. */
  readonly onOperation: CountAtStage | undefined
  /** Returns what a response says of the rates; undefined where it says nothing. */
  readonly headersOf: ((limited: LimitedRequest) => Readonly<Record<string, string>>) | undefined
}

export interface RequestRatesParts {
  readonly rules: readonly RateRule[]
  readonly bucketsOf: (rate: Rate) => Buckets
  readonly keys: CallerKeys
  /** Whether responses say what is left. */
  readonly headers: boolean
  /** Called with each request that is refused. */
  readonly onRefused: (rate: Rate) => void
}

/** Returns the rates of requests; undefined where there are none. */
export function requestRates(parts: RequestRatesParts): RequestRates | undefined {
  const { rules, bucketsOf, keys, headers, onRefused } = parts
  if (rules.length === 0) return undefined
  /** What has been taken for each request, for its response. */
  const takenFor = new WeakMap<LimitedRequest, Map<Rate, Taken>>()
  return {
    onArrival: at('arrival'),
    onCaller: at('caller'),
    onOperation: at('operation'),
    headersOf: headers ? (limited) => headersOfRates(takenFor.get(limited)) : undefined,
  }

  function at(stage: RateStage): CountAtStage | undefined {
    const counters = rules.filter((rule) => stageOf(rule) === stage).map(counterOf)
    return counters.length === 0 ? undefined : (limited) => countFrom(0, counters, limited)
  }

  /** Counts by each rate in turn: a request that one refuses takes nothing of the next. */
  function countFrom(
    first: number,
    counters: readonly CountAtStage[],
    limited: LimitedRequest,
  ): void | Promise<void> {
    for (let index = first; index < counters.length; index++) {
      const pending = counters[index]!(limited)
      if (pending) return pending.then(() => countFrom(index + 1, counters, limited))
    }
  }

  function counterOf(rule: RateRule): CountAtStage {
    const buckets = bucketsOf(rule)
    const count = requestCounter(rule, keys)
    const take: TakePoints = (limited, key, points) => {
      if (points > rule.burst) refuseForGood(points, rule)
      const taken = buckets.take(key, points)
      if (taken instanceof Promise) return taken.then((later) => note(later, rule, limited))
      return note(taken, rule, limited)
    }
    return (limited) => count(limited, take)
  }

  /** No bucket ever holds as many points: to retry would be in vain. */
  function refuseForGood(points: number, rate: Rate): never {
    onRefused(rate)
    const message = `The operation selects limited root fields ${points} times, but at most ${rate.burst} are allowed at once: send a smaller one, or several`
    throw new GatewayError('OPERATION_TOO_LARGE', { message })
  }

  function note(taken: Taken, rate: Rate, limited: LimitedRequest): void {
    if (headers) remembered(takenFor, limited, () => new Map<Rate, Taken>()).set(rate, taken)
    if (taken.granted) return
    onRefused(rate)
    throw rateExceeded('RATE_EXCEEDED', 'Too many requests', taken.wait)
  }
}

/** Returns the error of a rate, with the time after which a retry may succeed. */
export function rateExceeded(
  reason: 'RATE_EXCEEDED' | 'AUTHENTICATION_RATE_EXCEEDED',
  what: string,
  wait: number,
): GatewayError {
  const retryAfter = Math.max(1, Math.ceil(wait / 1_000))
  const message = `${what}: retry after ${retryAfter} ${retryAfter === 1 ? 'second' : 'seconds'}`
  return new GatewayError(reason, { message, retryAfter })
}
