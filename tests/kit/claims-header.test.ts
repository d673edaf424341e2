import { describe, expect, test } from '@jest/globals'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, SignJWT, UnsecuredJWT } from 'jose'
import fc from 'fast-check'
import {
  claimsHeaderLifetime,
  claimsHeaderReader,
  claimsHeaderType,
  claimsHeaderWriter,
  deriveClaimsKey,
} from '../../subgraphs/kit/claims-header.ts'
import type { Claims, ClaimsSigningKey } from '../../subgraphs/kit/claims-header.ts'

const key = deriveClaimsKey('a gateway secret of thirty-two bytes', 'users')
const shared: ClaimsSigningKey = { algorithm: 'HS256', key }
const alice: Claims = { sub: '1', name: 'Alice', scope: 'profile' }
const second = 1000
const start = Date.UTC(2026, 0, 1)
const at = (milliseconds: number) => () => milliseconds

const write = (claims: Claims | null = alice, notAfter?: number) =>
  claimsHeaderWriter('users', shared, at(start))(claims, notAfter)
const read = (header: string | undefined, now = start, keys = [key]) =>
  claimsHeaderReader('users', keys, at(now))(header)

const refused = { name: 'ClaimsHeaderError' }

describe('a claims header', () => {
  test('gives the claims that were written', async () => {
    expect({ ...(await read(write())) }).toEqual(alice)
  })

  test('of an anonymous caller gives null', async () => {
    expect(await read(write(null))).toBeNull()
  })

  test.each([
    ['is ahead', start - 600 * second, 'iat'],
    ['is behind', start + 600 * second, 'exp'],
  ])(
    'is refused by the claim that shows it when the clock of the gateway %s',
    async (_name, now, claim) => {
      const refusal = await read(write(), now).catch((cause: unknown) => cause)
      expect(refusal).toMatchObject({ ...refused, claim })
      expect(
        await read(write(), now, [Buffer.alloc(32)]).catch(({ claim }) => claim),
      ).toBeUndefined()
    },
  )

  test('is refused if it is missing', async () => {
    await expect(read(undefined)).rejects.toMatchObject(refused)
    await expect(read('')).rejects.toMatchObject(refused)
  })

  test('addressed to another subgraph is refused', async () => {
    const other = claimsHeaderWriter('reviews', shared, at(start))(alice)
    await expect(read(other)).rejects.toMatchObject(refused)
  })

  test('is refused once it has expired', async () => {
    const end = start + claimsHeaderLifetime * second
    expect(await read(write(), end)).toBeTruthy()
    await expect(read(write(), end + 6 * second)).rejects.toMatchObject(refused)
  })

  test('from the future is refused', async () => {
    await expect(read(write(), start - 6 * second)).rejects.toMatchObject(refused)
  })

  test('lives for 60 seconds, and never longer than the access token', () => {
    const issuedAt = start / second
    expect(decodeJwt(write()).exp).toBe(issuedAt + 60)
    expect(decodeJwt(write(alice, issuedAt + 600)).exp).toBe(issuedAt + 60)
    expect(decodeJwt(write(alice, issuedAt + 7.9)).exp).toBe(issuedAt + 7)
  })

  test('that claims a longer life than 60 seconds is refused all the same', async () => {
    const issuedAt = start / second
    const long = await new SignJWT({ claims: alice })
      .setProtectedHeader({ alg: 'HS256', typ: claimsHeaderType })
      .setAudience('users')
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + 3600)
      .sign(key)
    expect(await read(long)).toBeTruthy()
    await expect(read(long, start + 66 * second)).rejects.toMatchObject(refused)
  })

  test('with one changed character is refused', async () => {
    const header = write()
    const change = fc.record({
      position: fc.nat(header.length - 1),
      character: fc.constantFrom(...'ABCyz019-_.= '),
    })
    await fc.assert(
      fc.asyncProperty(change, async ({ position, character }) => {
        fc.pre(header[position] !== character)
        // The last character of the signature has two bits that mean nothing.
        fc.pre(position !== header.length - 1)
        const changed = header.slice(0, position) + character + header.slice(position + 1)
        await expect(read(changed)).rejects.toMatchObject(refused)
      }),
      { numRuns: 200 },
    )
  })

  test('signed with another key is refused', async () => {
    await expect(read(write(), start, [randomBytes(32)])).rejects.toMatchObject(refused)
  })

  test('during a rotation is verified by the new key or the former', async () => {
    expect(await read(write(), start, [randomBytes(32), key])).toBeTruthy()
    expect(await read(write(), start, [key, randomBytes(32)])).toBeTruthy()
  })

  test.each([
    [
      'without a signature',
      () => new UnsecuredJWT({ claims: alice }).setAudience('users').encode(),
    ],
    ['of another type', () => signed({ typ: 'at+jwt' })],
    ['without a type', () => signed({})],
    ['with an embedded key', () => signed({ typ: claimsHeaderType, jwk: {} })],
    ['with a critical extension', () => signed({ typ: claimsHeaderType, crit: ['x'], x: 1 })],
    ['without claims', () => signed({ typ: claimsHeaderType }, {})],
    ['whose claims are a list', () => signed({ typ: claimsHeaderType }, { claims: [alice] })],
    ['whose claims have no subject', () => signed({ typ: claimsHeaderType }, { claims: {} })],
    ['whose subject is empty', () => signed({ typ: claimsHeaderType }, { claims: { sub: '' } })],
  ])('%s is refused', async (_name, make) => {
    await expect(read(await make())).rejects.toMatchObject(refused)
  })

  test('returns claims without a prototype, which cannot be changed', async () => {
    const claims = JSON.parse('{"sub":"1","__proto__":{"admin":true},"constructor":"x"}') as Claims
    const given = (await read(write(claims)))!
    expect(Object.getPrototypeOf(given)).toBeNull()
    expect(given.admin).toBeUndefined()
    expect(Object.isFrozen(given)).toBe(true)
    expect((await read(write({ sub: '1' })))!.toString).toBeUndefined()
  })

  test('carries text of any language, numbers and lists', async () => {
    const claims = {
      sub: '1',
      name: 'Þórunn 漢字 नमस्ते \u{1f512}\r\nset-cookie: x\u0000',
      roles: ['a', 'b'],
      level: 1.5,
      admin: false,
      nothing: null,
    }
    expect(write(claims)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect({ ...(await read(write(claims))) }).toEqual(claims)
  })

  test('is never part of the reason why it was refused', async () => {
    const header = write()
    const [, payload = '', signature = ''] = header.split('.')
    const refusal = await read(header, start + 3600 * second).catch((cause: Error) => cause.message)
    expect(refusal).not.toContain(payload)
    expect(refusal).not.toContain(signature)
  })

  async function signed(protectedHeader: object, payload: object = { claims: alice }) {
    return new SignJWT({ ...payload })
      .setProtectedHeader({ alg: 'HS256', ...protectedHeader })
      .setAudience('users')
      .setIssuedAt(start / second)
      .setExpirationTime(start / second + 60)
      .sign(key)
      .catch(() => handMade(protectedHeader, payload))
  }

  /** What jose refuses to write. */
  async function handMade(protectedHeader: object, payload: object) {
    const { createHmac } = await import('node:crypto')
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const iat = start / second
    const input = `${encode({ alg: 'HS256', ...protectedHeader })}.${encode({ aud: 'users', iat, exp: iat + 60, ...payload })}`
    return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
  }
})

