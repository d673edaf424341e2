/** What a subgraph gets to know of a caller: the fewest claims, signed for one subgraph, and the key of deduplication. */
import { describe, expect, test } from '@jest/globals'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader } from 'jose'
import type { JSONWebKeySet } from 'jose'
import fc from 'fast-check'
import { narrowClaims } from '../../gateway/authentication/select-claims.ts'
import { claimsKeyPair, claimsKeySet } from '../../gateway/forwarding/claims-signing-key.ts'
import type { Caller } from '../../gateway/client-request.ts'
import { forwardedHeaders } from '../../gateway/forwarding/forwarded-headers.ts'
import type { HeaderRule } from '../../gateway/forwarding/header-rules.ts'
import type { ForwardedHeader } from '../../gateway/forwarding/forwarded-headers.ts'
import { plainHeaderValue } from '../../gateway/forwarding/plain-claims.ts'
import { subgraphForwarding } from '../../gateway/forwarding/subgraph-headers.ts'
import type { ForwardingOptions } from '../../gateway/forwarding/subgraph-headers.ts'
import { claimsHeaderReader, deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import { testClock } from './support/test-clock.ts'

const secret = 'a secret that only these tests know about'
const key = deriveClaimsKey(secret, 'users')
const start = 1_800_000_000_000

function forwardingOf(options: Partial<ForwardingOptions> = {}) {
  return subgraphForwarding({
    subgraph: 'users',
    signingKey: { algorithm: 'HS256', key },
    narrow: (claims) => claims,
    now: () => start,
    ...options,
  })
}

const headersOf = (options?: Partial<ForwardingOptions>) => forwardingOf(options).headers

const read = (header = '', now = start) => claimsHeaderReader('users', [key], () => now)(header)

describe('least claims', () => {
  const claims: Claims = { sub: '1', name: 'Alice', scope: 'read', email: 'a@example.com' }

  test('a subgraph gets what its entry allows, and the subject in any case', async () => {
    const headers = headersOf({ narrow: (verified) => narrowClaims(verified, ['name']) })
    const forwarded = await read(headers({ claims })['gateway-claims'])
    expect({ ...forwarded }).toEqual({ sub: '1', name: 'Alice' })
  })

  test('a claim that the token lacks is not there', () => {
    expect(Object.keys(narrowClaims({ sub: '1' }, ['name', 'toString']))).toEqual(['sub'])
  })

  test('an anonymous caller is forwarded as such', async () => {
    expect(await read(headersOf()({ claims: null })['gateway-claims'])).toBeNull()
  })
})

test('claims of any language, length and form round-trip', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.jsonValue(), async (name, value) => {
      const claims = { sub: '1', name, value }
      const header = headersOf()({ claims })['gateway-claims']!
      expect(header).toMatch(/^[\w.-]+$/)
      expect(JSON.stringify({ ...(await read(header)) })).toBe(JSON.stringify(claims))
    }),
    { numRuns: 100 },
  )
})

describe('plain headers', () => {
  const plainHeaders = { 'x-user-id': 'sub', 'x-user-name': 'name', 'x-groups': 'groups' }
  const claims: Claims = { sub: '1', name: 'José\r\nx-admin: 1', groups: ['a', 'b'] }

  test('carry the claims that are mapped to them, safely encoded', () => {
    expect(headersOf({ plainHeaders })({ claims })).toMatchObject({
      'x-user-id': '1',
      'x-user-name': 'Jos%C3%A9%0D%0Ax-admin:%201',
      'x-groups': '["a","b"]',
    })
  })

  test('are absent for an anonymous caller, and for a claim that is not forwarded', () => {
    const names = (caller: Claims | null) =>
      Object.keys(
        headersOf({ plainHeaders, narrow: (all) => narrowClaims(all, ['name']) })({
          claims: caller,
        }),
      ).filter((name) => name.startsWith('x-'))
    expect(names(null)).toEqual([])
    expect(names(claims)).toEqual(['x-user-id', 'x-user-name'])
  })

  test('any text comes back by percent-decoding, and cannot leave its header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const value = plainHeaderValue(text)
        expect(value).toMatch(/^[\x21-\x7e]*$/)
        expect(decodeURIComponent(value)).toBe(text)
      }),
    )
  })
})

describe('one signature serves a caller for half of the lifetime of the header', () => {
  const claims: Claims = { sub: '1' }

  test('the same header within 30 seconds, another one after', async () => {
    const clock = testClock()
    const headers = headersOf({ now: clock.now })
    const first = headers({ claims })['gateway-claims']
    await clock.pass(28_000)
    expect(headers({ claims })['gateway-claims']).toBe(first)
    await clock.pass(2_000)
    const second = headers({ claims })['gateway-claims']
    expect(second).not.toBe(first)
    expect(await read(second, clock.now())).toEqual({ sub: '1' })
  })

  test('it never outlives the token', async () => {
    const clock = testClock()
    const headers = headersOf({ now: clock.now })
    const expiresAt = Math.floor(clock.now() / 1_000) + 10
    const first = headers({ claims, expiresAt })['gateway-claims']!
    expect(decodeJwt(first).exp).toBe(expiresAt)
    await clock.pass(6_000)
    const second = headers({ claims, expiresAt })['gateway-claims']!
    expect(second).not.toBe(first)
    expect(decodeJwt(second).exp).toBe(expiresAt)
  })

  test('a token that is accepted past its expiry, as clocks differ, is accepted behind the gateway', async () => {
    const headers = headersOf()
    const header = headers({ claims, expiresAt: start / 1_000 - 4 })['gateway-claims']
    expect(await read(header)).toEqual({ sub: '1' })
  })

  test('each caller has its own header, and the anonymous caller too', async () => {
    const headers = headersOf()
    const callers = [{ sub: '1' }, { sub: '2' }, null]
    for (const claims of [...callers, ...callers]) {
      expect(await read(headers({ claims })['gateway-claims'])).toEqual(claims)
    }
  })
})

