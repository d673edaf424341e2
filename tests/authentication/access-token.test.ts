/** Which access tokens are accepted, and why the others are not. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import type { Caller } from '../../gateway/client-request.ts'
import { issuerOptions, outcome, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { testClock } from './support/test-clock.ts'
import { forge, testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer } from './support/test-issuer.ts'

const key = await testKey('ES256', 'ours')
const otherKey = await testKey('ES256', 'ours')
const foreignKey = await testKey('RS256', 'foreign')

let issuer: TestIssuer
let foreign: TestIssuer
/** Trusts our issuer, and a foreign one with RS256, array audiences and `scp`. */
let subject: TestAuthenticator

beforeAll(async () => {
  issuer = await testIssuer({ keys: [key.jwk] })
  foreign = await testIssuer({ keys: [foreignKey.jwk], audience: ['other', 'portcullis'] })
  subject = testAuthenticator(
    [
      issuerOptions(issuer),
      issuerOptions(foreign, {
        algorithms: ['RS256'],
        tokenTypes: ['at+jwt', 'JWT'],
        scopesClaims: ['scp'],
        subjectPrefix: 'foreign|',
      }),
    ],
    {},
    { claims: { forward: ['sub', 'scope', 'name', 'level', 'groups', 'address'], narrowed: [] } },
  )
  await subject.warm
})

afterAll(async () => {
  await subject.close()
  await issuer.close()
  await foreign.close()
})

const now = () => Math.floor(Date.now() / 1_000)
const claims = () => ({
  iss: issuer.issuer,
  aud: 'portcullis',
  sub: 'subject-1',
  iat: now(),
  exp: now() + 300,
})
const header = { alg: 'ES256', kid: 'ours', typ: 'at+jwt' }
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const withClaim = (name: string, json: string) =>
  JSON.stringify(claims()).replace('{', `{"${name}":${json},`)

describe('a valid token', () => {
  test('yields the claims of the allow list only, in a frozen record without a prototype', async () => {
    const token = await issuer.sign(key, { secret: 'not forwarded' })
    const caller = (await subject.ask(token)) as Caller
    expect({ ...caller.claims }).toEqual({ sub: 'subject-1', scope: 'profile', name: 'Alice' })
    expect(Object.getPrototypeOf(caller.claims)).toBeNull()
    expect(Object.isFrozen(caller.claims)).toBe(true)
    expect(caller.expiresAt).toBeGreaterThan(now())
  })

  test('may have any text in it: quotes, colons and backslashes make no name of it', async () => {
    const name = '":{"sub":"x\\\\":,"__proto__":'
    const odd = { '":': 1, '\\': [{ a: '":"' }, '"a":'], ['__proto__']: 2, toString: { '': ':' } }
    const payload = { ...claims(), name, odd }
    expect(await subject.ask(forge(key, header, payload))).toMatchObject({ claims: { name } })
  })

  test('keeps numbers, arrays, and texts of any language', async () => {
    const rich = {
      level: 3.5,
      groups: ['a', 'b c', 'ü'],
      name: '山田\n"太郎" 👩‍🚀',
      address: { city: 'Köln', lines: [1, 2] },
    }
    const caller = (await subject.ask(await issuer.sign(key, rich))) as Caller
    expect(caller.claims).toMatchObject(rich)
    expect(Object.isFrozen(caller.claims!.groups)).toBe(true)
    expect(Object.isFrozen((caller.claims!.address as { lines: [] }).lines)).toBe(true)
  })

  test('may have header parameters that nobody understands (RFC 7515 section 4), as Entra ID sends `x5t`', async () => {
    const parameters = {
      x5t: 'dGh1bWI',
      'x5t#S256': 'dGh1bWI',
      cty: 'JWT',
      nonce: 'n',
      toString: 1,
    }
    for (const more of [parameters, { constructor: {} }, { 'urn:example:x': { a: [null] } }]) {
      const token = forge(key, { ...header, ...more }, claims())
      expect(await subject.ask(token)).toMatchObject({ claims: { sub: 'subject-1' } })
    }
  })

  test('may nest a claim 64 levels deep with its payload, whatever brackets its texts have', async () => {
    const brackets = '[{'.repeat(100)
    const level = JSON.parse(nested(63))
    const payload = JSON.stringify({ ...claims(), name: `${brackets}\\"${brackets}\\`, level })
    expect(await subject.ask(forge(key, header, payload))).toMatchObject({ claims: { level } })
  })

  test('cannot set a prototype: a `__proto__` claim is not forwarded', async () => {
    const payload = JSON.stringify(claims()).replace('{', '{"__proto__":{"admin":true},')
    const caller = (await subject.ask(forge(key, header, payload))) as Caller
    expect('admin' in caller.claims!).toBe(false)
    expect(Object.keys(caller.claims!)).toEqual(['sub'])
  })

  test('of a foreign issuer counts by its own rules: RS256, array audiences, `scp`, no `typ`', async () => {
    const token = await foreign.sign(
      foreignKey,
      { scope: undefined, scp: ['read', 'write all'] },
      { typ: undefined },
    )
    expect(await subject.ask(token)).toMatchObject({
      claims: { sub: 'foreign|subject-1', scope: ['read', 'write all'] },
    })
  })

  test('gives no scopes by a claim that its issuer does not use for them', async () => {
    const caller = (await subject.ask(await foreign.sign(foreignKey, { scope: 'admin' }))) as Caller
    expect(caller.claims!.scope).toBeUndefined()
  })
})

