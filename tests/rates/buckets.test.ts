/** The buckets of the rates, by clocks of the test's own. */
import { expect, test } from '@jest/globals'
import { parse } from 'graphql'
import type { OperationDefinitionNode } from 'graphql'
import { networkOf } from '../../subgraphs/kit/ip-address.ts'
import { authenticationAttempts } from '../../gateway/rates/authentication-attempts.ts'
import { callerKeys, identityHash } from '../../gateway/rates/caller-keys.ts'
import { LeasedBuckets } from '../../gateway/rates/leased-buckets.ts'
import { MemoryBuckets } from '../../gateway/rates/memory-buckets.ts'
import { fallBack } from '../../gateway/rates/fall-back.ts'
import { rootFieldCounts } from '../../gateway/rates/root-field-counts.ts'
import type { Rate } from '../../gateway/rates/rate.ts'

/** Ten per second, five at once. */
const rate: Rate = { name: 'test', limit: 10, per: 1_000, burst: 5 }

function scene(of: Rate = rate, most?: number) {
  const clock = { now: 1_000 }
  const buckets = new MemoryBuckets(of, () => clock.now, most)
  const takeMany = (key: string, count: number) =>
    Array.from({ length: count }, () => buckets.take(key, 1)).filter(({ granted }) => granted)
      .length
  return { clock, buckets, takeMany }
}

test('a bucket gives its burst at once, then the rate', () => {
  const { clock, buckets, takeMany } = scene()
  expect(takeMany('a', 8)).toBe(5)
  expect(buckets.take('a', 1)).toEqual({ granted: false, left: 0, wait: 100, full: 500 })
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
  const { buckets } = scene()
  expect(buckets.take('a', 4)).toMatchObject({ granted: true, left: 1 })
  expect(buckets.take('a', 4)).toMatchObject({ granted: false, left: 1, wait: 300 })
  expect(buckets.take('a', 1)).toMatchObject({ granted: true, left: 0 })
})

test('a clock that jumps back empties no bucket further, and one that jumps ahead fills them once', () => {
  const { clock, buckets, takeMany } = scene()
  expect(takeMany('a', 5)).toBe(5)
  clock.now -= 3_600_000
  expect(buckets.take('a', 1)).toMatchObject({ granted: false, wait: 100, full: 500 })
  clock.now += 7_200_000
  expect(takeMany('a', 100)).toBe(5)
})

test('keys are bounded, and a key that is in use is not forgotten', () => {
  const { clock, buckets, takeMany } = scene(rate, 1_000)
  expect(takeMany('attacker', 5)).toBe(5)
  for (let index = 0; index < 10_000; index++) {
    buckets.take(`key ${index}`, 1)
    if (index % 100 === 0) expect(takeMany('attacker', 1)).toBe(0)
  }
  expect(buckets.keys).toBeLessThanOrEqual(1_000)
  clock.now += 500
  buckets.take('another', 1)
  clock.now += 500
  buckets.take('another', 1)
  expect(buckets.keys).toBeLessThanOrEqual(2)
})

test('100 requests at a time at each of 4 processes get as many points as there are', async () => {
  for (const burst of [1, 5, 60, 399]) {
    const shared = scene({ ...rate, burst }).buckets
    let messages = 0
    const grantPoints = async (key: string, needed: number) => {
      messages++
      await new Promise((resolve) => setImmediate(resolve))
      return shared.grant(key, needed)
    }
    const processes = Array.from({ length: 4 }, () => new LeasedBuckets(rate, grantPoints, () => 0))
    const all = await Promise.all(
      processes.flatMap((buckets) => Array.from({ length: 100 }, () => buckets.take('a', 1))),
    )
    expect(all.filter(({ granted }) => granted)).toHaveLength(burst)
    expect(messages).toBeLessThanOrEqual(8)
  }
})

