/** The buckets of the rates, by clocks of the test's own. */
import { describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import type { OperationDefinitionNode } from 'graphql'
import { networkOf } from '../../subgraphs/kit/ip-address.ts'
import {
  authenticationAttempts,
  oneSubscriber,
} from '../../gateway/rates/authentication-attempts.ts'
import { addressKey, callerKeys } from '../../gateway/rates/caller-keys.ts'
import { LeasedBuckets, leaseTable } from '../../gateway/rates/leased-buckets.ts'
import { bucketTable, MemoryBuckets } from '../../gateway/rates/memory-buckets.ts'
import { fallBack } from '../../gateway/rates/fall-back.ts'
import { keyText, rateKeys } from '../../gateway/rates/rate-key.ts'
import { rootFieldCounts } from '../../gateway/rates/root-field-counts.ts'
import type { GrantPoints, Rate, Wanted } from '../../gateway/rates/rate.ts'

/** Ten per second, five at once. */
const rate: Rate = { name: 'test', limit: 10, per: 1_000, burst: 5 }

const megabyte = 1024 * 1024
const keyOf = rateKeys('a secret of the tests')
const one: Wanted = { points: 1, each: 1 }

function scene(of: Rate = rate, memory = megabyte) {
  const clock = { now: 1_000 }
  const table = bucketTable(memory)
  const buckets = new MemoryBuckets(of, table)
  const take = (key: string, points: number) => buckets.take(keyOf(key), points, clock.now)
  const takeMany = (key: string, count: number) =>
    Array.from({ length: count }, () => take(key, 1)).filter(({ granted }) => granted).length
  return { clock, table, buckets, take, takeMany }
}

/** A process that takes points of these buckets in advance; `asked` has what it asked for. */
function leasing(of: Rate, shared: MemoryBuckets, clock: { now: number }) {
  const asked: Wanted[] = []
  const grantPoints: GrantPoints = async (key, wanted) => {
    asked.push(wanted)
    await new Promise((resolve) => setImmediate(resolve))
    return shared.grant(key, wanted, clock.now)
  }
  const table = leaseTable(megabyte)
  const leased = new LeasedBuckets(of, { grantPoints, table, clock: () => clock.now })
  return {
    asked,
    take: (points: number) => leased.take(keyOf('a'), points, clock.now),
    giveBack: (points: number) => leased.giveBack(keyOf('a'), points, clock.now),
  }
}

test('a bucket gives its burst at once, then the rate', () => {
  const { clock, take, takeMany } = scene()
  expect(takeMany('a', 8)).toBe(5)
  expect(take('a', 1)).toMatchObject({ granted: false, left: 0, wait: 100, full: 500 })
  expect(takeMany('b', 1)).toBe(1)
  clock.now += 99
  expect(takeMany('a', 1)).toBe(0)
  clock.now += 1
  expect(takeMany('a', 2)).toBe(1)
  clock.now += 10_000
  expect(takeMany('a', 100)).toBe(5)
})

test('no window of time lets more pass than the burst and the rate', () => {
  const { clock, takeMany } = scene()
  const passed: number[] = []
  for (let step = 0; step < 400; step++, clock.now += 7) {
    for (let count = takeMany('a', 3); count > 0; count--) passed.push(clock.now)
  }
  const inWindow = (from: number) => passed.filter((at) => at >= from && at < from + 1_000).length
  expect(Math.max(...passed.map(inWindow))).toBeLessThanOrEqual(15)
  expect(passed.length).toBeGreaterThanOrEqual(5 + 27)
})

test('several points are taken all together or not at all', () => {
  const { take } = scene()
  expect(take('a', 4)).toMatchObject({ granted: true, left: 1 })
  expect(take('a', 4)).toMatchObject({ granted: false, left: 1, wait: 300 })
  expect(take('a', 1)).toMatchObject({ granted: true, left: 0 })
})

test('a clock that jumps back empties no bucket further, and one that jumps ahead fills them once', () => {
  const { clock, take, takeMany } = scene()
  expect(takeMany('a', 5)).toBe(5)
  clock.now -= 3_600_000
  expect(take('a', 1)).toMatchObject({ granted: false, wait: 100, full: 500 })
  clock.now += 7_200_000
  expect(takeMany('a', 100)).toBe(5)
})

describe('a flood of keys', () => {
  const hourly: Rate = { name: 'hourly', limit: 100, per: 3_600_000, burst: 100 }
  const memory = 16 * 1024
  /** Several times as many buckets as there is memory for. */
  const flood = 4 * (memory / 16)

  test('takes no more memory than there is, and evicts no bucket that is emptier than those of the flood', () => {
    const { clock, table, takeMany } = scene(hourly, memory)
    expect(takeMany('over its limit', 200)).toBe(100)
    expect(takeMany('innocent', 50)).toBe(50)
    let served = 0
    for (let index = 0; index < flood; index++) {
      clock.now += 0.01
      served += takeMany(`2001:db8:${index >> 16}:${index & 0xffff}::/64`, 1)
    }
    expect(table.bytes).toBe(memory)
    expect(takeMany('over its limit', 1)).toBe(0)
    expect(takeMany('innocent', 100)).toBe(50)
    // Nobody is locked out: a new key always gets a place.
    expect(served).toBe(flood)
  })

  test('is forgotten when its buckets are full: the table is as large as its keys need', () => {
    const { clock, table, takeMany } = scene(hourly)
    for (let round = 0; round < 20; round++) {
      clock.now += 3_600_000
      for (let index = 0; index < 50; index++) takeMany(`key ${round} ${index}`, 1)
    }
    expect(table.bytes).toBe(memory)
  })

  test('leaves every bucket as it is while the table grows', () => {
    const { table, take } = scene(hourly)
    const keys = Array.from({ length: 1_000 }, (_value, index) => `key ${index}`)
    const points = (index: number) => 1 + (index % 99)
    keys.forEach((key, index) => take(key, points(index)))
    expect(table.bytes).toBeGreaterThan(memory)
    expect(keys.map((key) => take(key, 0).left)).toEqual(
      keys.map((_, index) => 100 - points(index)),
    )
  })

  test('of one rate takes no bucket of another for its own', () => {
    const { clock, table, takeMany } = scene(hourly)
    const other = new MemoryBuckets({ ...hourly, name: 'other' }, table)
    expect(takeMany('a', 100)).toBe(100)
    expect(other.take(keyOf('a'), 100, clock.now)).toMatchObject({ granted: true })
    expect(takeMany('a', 1)).toBe(0)
  })

  test('makes a process forget points that it has in advance, which gives nobody more, and takes few', async () => {
    const { clock, buckets } = scene(hourly)
    const table = leaseTable(memory)
    const leased = new LeasedBuckets(hourly, {
      grantPoints: async (key, wanted) => buckets.grant(key, wanted, clock.now),
      table,
      clock: () => clock.now,
    })
    const take = async (key: string) => (await leased.take(keyOf(key), 1, clock.now)).granted
    let granted = 0
    for (let index = 0; index < flood; index++) {
      clock.now += 0.001
      await take(`key ${index}`)
      if (index % 100 === 0 && (await take('a'))) granted++
    }
    expect(granted).toBe(Math.ceil(flood / 100))
    for (let index = 0; index < 200; index++) if (await take('a')) granted++
    expect(granted).toBeGreaterThan(50)
    expect(granted).toBeLessThanOrEqual(100)
    expect(table.bytes).toBe(3 * memory)
  })
})

test('100 requests at a time at each of 4 processes get as many points as there are', async () => {
  for (const burst of [1, 5, 60, 399]) {
    const clock = { now: 1_000 }
    const { buckets } = scene({ ...rate, burst })
    const processes = Array.from({ length: 4 }, () => leasing(rate, buckets, clock))
    const all = await Promise.all(
      processes.flatMap(({ take }) => Array.from({ length: 100 }, () => take(1))),
    )
    expect(all.filter(({ granted }) => granted)).toHaveLength(burst)
    expect(processes.flatMap(({ asked }) => asked).length).toBeLessThanOrEqual(8)
  }
})

test('a process takes at most an eighth of a bucket in advance, and asks no more once it is empty', async () => {
  const many: Rate = { name: 'test', limit: 80, per: 1_000, burst: 80 }
  const { clock, buckets } = scene(many)
  const { asked, take } = leasing(many, buckets, clock)
  await take(1)
  expect(buckets.take(keyOf('a'), 0, clock.now).left).toBe(70)
  // Synchronous, as nobody has to be asked.
  for (let index = 0; index < 9; index++) expect(take(1)).toMatchObject({ granted: true })
  expect(asked).toHaveLength(1)
  while (buckets.take(keyOf('a'), 1, clock.now).granted);
  expect(await take(1)).toMatchObject({ granted: false, left: 0, wait: 12.5 })
  expect(take(1)).toMatchObject({ granted: false })
  expect(asked).toHaveLength(2)
  clock.now += 12.5
  expect(await take(1)).toMatchObject({ granted: true })
})

test('one that needs more points than there are makes no other wait for them', async () => {
  const { clock, buckets } = scene()
  const { asked, take } = leasing(rate, buckets, clock)
  for (let taken = 0; taken < 4; taken++) await take(1)
  expect(await take(5)).toMatchObject({ granted: false, left: 1, wait: 400 })
  expect(await take(1)).toMatchObject({ granted: true })
  expect(await take(1)).toMatchObject({ granted: false, wait: 100 })
  expect(take(3)).toMatchObject({ granted: false, wait: 300 })
  asked.length = 0
  clock.now += 100
  expect(take(3)).toMatchObject({ granted: false, wait: 200 })
  expect(asked).toEqual([])
  expect(await take(1)).toMatchObject({ granted: true })
  clock.now += 300
  expect(await take(3)).toMatchObject({ granted: true, left: 0 })
  expect(asked).toHaveLength(2)
})

test('a request that finds too few points leaves them to the other processes', async () => {
  const many: Rate = { name: 'test', limit: 80, per: 1_000, burst: 80 }
  const { clock, buckets } = scene(many)
  const [first, second, third] = [1, 2, 3].map(() => leasing(many, buckets, clock))
  expect(await first!.take(50)).toMatchObject({ granted: true, left: 30 })
  expect(await second!.take(50)).toMatchObject({ granted: false, left: 30, wait: 250 })
  expect(await third!.take(30)).toMatchObject({ granted: true, left: 0 })
  clock.now += 250
  expect(await second!.take(50)).toMatchObject({ granted: false, wait: 375 })
  clock.now += 375
  // The Retry-After of one process is true for the others.
  expect(await first!.take(50)).toMatchObject({ granted: true, left: 0 })
})

test('points that a process puts back are there for the others, but for those that it has in advance', async () => {
  for (const burst of [2, 80]) {
    const of: Rate = { name: 'test', limit: 80, per: 1_000, burst }
    const { clock, buckets } = scene(of)
    const [first, second] = [1, 2].map(() => leasing(of, buckets, clock))
    for (let taken = 0; taken < burst; taken++) {
      expect(await first!.take(1)).toMatchObject({ granted: true })
    }
    expect(await second!.take(1)).toMatchObject({ granted: false })
    for (let returned = 0; returned < burst; returned++) first!.giveBack(1)
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect(buckets.take(keyOf('a'), 0, clock.now).left).toBe(burst - Math.floor(burst / 8))
    clock.now += 12.5
    expect(await second!.take(1)).toMatchObject({ granted: true })
  }
})

test('of requests of different costs at a time, as many are served as there are points', async () => {
  const many: Rate = { name: 'test', limit: 80, per: 1_000, burst: 80 }
  const { clock, buckets } = scene(many)
  const { asked, take } = leasing(many, buckets, clock)
  const costs = [30, 7, 30, 7, 30, 7]
  const all = await Promise.all(costs.map((cost) => take(cost)))
  expect(all.map(({ granted }) => granted)).toEqual([true, true, true, true, false, false])
  expect(asked).toEqual([
    { points: 90, each: 30 },
    { points: 21, each: 7 },
  ])
  expect(await take(6)).toMatchObject({ granted: true, left: 0 })
})

test('while the store is away, memory grants; the log says so once, and once that it is back', async () => {
  const clock = { now: 0 }
  const lines: string[] = []
  const log = (_details: unknown, message?: string) => void lines.push(message ?? String(_details))
  let isAway = false
  let asked = 0
  let counted = 0
  const grant = { points: 7, left: 0, wait: 0, full: 0 }
  const inMemory = fallBack({
    onAway: () => counted++,
    log: { warn: log, info: log } as never,
    now: () => clock.now,
  })
  const grantPoints = inMemory.over(async () => {
    asked++
    if (isAway) throw new Error('Command timed out')
    return grant
  }, scene().buckets)
  expect(await grantPoints(keyOf('a'), one)).toBe(grant)
  isAway = true
  for (let index = 0; index < 3; index++) {
    expect(await grantPoints(keyOf('a'), one)).toMatchObject({ points: 1 })
  }
  expect({ asked, counted }).toEqual({ asked: 2, counted: 3 })
  clock.now += 1_000
  await grantPoints(keyOf('a'), one)
  expect({ asked, counted }).toEqual({ asked: 3, counted: 4 })
  isAway = false
  clock.now += 1_000
  expect(await grantPoints(keyOf('a'), one)).toBe(grant)
  expect(lines).toEqual([
    'the store of the rates is away: each process counts by itself',
    'the store of the rates is back',
  ])
})

test('attempts beyond the limit wait for the others: all that succeed are admitted', async () => {
  const { buckets } = scene()
  let refused = 0
  const begin = authenticationAttempts({
    buckets,
    networkOf: addressKey(oneSubscriber, keyOf),
    onRefused: () => refused++,
    clock: () => 1_000,
  })
  let running = 0
  let most = 0
  const attempts = Array.from({ length: 200 }, async (_value, index) => {
    const attempt = await begin(`192.0.2.${index}`)
    if ('retryAfter' in attempt) return false
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    attempt.end(false)
    return true
  })
  expect(new Set(await Promise.all(attempts))).toEqual(new Set([true]))
  expect(most).toBe(5)
  expect(refused).toBe(0)
})

test('of attempts that fail, as many are made as may fail, and none of another network waits', async () => {
  const { buckets } = scene()
  let refused = 0
  const begin = authenticationAttempts({
    buckets,
    networkOf: addressKey(oneSubscriber, keyOf),
    onRefused: () => refused++,
    clock: () => 1_000,
  })
  let made = 0
  const attempt = async (address: string) => {
    const attempt = await begin(address)
    if ('retryAfter' in attempt) return attempt.retryAfter
    made++
    await new Promise((resolve) => setImmediate(resolve))
    attempt.end(true)
    return undefined
  }
  const results = await Promise.all(
    Array.from({ length: 200 }, (_value, index) => attempt(`2001:db8:0:ff${index % 10}::${index}`)),
  )
  expect(made).toBe(5)
  expect(refused).toBe(195)
  expect(results.filter((seconds) => seconds === 1)).toHaveLength(195)
  expect(await attempt('2001:db8:0:100::1')).toBeUndefined()
})

const ipv6 = { ipv4: 32, ipv6: 64 }
test.each([
  ['192.0.2.77', ipv6, '192.0.2.77/32'],
  ['192.0.2.77', { ipv4: 24, ipv6: 56 }, '192.0.2.0/24'],
  ['::ffff:192.0.2.77', ipv6, '192.0.2.77/32'],
  ['2001:db8:0:1ff::5', ipv6, '2001:db8:0:1ff::/64'],
  ['2001:DB8:0:01FF:0:0:0:5', ipv6, '2001:db8:0:1ff::/64'],
  ['2001:db8:0:1ff::5', { ipv4: 24, ipv6: 56 }, '2001:db8:0:100::/56'],
  ['::1', ipv6, '::/64'],
  ['fe80::1%eth0', ipv6, 'fe80::/64'],
  ['[2001:db8::1]:443', ipv6, '2001:db8::/64'],
  ['no address', ipv6, undefined],
])('the network of %s', (address, bits, network) => {
  expect(networkOf(address, bits)).toBe(network)
})

test('callers are counted by keys of 64 bits that nobody can compute without the secret', () => {
  const keys = callerKeys(keyOf)
  const caller = (sub: string, issuer = 'https://a.example', clientId?: string) => ({
    request: { clientAddress: '192.0.2.1' },
    caller: { claims: { sub }, issuer, clientId },
  })
  const subject = (...given: Parameters<typeof caller>) =>
    keyText(keys.subject(caller(...given), 0))
  const client = (...given: Parameters<typeof caller>) => keyText(keys.client(caller(...given), 0))
  expect(subject('alice')).toMatch(/^[0-9a-f]{16}$/)
  expect(subject('alice')).toBe(subject('alice'))
  expect(subject('alice', 'https://b.example')).not.toBe(subject('alice'))
  expect(client('alice')).toBe(subject('alice'))
  const app = ['https://a.example', 'app'] as const
  expect(client('alice', ...app)).toBe(client('bob', ...app))
  expect(client('alice', 'https://b.example', 'app')).not.toBe(client('alice', ...app))
  const others = callerKeys(rateKeys('another secret'))
  expect(keyText(others.subject(caller('alice'), 0))).not.toBe(subject('alice'))
  const anonymous = { request: { clientAddress: '2001:db8::1' }, caller: { claims: null } }
  expect(keys.subject(anonymous, 0)).toEqual(keyOf('2001:db8::/64'))
  const tooLong = { request: { clientAddress: 'x'.repeat(10_000) } }
  expect(keys.address(tooLong, 0)).toEqual(keyOf('unknown'))
  expect(keys.field('Query.a')).toEqual(keys.field('Query.a'))
  expect(keys.field('Query.a')).not.toEqual(keys.field('Query.b'))
})

test('root fields are counted with aliases and fragments, also in a fragment bomb', () => {
  const counts = (text: string) => {
    const document = parse(text)
    const operation = document.definitions[0] as OperationDefinitionNode
    return Object.fromEntries(rootFieldCounts(document, operation))
  }
  expect(
    counts('{ a b: a ...F ... on Query { a @skip(if: true) } } fragment F on Query { a c }'),
  ).toEqual({
    'Query.a': 4,
    'Query.c': 1,
  })
  expect(counts('mutation { login { token } }')).toEqual({ 'Mutation.login': 1 })
  const levels = Array.from(
    { length: 30 },
    (_value, index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`,
  )
  const bomb = `{ ...F0 } ${levels.join(' ')} fragment F30 on Query { a }`
  expect(counts(bomb)).toEqual({ 'Query.a': 2 ** 30 })
})