describe('refused:', () => {
  const cases: [string, string, () => string | Promise<string>][] = [
    ['a token that has expired', 'TOKEN_EXPIRED', () => issuer.sign(key, { exp: now() - 6 })],
    ['a token without `exp`', 'CLAIM_MISSING', () => issuer.sign(key, { exp: undefined as never })],
    [
      'a token whose `exp` is a text',
      'CLAIM_INVALID',
      () => forge(key, header, { ...claims(), exp: '9999999999' }),
    ],
    [
      'a token that never expires, by an infinite `exp`',
      'CLAIM_INVALID',
      () => forge(key, header, JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999')),
    ],
    [
      'a token that is not valid yet',
      'TOKEN_NOT_YET_VALID',
      () => issuer.sign(key, { nbf: now() + 60 }),
    ],
    [
      'a token issued in the future',
      'TOKEN_NOT_YET_VALID',
      () => issuer.sign(key, { iat: now() + 60 }),
    ],
    [
      'a token issued too long ago',
      'TOKEN_TOO_OLD',
      () => issuer.sign(key, { iat: now() - 90_000 }),
    ],
    ['a token without `iat`', 'CLAIM_MISSING', () => issuer.sign(key, { iat: undefined as never })],
    ['a token for another audience', 'AUDIENCE_MISMATCH', () => issuer.sign(key, { aud: 'other' })],
    [
      'a token for a list of others',
      'AUDIENCE_MISMATCH',
      () => issuer.sign(key, { aud: ['other', 'portcullis-2'] }),
    ],
    [
      'an audience that only begins like ours',
      'AUDIENCE_MISMATCH',
      () => issuer.sign(key, { aud: 'portcullis ' }),
    ],
    [
      'an audience of another type',
      'AUDIENCE_MISMATCH',
      () => forge(key, header, { ...claims(), aud: { portcullis: true } }),
    ],
    [
      'a token without an audience',
      'CLAIM_MISSING',
      () => issuer.sign(key, { aud: undefined as never }),
    ],
    [
      'a token of an unknown issuer',
      'ISSUER_UNKNOWN',
      () => issuer.sign(key, { iss: 'https://evil.example' }),
    ],
    [
      'an issuer with a slash more',
      'ISSUER_UNKNOWN',
      () => issuer.sign(key, { iss: `${issuer.issuer}/` }),
    ],
    [
      'an issuer in a list',
      'ISSUER_UNKNOWN',
      () => forge(key, header, { ...claims(), iss: [issuer.issuer] }),
    ],
    [
      'an issuer with the name of something every object has',
      'ISSUER_UNKNOWN',
      () => issuer.sign(key, { iss: '__proto__' }),
    ],
    [
      'a token without an issuer',
      'CLAIM_MISSING',
      () => issuer.sign(key, { iss: undefined as never }),
    ],
    [
      'a token without a subject',
      'CLAIM_MISSING',
      () => issuer.sign(key, { sub: undefined as never }),
    ],
    ['an empty subject', 'CLAIM_INVALID', () => issuer.sign(key, { sub: '' })],
    [
      'a subject that is a number',
      'CLAIM_INVALID',
      () => forge(key, header, { ...claims(), sub: 7 }),
    ],
    ['scopes that are no texts', 'CLAIM_INVALID', () => issuer.sign(key, { scope: ['a', 7] })],
    [
      'claims of more than 4 KB',
      'CLAIMS_TOO_LARGE',
      () => issuer.sign(key, { name: 'ü'.repeat(2_100) }),
    ],
    ['another key under a known id', 'SIGNATURE_INVALID', () => issuer.sign(otherKey)],
    [
      'a changed payload',
      'SIGNATURE_INVALID',
      async () =>
        (await issuer.sign(key)).replace(/\..*\./, `.${encode({ ...claims(), sub: 'admin' })}.`),
    ],
    ['an unknown key', 'KEY_UNKNOWN', () => issuer.sign({ ...key, keyId: 'nobody' })],
    [
      'the key of another issuer',
      'KEY_UNKNOWN',
      () => foreign.sign({ ...foreignKey, keyId: 'ours' }),
    ],
    ['no key id', 'KEY_UNKNOWN', () => forge(key, { alg: 'ES256', typ: 'at+jwt' }, claims())],
    [
      'a key id with the name of something every object has',
      'KEY_UNKNOWN',
      () => issuer.sign({ ...key, keyId: 'constructor' }),
    ],
    ['an ID token', 'TOKEN_TYPE_WRONG', () => issuer.sign(key, {}, { typ: 'JWT' })],
    [
      'no type where one is asked for',
      'TOKEN_TYPE_WRONG',
      () => issuer.sign(key, {}, { typ: undefined }),
    ],
    ['a status list', 'TOKEN_TYPE_WRONG', () => issuer.sign(key, {}, { typ: 'statuslist+jwt' })],
    [
      'an ID token of a provider that does not set the type',
      'TOKEN_TYPE_WRONG',
      () => foreign.sign(foreignKey, { nonce: 'n' }, { typ: 'JWT' }),
    ],
    [
      'a refresh token of a provider that does not set the type',
      'TOKEN_TYPE_WRONG',
      () => foreign.sign(foreignKey, { typ: 'Refresh' }, { typ: 'JWT' }),
    ],
    [
      'an algorithm that is not listed',
      'ALGORITHM_REFUSED',
      () => foreign.sign(foreignKey, { iss: issuer.issuer }),
    ],
    ['HS256 with the public key as the secret', 'ALGORITHM_REFUSED', () => hmacForgery()],
    [
      'alg none',
      'ALGORITHM_REFUSED',
      () => `${encode({ ...header, alg: 'none' })}.${encode(claims())}.`,
    ],
    [
      'alg NoNe, with a signature',
      'ALGORITHM_REFUSED',
      async () => (await issuer.sign(key)).replace(/^[^.]+/, encode({ ...header, alg: 'NoNe' })),
    ],
    [
      'an algorithm in another spelling',
      'ALGORITHM_REFUSED',
      () => forge(key, { ...header, alg: 'es256' }, claims()),
    ],
    ...['crit', 'jku', 'jwk', 'x5u', 'x5c', 'zip', 'b64'].flatMap((name) =>
      [name === 'jwk' ? otherKey.jwk : [name], null].map(
        (value): [string, string, () => string] => [
          `the header parameter ${name}: ${value === null ? 'null' : 'a value'}`,
          'HEADER_PARAMETER_REFUSED',
          () => forge(key, { ...header, [name]: value }, claims()),
        ],
      ),
    ),
    [
      'an unknown parameter that `crit` names',
      'HEADER_PARAMETER_REFUSED',
      () => forge(key, { ...header, crit: ['x5t'], x5t: 'dGh1bWI' }, claims()),
    ],
    [
      'an algorithm that is no text',
      'TOKEN_MALFORMED',
      () => forge(key, { ...header, alg: ['ES256'] }, claims()),
    ],
    ['no algorithm', 'TOKEN_MALFORMED', () => forge(key, { kid: 'ours', typ: 'at+jwt' }, claims())],
    [
      'a type that is no text',
      'TOKEN_MALFORMED',
      () => forge(key, { ...header, typ: 7 }, claims()),
    ],
    ['a header that is a list', 'TOKEN_MALFORMED', () => forge(key, [header], claims())],
    ['a header that is null', 'TOKEN_MALFORMED', () => forge(key, 'null', claims())],
    ['a payload that is a text', 'TOKEN_MALFORMED', () => forge(key, header, '"text"')],
    ['a payload that is no JSON', 'TOKEN_MALFORMED', () => forge(key, header, '{"sub":')],
    [
      'a payload that is nested deeply',
      'TOKEN_MALFORMED',
      () => forge(key, header, `{"x":${nested(2_900)}}`),
    ],
    [
      'a header that is nested deeply',
      'TOKEN_MALFORMED',
      () => forge(key, `{"x":${nested(2_900)}}`, {}),
    ],
    [
      'a claim nested one level more than is read',
      'TOKEN_MALFORMED',
      () => forge(key, header, withClaim('level', nested(64))),
    ],
    [
      'a payload with a byte order mark',
      'TOKEN_MALFORMED',
      () => forge(key, header, `\ufeff${JSON.stringify(claims())}`),
    ],
    [
      'an empty signature',
      'TOKEN_MALFORMED',
      async () => (await issuer.sign(key)).replace(/[^.]+$/, ''),
    ],
    [
      'a signature of another length',
      'SIGNATURE_INVALID',
      async () => (await issuer.sign(key)).slice(0, -6),
    ],
    [
      'an all-zero signature',
      'SIGNATURE_INVALID',
      async () => (await issuer.sign(key)).replace(/[^.]+$/, 'A'.repeat(86)),
    ],
    [
      'a header that names its algorithm twice',
      'TOKEN_MALFORMED',
      () => forge(key, '{"alg":"none","alg":"ES256","kid":"ours","typ":"at+jwt"}', claims()),
    ],
    [
      'a name twice, one of them in another spelling',
      'TOKEN_MALFORMED',
      () => forge(key, '{"\\u0061lg":"none","alg":"ES256","kid":"ours","typ":"at+jwt"}', claims()),
    ],
    [
      'a payload that names its subject twice',
      'TOKEN_MALFORMED',
      () => forge(key, header, JSON.stringify(claims()).replace('{', '{"sub":"admin",')),
    ],
    [
      'a payload with a name twice deep inside',
      'TOKEN_MALFORMED',
      () => forge(key, header, JSON.stringify(claims()).replace('{', '{"x":[{"y":1,"y":2}],')),
    ],
    [
      'a subject with half a surrogate pair',
      'CLAIM_INVALID',
      () => forge(key, header, JSON.stringify({ ...claims(), sub: '1\ud800' })),
    ],
    ['two parts', 'TOKEN_MALFORMED', () => 'a.b'],
    ['four parts', 'TOKEN_MALFORMED', async () => `${await issuer.sign(key)}.AAAA`],
    ['five parts (an encrypted token)', 'TOKEN_MALFORMED', () => 'e30.AAAA.AAAA.AAAA.AAAA'],
    ['padding', 'TOKEN_MALFORMED', async () => `${await issuer.sign(key)}==`],
    [
      'white space inside',
      'TOKEN_MALFORMED',
      async () => (await issuer.sign(key)).replace('.', '. '),
    ],
    [
      'a line break inside',
      'TOKEN_MALFORMED',
      async () => (await issuer.sign(key)).replace('.', '\n.'),
    ],
    [
      'base64 where base64url belongs',
      'TOKEN_MALFORMED',
      async () => (await issuer.sign(key)).replace(/[^.]+$/, (part) => `${part.slice(0, -1)}+`),
    ],
    [
      'bits that belong to no byte',
      'TOKEN_MALFORMED',
      async () => withTrailingBits(await issuer.sign(key)),
    ],
    ['a JWS in JSON serialization', 'TOKEN_MALFORMED', () => '{"payload":"e30","signatures":[]}'],
    ['more than 8 KB', 'TOKEN_TOO_LARGE', () => issuer.sign(key, { filler: 'x'.repeat(8_192) })],
  ]

  test.each(cases)('%s', async (_name, reason, token) => {
    expect(await subject.ask(await token())).toBe(reason)
  })

  test('a token by the keys of one issuer in the name of another', async () => {
    const token = await foreign.sign(foreignKey, { iss: issuer.issuer, aud: 'portcullis' })
    expect(await subject.ask(token)).toBe('ALGORITHM_REFUSED')
    const same = await testIssuer({ keys: [otherKey.jwk] })
    const both = testAuthenticator([issuerOptions(issuer), issuerOptions(same)])
    expect(await both.ask(await issuer.sign(otherKey))).toBe('SIGNATURE_INVALID')
    await both.close()
    await same.close()
  })
})

test('clocks may differ by the tolerance, and not by more', async () => {
  const clock = testClock()
  const tolerant = testAuthenticator([issuerOptions(issuer)], { cache: undefined }, { clock })
  const token = await issuer.sign(key, { exp: now() + 10 })
  await clock.pass(14_000)
  expect(await tolerant.ask(token)).toMatchObject({ expiresAt: expect.any(Number) })
  await clock.pass(1_000)
  expect(await tolerant.ask(token)).toBe('TOKEN_EXPIRED')
  expect(await tolerant.ask(await issuer.sign(key, { nbf: now() + 19 }))).toMatchObject({
    expiresAt: expect.any(Number),
  })
  await tolerant.close()
})

test('a refusal is logged with its reason, `jti` and `sub`, and never with the token', async () => {
  const token = await issuer.sign(key, { exp: now() - 60, jti: 'token-7', sub: 'subject-7' })
  await subject.ask(token)
  expect(subject.log.at(-1)).toMatchObject({
    msg: 'request refused',
    reason: 'TOKEN_EXPIRED',
    issuer: issuer.issuer,
    jti: 'token-7',
    sub: 'subject-7',
  })
  const log = JSON.stringify(subject.log)
  for (const part of token.split('.').slice(1)) expect(log).not.toContain(part)
})

describe('property-based', () => {
  test('no mutation of one character of a valid token is accepted', async () => {
    const token = await issuer.sign(key)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ~%'
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom(...alphabet),
        async (index, character) => {
          fc.pre(token[index] !== character)
          const mutant = token.slice(0, index) + character + token.slice(index + 1)
          expect(await subject.ask(mutant)).toEqual(expect.any(String))
        },
      ),
      { numRuns: 400 },
    )
  })

  test('no flip of one bit of header, payload or signature is accepted', async () => {
    const token = await issuer.sign(key)
    const parts = token.split('.').map((part) => Buffer.from(part, 'base64url'))
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.nat(), fc.nat(7), async (part, byte, bit) => {
        const mutant = parts.map((bytes, index) => {
          const copy = Buffer.from(bytes)
          if (index === part) copy[byte % copy.length]! ^= 1 << bit
          return copy.toString('base64url')
        })
        expect(await subject.ask(mutant.join('.'))).toEqual(expect.any(String))
      }),
      { numRuns: 400 },
    )
  })

  test('no text, removed, doubled or inserted anywhere, is accepted', async () => {
    const token = await issuer.sign(key)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length),
        fc.nat(3),
        fc.string({ maxLength: 4 }),
        async (start, removed, inserted) => {
          const mutant = token.slice(0, start) + inserted + token.slice(start + removed)
          fc.pre(mutant !== token && mutant.trim() !== token)
          expect(await subject.ask(mutant)).toEqual(expect.any(String))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('any text at all is refused with a reason, never with an unforeseen error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 80 }), async (text) => {
        expect(await outcome(subject, { authorization: [`Bearer ${text}`] })).toEqual(
          expect.any(String),
        )
      }),
      { numRuns: 300 },
    )
  })

  /** ECDSA itself accepts (r, n - s) for (r, s): the one other spelling that is left to a token. */
  test('the twin that ES256 itself allows is the same token for revocation: nothing goes by its text', async () => {
    const token = await issuer.sign(key)
    const twin = malleated(token)
    expect(twin).not.toBe(token)
    expect(await subject.ask(twin)).toMatchObject({ claims: { sub: 'subject-1' } })
  })
})

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** The classic confusion: the public key, which everybody has, as the secret of an HMAC. */
function hmacForgery(): string {
  const input = `${encode({ ...header, alg: 'HS256' })}.${encode(claims())}`
  const secret = JSON.stringify(key.jwk)
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** 64 bytes leave 4 bits of the last character unused: another character means the same bytes. */
function withTrailingBits(token: string): string {
  const last = token.at(-1)!
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet[alphabet.indexOf(last) + 1]
}

function malleated(token: string): string {
  const [head, payload, signature] = token.split('.') as [string, string, string]
  const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
  const bytes = Buffer.from(signature, 'base64url')
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const twin = (order - s).toString(16).padStart(64, '0')
  const twinned = Buffer.concat([bytes.subarray(0, 32), Buffer.from(twin, 'hex')])
  return `${head}.${payload}.${twinned.toString('base64url')}`
}