test('a process takes at most an eighth of a bucket in advance, and asks no more once it is empty', async () => {
  const clock = { now: 0 }
  const many: Rate = { name: 'test', limit: 80, per: 1_000, burst: 80 }
  const shared = new MemoryBuckets(many, () => clock.now)
  const asked: number[] = []
  const leased = new LeasedBuckets(
    many,
    async (key, needed) => {
      asked.push(needed)
      return shared.grant(key, needed)
    },
    () => clock.now,
  )
  await leased.take('a', 1)
  expect(shared.take('a', 0).left).toBe(70)
  // Synchronous, as nobody has to be asked.
  for (let index = 0; index < 9; index++) {
    expect(leased.take('a', 1)).toMatchObject({ granted: true })
  }
  expect(asked).toHaveLength(1)
  while (shared.take('a', 1).granted);
  expect(await leased.take('a', 1)).toMatchObject({ granted: false, left: 0, wait: 12.5 })
  expect(leased.take('a', 1)).toMatchObject({ granted: false })
  expect(asked).toHaveLength(2)
  clock.now += 12.5
  expect(await leased.take('a', 1)).toMatchObject({ granted: true })
})

test('one that needs more points than there are makes no other wait for them', async () => {
  const clock = { now: 0 }
  const shared = new MemoryBuckets(rate, () => clock.now)
  let messages = 0
  const leased = new LeasedBuckets(
    rate,
    async (key, needed) => {
      messages++
      return shared.grant(key, needed)
    },
    () => clock.now,
  )
  for (let taken = 0; taken < 4; taken++) await leased.take('a', 1)
  expect(await leased.take('a', 5)).toMatchObject({ granted: false, wait: 400 })
  expect(leased.take('a', 1)).toMatchObject({ granted: true })
  expect(leased.take('a', 1)).toMatchObject({ granted: false, wait: 100 })
  expect(leased.take('a', 3)).toMatchObject({ granted: false, wait: 300 })
  messages = 0
  clock.now += 100
  expect(leased.take('a', 3)).toMatchObject({ granted: false, wait: 200 })
  expect(messages).toBe(0)
  expect(await leased.take('a', 1)).toMatchObject({ granted: true })
  clock.now += 300
  expect(await leased.take('a', 3)).toMatchObject({ granted: true, left: 0 })
  expect(messages).toBe(2)
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
  expect(await grantPoints('a', 1)).toBe(grant)
  isAway = true
  for (let index = 0; index < 3; index++) {
    expect(await grantPoints('a', 1)).toMatchObject({ points: 1 })
  }
  expect({ asked, counted }).toEqual({ asked: 2, counted: 3 })
  clock.now += 1_000
  await grantPoints('a', 1)
  expect({ asked, counted }).toEqual({ asked: 3, counted: 4 })
  isAway = false
  clock.now += 1_000
  expect(await grantPoints('a', 1)).toBe(grant)
  expect(lines).toEqual([
    'the store of the rates is away: each process counts by itself',
    'the store of the rates is back',
  ])
})

test('attempts beyond the limit wait for the others: all that succeed are admitted', async () => {
  const { buckets } = scene()
  let refused = 0
  const begin = authenticationAttempts(buckets, () => refused++)
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
  const begin = authenticationAttempts(buckets, () => refused++)
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

test('callers are counted by short keys without their identity', () => {
  const keys = callerKeys(identityHash('a secret'))
  const caller = (sub: string, issuer = 'https://a.example', clientId?: string) => ({
    request: { clientAddress: '192.0.2.1' },
    caller: { claims: { sub }, issuer, clientId },
  })
  const alice = caller('alice')
  expect(keys.subject(alice)).toHaveLength(22)
  expect(keys.subject(caller('x'.repeat(10_000)))).toHaveLength(22)
  expect(keys.subject(caller('alice'))).toBe(keys.subject(alice))
  expect(keys.subject(caller('alice', 'https://b.example'))).not.toBe(keys.subject(alice))
  expect(keys.client(alice)).toBe(keys.subject(alice))
  expect(keys.client(caller('alice', 'https://a.example', 'app'))).toBe(
    keys.client(caller('bob', 'https://a.example', 'app')),
  )
  expect(callerKeys(identityHash('another')).subject(alice)).not.toBe(keys.subject(alice))
  const anonymous = { request: { clientAddress: '2001:db8::1' }, caller: { claims: null } }
  expect(keys.subject(anonymous)).toBe('2001:db8::/64')
  expect(keys.address({ request: { clientAddress: 'x'.repeat(10_000) } })).toBe('unknown')
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