describe('the key of request deduplication is made from the list that the headers are made from', () => {
  const ofAgent: ForwardedHeader<string | null> = {
    select: ({ client }) => client?.agent ?? null,
    write: (agent): Record<string, string> => (agent === null ? {} : { 'x-agent': agent }),
  }
  const alice: Caller = { claims: { sub: '1' }, client: { agent: 'a' } }
  const sameByOther: Caller = { ...alice, client: { agent: 'b' } }

  test('a new entry takes part in the key', () => {
    const { headers, deduplicationKey } = forwardedHeaders([ofAgent])
    expect(headers(alice)).toEqual({ 'x-agent': 'a' })
    expect(deduplicationKey(alice)).not.toBe(deduplicationKey(sameByOther))
    expect(deduplicationKey(alice)).toBe(deduplicationKey({ ...alice, cookies: 'a=1' }))
    const without = forwardedHeaders([])
    expect(without.deduplicationKey(alice)).toBe(without.deduplicationKey(sameByOther))
  })

  test('callers with one key have the same headers, whatever is forwarded', () => {
    const name = fc.constantFrom('Alice', 'Bob', '["Alice"]', '')
    const caller: fc.Arbitrary<Caller> = fc.record({
      claims: fc.option(
        fc.record({ sub: fc.constantFrom('1', '2'), name }, { requiredKeys: ['sub'] }),
      ),
      client: fc.record({ address: fc.constantFrom('10.0.0.1', '::ffff:10.0.0.1'), agent: name }),
      cookies: fc.constantFrom('', 'a=1', 'a=1; b=2', 'b=2; c=3'),
      headers: fc.dictionary(
        fc.constantFrom('x-a', 'x-b', 'x-user', 'accept', 'connection'),
        fc.array(fc.constantFrom('1', '2', 'x-a'), { minLength: 1, maxLength: 2 }),
      ),
      accessToken: fc.constantFrom(undefined, 'a', 'b'),
    })
    const options = fc.record({
      plainHeaders: fc.constantFrom({}, { 'x-name': 'name' }),
      clientHeaders: fc.boolean(),
      cookies: fc.subarray(['a', 'b']),
      requestHeaders: fc.subarray<HeaderRule>([
        { propagate: { named: ['x-a'], rename: 'x-c', default: '1' } },
        { propagate: { matching: ['x-*'] } },
        { remove: { named: ['x-b'] } },
      ]),
      passToken: fc.boolean(),
    })
    fc.assert(
      fc.property(options, caller, caller, (options, one, other) => {
        const { headers, deduplicationKey } = forwardingOf(options)
        const isSame = JSON.stringify(headers(one)) === JSON.stringify(headers(other))
        expect(deduplicationKey(one) === deduplicationKey(other)).toBe(isSame)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('EdDSA: a subgraph team needs no secret', () => {
  const pair = claimsKeyPair(secret)
  const signingKey = { algorithm: 'EdDSA', keyId: pair.keyId, key: pair.privateKey } as const

  test('the header is verified with the public key set of the gateway', async () => {
    const header = headersOf({ signingKey })({ claims: { sub: '1' } })['gateway-claims']
    const keySet = createLocalJWKSet(claimsKeySet([pair]) as JSONWebKeySet)
    expect(await claimsHeaderReader('users', keySet, () => start)(header)).toEqual({ sub: '1' })
    expect(decodeProtectedHeader(header!)).toMatchObject({ alg: 'EdDSA', kid: pair.keyId })
  })

  test('every gateway with the secret has the same key, and the set shows nothing private', () => {
    expect(claimsKeyPair(secret).keyId).toBe(pair.keyId)
    expect(claimsKeyPair(`${secret}!`).keyId).not.toBe(pair.keyId)
    expect(JSON.stringify(claimsKeySet([pair]))).not.toMatch(/"d"/)
  })

  test('during a rotation the set has both keys: no header is refused on either side of it', async () => {
    const newPair = claimsKeyPair(`${secret}, the next`)
    const keySet = createLocalJWKSet(claimsKeySet([newPair, pair]) as JSONWebKeySet)
    const reader = claimsHeaderReader('users', keySet, () => start)
    for (const { keyId, privateKey } of [pair, newPair]) {
      const signer = { algorithm: 'EdDSA', keyId, key: privateKey } as const
      const header = headersOf({ signingKey: signer })({ claims: { sub: '1' } })['gateway-claims']
      expect(await reader(header)).toEqual({ sub: '1' })
    }
  })
})

test('HS256 secrets are rotated without an outage: the kit accepts two keys', async () => {
  const newKey = deriveClaimsKey(`${secret}, the next`, 'users')
  const reader = claimsHeaderReader('users', [newKey, key], () => start)
  for (const each of [key, newKey]) {
    const headers = headersOf({ signingKey: { algorithm: 'HS256', key: each } })
    expect(await reader(headers({ claims: { sub: '1' } })['gateway-claims'])).toEqual({ sub: '1' })
  }
})
