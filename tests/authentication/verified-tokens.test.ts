/** The verified-token cache: nothing is verified twice, and nothing outlives its reasons. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { Registry } from 'prom-client'
import type { AuthenticatorOptions } from '../../gateway/authentication/authenticator.ts'
import { authenticationMetrics } from '../../gateway/authentication/metrics.ts'
import { until } from '../support/until.ts'
import { issuerOptions, testAuthenticator } from './support/test-authenticator.ts'
import { testClock } from './support/test-clock.ts'
import { testIssuer, testKey } from './support/test-issuer.ts'

const key = await testKey('ES256', 'old')
const newKey = await testKey('ES256', 'new')
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function scene(options: Partial<AuthenticatorOptions> = {}) {
  const issuer = await testIssuer({ keys: [key.jwk] })
  const registry = new Registry()
  const clock = testClock()
  const subject = testAuthenticator([issuerOptions(issuer)], options, {
    clock,
    metrics: authenticationMetrics(registry),
  })
  closers.push(subject.close, issuer.close)
  await subject.warm
  const value = async (name: string, labels: Record<string, string> = {}) => {
    const metric = await registry.getSingleMetric(name)!.get()
    const matching = metric.values.filter((entry) =>
      Object.entries(labels).every(([label, text]) => entry.labels[label] === text),
    )
    return matching.reduce((sum, entry) => sum + entry.value, 0)
  }
  return {
    issuer,
    clock,
    subject,
    registry,
    value,
    cache: (result: string) => value('portcullis_verified_token_cache_total', { result }),
    /** How many signatures were checked and found good. */
    verifications: async () => {
      const metric = await registry.getSingleMetric('portcullis_token_verification_seconds')!.get()
      return metric.values
        .filter((entry) => (entry as { metricName?: string }).metricName?.endsWith('_count'))
        .reduce((sum, entry) => sum + entry.value, 0)
    },
  }
}

test('a verified token is not verified again, and the result is synchronous', async () => {
  const { issuer, subject, verifications } = await scene()
  const token = await issuer.sign(key)
  const first = await subject.ask(token)
  const again = subject.authenticate({ authorization: [`Bearer ${token}`] })
  expect(again).toBe(first)
  expect(await verifications()).toBe(1)
})

test('concurrent first uses of one token share one verification', async () => {
  const { issuer, subject, verifications, cache } = await scene()
  const token = await issuer.sign(key)
  const answers = await Promise.all(Array.from({ length: 100 }, () => subject.ask(token)))
  expect(new Set(answers).size).toBe(1)
  expect(await verifications()).toBe(1)
  expect(await cache('shared')).toBe(99)
})

test('expiry is asked again on every hit', async () => {
  const { issuer, clock, subject } = await scene()
  const token = await issuer.sign(key)
  expect(await subject.ask(token)).toMatchObject({ expiresAt: expect.any(Number) })
  await clock.pass(306_000)
  expect(await subject.ask(token)).toBe('TOKEN_EXPIRED')
})

test('the age of a token is asked again on every hit', async () => {
  const { issuer, clock, subject } = await scene()
  const now = Math.floor(Date.now() / 1_000)
  const token = await issuer.sign(key, { iat: now - 86_390, exp: now + 10_000 })
  expect(await subject.ask(token)).toMatchObject({ expiresAt: expect.any(Number) })
  await clock.pass(30_000)
  expect(await subject.ask(token)).toBe('TOKEN_TOO_OLD')
})

describe('when its key leaves the key set, a token counts no more', () => {
  test('a key that is gone', async () => {
    const { issuer, clock, subject } = await scene()
    const token = await issuer.sign(key)
    expect(await subject.ask(token)).toMatchObject({ expiresAt: expect.any(Number) })
    issuer.keys = [newKey.jwk]
    expect(await subject.ask(await issuer.sign(newKey))).toMatchObject({
      expiresAt: expect.any(Number),
    })
    await clock.pass(30_000)
    expect(await subject.ask(token)).toBe('KEY_UNKNOWN')
  })

  test('another key under the same id', async () => {
    const { issuer, clock, subject } = await scene()
    const token = await issuer.sign(key)
    expect(await subject.ask(token)).toMatchObject({ expiresAt: expect.any(Number) })
    issuer.keys = [{ ...newKey.jwk, kid: 'old' }]
    await clock.pass(451_000)
    await until(() => issuer.requests['/jwks'] === 2)
    await until(async () => {
      const now = Math.floor(clock.now() / 1_000)
      const fresh = await issuer.sign({ ...newKey, keyId: 'old' }, { iat: now, exp: now + 60 })
      return typeof (await subject.ask(fresh)) === 'object'
    })
    const long = await issuer.sign(key, { exp: Math.floor(clock.now() / 1_000) + 60 })
    expect(await subject.ask(long)).toBe('SIGNATURE_INVALID')
  })

  test('a key that stays is not verified with again after a refresh', async () => {
    const { issuer, clock, subject, verifications } = await scene()
    const exp = Math.floor(Date.now() / 1_000) + 3_600
    const token = await issuer.sign(key, { exp })
    await subject.ask(token)
    issuer.keys = [{ ...key.jwk }, newKey.jwk]
    await clock.pass(451_000)
    await until(() => issuer.requests['/jwks'] === 2)
    await subject.ask(token)
    expect(await verifications()).toBe(1)
  })
})

