/** The rates, as the configuration has them. */
import type { Logger } from 'pino'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { authenticationAttempts, oneSubscriber } from '../rates/authentication-attempts.ts'
import type { AdmitAttempt } from '../rates/authentication-attempts.ts'
import { addressKey, callerKeys } from '../rates/caller-keys.ts'
import { fallBack } from '../rates/fall-back.ts'
import { LeasedBuckets, leaseTable } from '../rates/leased-buckets.ts'
import { rateKeys } from '../rates/rate-key.ts'
import type { Buckets, Grant, GrantPoints, Rate } from '../rates/rate.ts'
import { requestRates } from '../rates/request-rates.ts'
import type { RequestRates } from '../rates/request-rates.ts'
import type { RateMetrics } from './rate-metrics.ts'
import type { GrantRequest, SharedBuckets } from './shared-buckets.ts'

export interface ConfiguredRates {
  readonly requests: RequestRates | undefined
  /** Undefined: any number of authentications may fail. */
  readonly beginAttempt: AdmitAttempt | undefined
  close(): void
}

export interface ConfiguredRatesParts {
  /** The buckets of this process. */
  buckets: SharedBuckets
  /** Takes points from the buckets that all workers share; undefined: there are no other processes. */
  grantPoints: ((request: GrantRequest) => Promise<Grant>) | undefined
  metrics: RateMetrics
  log: Logger
}

const none: ConfiguredRates = { requests: undefined, beginAttempt: undefined, close() {} }

/** The name of the rate of failed authentications, in metrics and in the store. */
const failedAuthentications = 'failed_authentications'

/** Returns the rates of a configuration. */
export async function configuredRates(
  { rates }: GatewayConfig,
  secret: string,
  parts: ConfiguredRatesParts,
): Promise<ConfiguredRates> {
  const { rules, failedAuthentications: failed, headers } = rates
  if (rules.length === 0 && !failed) return none
  const { metrics } = parts
  const keyOf = rateKeys(secret)
  const { bucketsOf, close } = await opened(rates, parts)
  return {
    requests: requestRates({
      rules,
      bucketsOf,
      keys: callerKeys(keyOf),
      headers,
      onRefused: ({ name }) => metrics.refused(name),
    }),
    beginAttempt:
      failed &&
      authenticationAttempts({
        buckets: bucketsOf({ name: failedAuthentications, ...failed, burst: failed.limit }),
        networkOf: addressKey(oneSubscriber, keyOf),
        onRefused: () => metrics.refused(failedAuthentications),
      }),
    close,
  }
}

interface Opened {
  readonly bucketsOf: (rate: Rate) => Buckets
  close(): void
}

async function opened(
  { store, memory }: GatewayConfig['rates'],
  { buckets, grantPoints, metrics, log }: ConfiguredRatesParts,
): Promise<Opened> {
  const table = leaseTable(memory)
  const leased = (rate: Rate, grantPoints: GrantPoints) =>
    new LeasedBuckets(rate, { grantPoints, table })
  if (store !== 'memory') {
    // Nobody else loads the client of the store.
    const { redisStore } = await import('../rates/redis-store.ts')
    const redis = await redisStore({ url: store.redis, timeout: store.timeout })
    const inMemory = fallBack({ onAway: metrics.storeAway, log })
    return {
      bucketsOf: (rate) => leased(rate, inMemory.over(redis.grantsOf(rate), buckets.of(rate))),
      close: redis.close,
    }
  }
  const bucketsOf = (rate: Rate) =>
    grantPoints
      ? leased(rate, (key, wanted) => grantPoints({ rate: plain(rate), key, wanted }))
      : buckets.of(rate)
  return { bucketsOf, close() {} }
}

/** A rule is more than a rate: messages between processes are kept small. */
function plain({ name, limit, per, burst }: Rate): Rate {
  return { name, limit, per, burst }
}
