/** Buckets in Redis or Valkey, which several machines share. */
import { Redis } from 'ioredis'
import { keyText } from './rate-key.ts'
import { fillTimeOf, intervalOf, leasedPart } from './rate.ts'
import type { GrantPoints, Rate } from './rate.ts'

export interface RedisStoreOptions {
  /** `redis://` or `rediss://` (TLS), with credentials where the store wants some. */
  readonly url: string
  /** How long a response may take, in milliseconds. */
  readonly timeout: number
}

export interface RedisStore {
  /** Returns the function that takes points from the buckets of a rate; it rejects while the store is away. */
  grantsOf(rate: Rate): GrantPoints
  close(): void
}

/**
 * MemoryBuckets.grant as one step of the store, by the clock of the store: those of the gateways may differ. If
 * its clock jumps back, no bucket is emptier than empty.
 */
const grantScript = `
local interval, fill, part = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local needed, each, returned = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local full = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or now) - now, 0), fill)
full = math.max(full - returned * interval, 0)
local exact = (fill - full) / interval
local there = math.floor(exact + 1e-6)
local points = math.max(needed, math.floor(there * part))
if needed == 0 then points = 0 end
if there < needed then points = math.max(0, needed - math.ceil((needed - there) / each) * each) end
if points > 0 or returned > 0 then
  full = full + points * interval
  redis.call('SET', KEYS[1], string.format('%.3f', now + full), 'PX', math.max(1, math.ceil(full)))
end
local left = exact - points
local wait = 0
if points < needed then wait = (needed - points - left) * interval end
return { points, math.floor(left + 1e-6), math.ceil(wait), math.ceil(full) }
`

/** The longest pause between two attempts to connect, in milliseconds. */
const longestPause = 1_000

/** What the script returns: points, points left, time until the missing ones, time until it is full. */
type Reply = readonly [number, number, number, number]

type WithScript = Redis & {
  grantPoints(key: string, ...parameters: number[]): Promise<Reply>
}

/** Returns the store, connected or not: it connects again and again. */
export async function redisStore({ url, timeout }: RedisStoreOptions): Promise<RedisStore> {
  const redis = new Redis(url, {
    connectTimeout: 2_000,
    commandTimeout: timeout,
    // While it is away, a command fails at once, and none is sent twice.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempts) => Math.min(attempts * 50, longestPause),
    lazyConnect: true,
  }) as WithScript
  redis.on('error', () => {})
  redis.defineCommand('grantPoints', { numberOfKeys: 1, lua: grantScript })
  await redis.connect().catch(() => {})

  return {
    grantsOf(rate) {
      const { name, limit, per, burst } = rate
      const prefix = `portcullis:rate:${name}:${limit}:${per}:${burst}:`
      const ofRate = [intervalOf(rate), fillTimeOf(rate), leasedPart] as const
      return async (key, wanted) => {
        const { points: needed, each, returned = 0 } = wanted
        const parameters = [...ofRate, needed, each, returned]
        const reply = await redis.grantPoints(prefix + keyText(key), ...parameters)
        const [points, left, wait, full] = reply
        return { points, left, wait, full }
      }
    },
    close: () => redis.disconnect(),
  }
}