describe('refused tokens', () => {
  test('a flood of one bad token costs no signature checks', async () => {
    const { issuer, subject, cache } = await scene()
    const token = await issuer.sign({ ...newKey, keyId: 'old' })
    for (let index = 0; index < 50; index++) {
      expect(await subject.ask(token)).toBe('SIGNATURE_INVALID')
    }
    expect(await cache('miss')).toBe(1)
    expect(await cache('refused')).toBe(49)
  })

  test('are forgotten after a few seconds', async () => {
    const { issuer, clock, subject, cache } = await scene()
    const token = await issuer.sign({ ...newKey, keyId: 'old' })
    await subject.ask(token)
    await clock.pass(5_000)
    await subject.ask(token)
    expect(await cache('miss')).toBe(2)
  })

  test('are forgotten when the keys change', async () => {
    const { issuer, subject } = await scene()
    const token = await issuer.sign({ ...newKey, keyId: 'old' })
    expect(await subject.ask(token)).toBe('SIGNATURE_INVALID')
    issuer.keys = [{ ...newKey.jwk, kid: 'old' }]
    await subject.ask(await issuer.sign({ ...key, keyId: 'asks for keys' }))
    expect(await subject.ask(token)).toMatchObject({ expiresAt: expect.any(Number) })
  })

  test('push out no good ones', async () => {
    const { issuer, subject, verifications } = await scene({
      cache: { entries: 10, refusedFor: 5_000 },
    })
    const token = await issuer.sign(key)
    await subject.ask(token)
    for (let index = 0; index < 30; index++) {
      await subject.ask(await issuer.sign({ ...newKey, keyId: 'old' }, { jti: `${index}` }))
    }
    await subject.ask(token)
    expect(await verifications()).toBe(1)
  })

  test('for an unknown key are not remembered: the key may come', async () => {
    const { issuer, clock, subject } = await scene()
    const exp = Math.floor(Date.now() / 1_000) + 3_600
    const token = await issuer.sign(newKey, { exp })
    expect(await subject.ask(token)).toBe('KEY_UNKNOWN')
    issuer.keys = [newKey.jwk]
    await clock.pass(30_000)
    expect(await subject.ask(token)).toMatchObject({ expiresAt: expect.any(Number) })
  })
})

test('it is bounded: the least recently used token is verified again', async () => {
  const { issuer, subject, verifications } = await scene({ cache: { entries: 2, refusedFor: 0 } })
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((jti) => issuer.sign(key, { jti })))
  for (const token of [a, b, a, c, a, b]) await subject.ask(token)
  expect(await verifications()).toBe(4)
})

test('it can be off: every use is a verification', async () => {
  const { issuer, subject, verifications } = await scene({ cache: undefined })
  const token = await issuer.sign(key)
  for (let use = 0; use < 3; use++) {
    expect(await subject.ask(token)).toMatchObject({ expiresAt: expect.any(Number) })
  }
  expect(await verifications()).toBe(3)
})

test('what happened is counted by issuer and reason, and the age of the keys shown', async () => {
  const { issuer, clock, subject, value, registry } = await scene()
  await subject.ask()
  await subject.ask(await issuer.sign(key))
  await subject.ask(await issuer.sign(key, { exp: 1 }))
  await subject.ask('garbage')
  await subject.ask(await issuer.sign(key, { iss: 'https://nobody.example' }))
  await clock.pass(90_000)
  const judged = (labels: Record<string, string>) =>
    value('portcullis_authentication_total', labels)
  expect(await judged({ outcome: 'anonymous' })).toBe(1)
  expect(await judged({ outcome: 'accepted', issuer: issuer.issuer })).toBe(1)
  expect(await judged({ outcome: 'TOKEN_EXPIRED', issuer: issuer.issuer })).toBe(1)
  expect(await judged({ outcome: 'TOKEN_MALFORMED', issuer: '' })).toBe(1)
  expect(await judged({ outcome: 'ISSUER_UNKNOWN', issuer: '' })).toBe(1)
  expect(await value('portcullis_key_set_age_seconds')).toBeCloseTo(90, 0)
  expect(await registry.metrics()).not.toContain('nobody.example')
})