describe('keys', () => {
  test('differ for each subgraph and each gateway', () => {
    const secret = 'a gateway secret of thirty-two bytes'
    const keys = [
      deriveClaimsKey(secret, 'users'),
      deriveClaimsKey(secret, 'auth'),
      deriveClaimsKey(`${secret}!`, 'users'),
    ].map((bytes) => Buffer.from(bytes).toString('hex'))
    expect(new Set(keys).size).toBe(3)
    expect(Buffer.from(deriveClaimsKey(secret, 'users')).toString('hex')).toBe(keys[0])
  })

  test('that are too short are refused', () => {
    expect(() => deriveClaimsKey('short', 'users')).toThrow('shorter than 32 bytes')
    expect(() => claimsHeaderReader('users', [randomBytes(31)])).toThrow('at least 32 bytes')
    expect(() => claimsHeaderReader('users', [])).toThrow('no key')
    const short: ClaimsSigningKey = { algorithm: 'HS256', key: randomBytes(31) }
    expect(() => claimsHeaderWriter('users', short)).toThrow('at least 32 bytes')
  })

  const pair = generateKeyPairSync('ed25519')
  const publicJwk = {
    ...pair.publicKey.export({ format: 'jwk' }),
    kid: 'gateway-1',
    alg: 'EdDSA',
    use: 'sig',
  }
  const ed25519: ClaimsSigningKey = {
    algorithm: 'EdDSA',
    keyId: 'gateway-1',
    key: pair.privateKey,
  }

  test("of the gateway's public key set verify an EdDSA header", async () => {
    const header = claimsHeaderWriter('users', ed25519, at(start))(alice)
    const keySet = createLocalJWKSet({ keys: [publicJwk] })
    expect({ ...(await claimsHeaderReader('users', keySet, at(start))(header)) }).toEqual(alice)
    expect({ ...(await claimsHeaderReader('users', pair.publicKey, at(start))(header)) }).toEqual(
      alice,
    )
    await expect(claimsHeaderReader('auth', keySet, at(start))(header)).rejects.toMatchObject(
      refused,
    )
  })

  test('that are public sign nothing: HS256 with the public key as secret is refused', async () => {
    const asSecret = Buffer.from(pair.publicKey.export({ format: 'pem', type: 'spki' }))
    const forged = claimsHeaderWriter(
      'users',
      { algorithm: 'HS256', key: asSecret },
      at(start),
    )(alice)
    for (const keys of [createLocalJWKSet({ keys: [publicJwk] }), pair.publicKey]) {
      await expect(claimsHeaderReader('users', keys, at(start))(forged)).rejects.toMatchObject(
        refused,
      )
    }
  })

  test('of another gateway do not verify an EdDSA header', async () => {
    const header = claimsHeaderWriter('users', ed25519, at(start))(alice)
    const other = generateKeyPairSync('ed25519').publicKey
    await expect(claimsHeaderReader('users', other, at(start))(header)).rejects.toMatchObject(
      refused,
    )
  })
})
