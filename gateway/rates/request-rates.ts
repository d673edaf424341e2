/** The rates of requests, at the four stages at which they count. */
import { errorTable, GatewayError } from '../errors.ts'
import { RequestError } from '../graphql/response-error.ts'
import type { CallerKeys } from './caller-keys.ts'
import type { LimitedRequest } from './limited-request.ts'
import type { Buckets, Rate, Taken } from './rate.ts'
import { rateHeaders } from './rate-headers.ts'
import { requestCounter, stageOf } from './rate-rule.ts'
import type { CountRequest, RateRule, RateStage, TakePoints } from './rate-rule.ts'

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
  /** When its cost is estimated, after authorization and before anything is fetched. */
  readonly onCost: CountAtStage | undefined
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
  readonly onRefused: (rate: Pick<Rate, 'name'>) => void
}

/** Returns the rates of requests; undefined where there are none. */
export function requestRates(parts: RequestRatesParts): RequestRates | undefined {
  const { rules, bucketsOf, keys, headers, onRefused } = parts
  if (rules.length === 0) return undefined
  const headersOf = rateHeaders()
  return {
    onArrival: at('arrival'),
    onCaller: at('caller'),
    onOperation: at('operation'),
    onCost: at('cost'),
    headersOf: headers ? ({ counted }) => headersOf(counted) : undefined,
  }

  function at(stage: RateStage): CountAtStage | undefined {
    const counters = rules.filter((rule) => stageOf(rule) === stage).map(counterOf)
    return counters.length === 0 ? undefined : (limited) => countFrom(0, counters, limited)
  }

  /** Counts by each rate in turn: a request that one refuses takes nothing of the next. */
  function countFrom(
    first: number,
    counters: readonly CountRequest[],
    limited: LimitedRequest,
  ): void | Promise<void> {
    const now = performance.now()
    for (let index = first; index < counters.length; index++) {
      const pending = counters[index]!(limited, now)
      if (pending) return pending.then(() => countFrom(index + 1, counters, limited))
    }
  }

  function counterOf(rule: RateRule): CountRequest {
    const buckets = bucketsOf(rule)
    const take: TakePoints = (limited, key, points, now) => {
      if (points > rule.burst) refuseForGood(points, rule)
      const taken = buckets.take(key, points, now)
      if (taken instanceof Promise) return taken.then((later) => note(later, points, limited))
      return note(taken, points, limited)
    }
    const note = (taken: Taken, points: number, limited: LimitedRequest) => {
      if (headers) show(taken, limited)
      if (taken.granted) return
      onRefused(rule)
      throw rateExceeded('RATE_EXCEEDED', whatIsTooMuch(taken, points, rule), taken.wait)
    }
    return requestCounter(rule, keys, take)
  }

  /** No bucket ever holds as many points: to retry would be in vain. */
  function refuseForGood(points: number, rule: RateRule): never {
    onRefused(rule)
    throw rule.count === 'cost' ? tooExpensive(points, rule) : tooManySelections(points, rule)
  }
}

/** Adds what is left of a rate to the response. A rate of root fields may count a request several times. */
function show(taken: Taken, limited: LimitedRequest): void {
  const { counted } = limited
  taken.earlier = counted?.rate === taken.rate ? counted.earlier : counted
  limited.counted = taken
}

function whatIsTooMuch({ left }: Taken, points: number, { count, name }: RateRule): string {
  if (count === 'requests') return 'Too many requests'
  return `The estimated cost of the operation is ${points}, but ${left} is left of the rate ${name}`
}

function tooManySelections(points: number, { burst }: Rate): GatewayError {
  const message = `The operation selects limited root fields ${points} times, but at most ${burst} are allowed at once: send a smaller one, or several`
  return new GatewayError('OPERATION_TOO_LARGE', { message })
}

/** As limits.cost refuses what costs more than its caller may spend. */
function tooExpensive(estimated: number, { name, burst }: Rate): RequestError {
  const reason = 'COST_ESTIMATED_TOO_EXPENSIVE'
  const message = `The estimated cost of the operation is ${estimated}, but the rate ${name} never allows more than ${burst} at once: select fewer fields, or shorter lists`
  const { code } = errorTable[reason]
  const cost = { estimated, max: burst }
  return new RequestError([{ message, extensions: { code, reason, cost } }])
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
