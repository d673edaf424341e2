/** Key sets that survive trouble: a real issuer over HTTP that misbehaves in every way. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, importJWK, SignJWT } from 'jose'
import type { CryptoKey } from 'jose'
import { pino } from 'pino'
import type { IssuerOptions } from '../../gateway/authentication/issuer.ts'
import { refreshingKeySet } from '../../gateway/authentication/refreshing-key-set.ts'
import { checkGivenKeys } from '../../gateway/configuration/given-keys.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import { issuerOptions, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { testClock } from './support/test-clock.ts'
import type { TestClock } from './support/test-clock.ts'
import { json, testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer, TestKey } from './support/test-issuer.ts'

const key = await testKey('ES256', 'old')
const newKey = await testKey('ES256', 'new')
const rsaKey = await testKey('RS256', 'rsa')
const edKey = await testKey('EdDSA', 'ed')

interface Scene {
  issuer: TestIssuer
  clock: TestClock
  subject: TestAuthenticator
}

const scenes: Scene[] = []

afterEach(async () => {
  for (const { issuer, subject } of scenes.splice(0)) {
    await subject.close()
    await issuer.close()
  }
})

async function scene(
  prepare: (issuer: TestIssuer) => unknown = () => {},
  options: Partial<IssuerOptions> = {},
): Promise<Scene> {
  const issuer = await testIssuer({ keys: [key.jwk] })
  await prepare(issuer)
  const clock = testClock()
  const subject = testAuthenticator([issuerOptions(issuer, options)], {}, { clock })
  await subject.warm
  const made = { issuer, clock, subject }
  scenes.push(made)
  return made
}

const accepted = { expiresAt: expect.any(Number) }
/** The number of times that the keys were asked for. */
const fetches = ({ requests }: TestIssuer) => requests['/jwks'] ?? 0
const sign = (issuer: TestIssuer, clock: TestClock, signer: TestKey = key, jti = 'a') => {
  const now = Math.floor(clock.now() / 1_000)
  return issuer.sign(signer, { iat: now, exp: now + 300, jti })
}

describe('prefetched and refreshed in the background', () => {
  test('the keys are there before the first token, and one fetch serves all tokens', async () => {
    const { issuer, clock, subject } = await scene()
    expect(subject.ready()).toBe(true)
    for (const jti of ['a', 'b', 'c']) {
      expect(await subject.ask(await sign(issuer, clock, key, jti))).toMatchObject(accepted)
    }
    expect(fetches(issuer)).toBe(1)
  })

  test('starting does not wait for an issuer that is silent', async () => {
    const issuer = await testIssuer()
    issuer.handlers['/jwks'] = () => {}
    const started = performance.now()
    const subject = testAuthenticator([issuerOptions(issuer)])
    expect(performance.now() - started).toBeLessThan(100)
    expect(subject.unreadiness()).toEqual([`no usable keys of ${issuer.issuer}`])
    await subject.close()
    await issuer.close()
  })

  test('a set is asked for again before it gets old, without any request', async () => {
    const { issuer, clock } = await scene()
    await clock.pass(449_000)
    expect(fetches(issuer)).toBe(1)
    await clock.pass(2_000)
    await until(() => fetches(issuer) === 2)
  })

  test('an issuer may ask to be asked sooner (Cache-Control), within reason', async () => {
    const { issuer, clock } = await scene((issuer) => {
      issuer.handlers['/jwks'] = (_request, response) =>
        json(response, { keys: issuer.keys }, { 'cache-control': 'public, max-age=0' })
    })
    await clock.pass(7_000)
    expect(fetches(issuer)).toBe(1)
    await clock.pass(1_000)
    await until(() => fetches(issuer) === 2)
  })
})

describe('an unknown key id', () => {
  test('makes the gateway fetch, and a rotated key is accepted immediately', async () => {
    const { issuer, clock, subject } = await scene()
    issuer.keys = [key.jwk, newKey.jwk]
    expect(await subject.ask(await sign(issuer, clock, newKey))).toMatchObject(accepted)
    expect(fetches(issuer)).toBe(2)
  })

  test('fetches at most once per cooldown for all callers together, for any number of tokens', async () => {
    const { issuer, clock, subject } = await scene()
    const flood = async () =>
      Promise.all(
        Array.from({ length: 200 }, async (_, index) =>
          subject.ask(await sign(issuer, clock, { ...newKey, keyId: `unknown-${index}` })),
        ),
      )
    expect(new Set(await flood())).toEqual(new Set(['KEY_UNKNOWN']))
    expect(fetches(issuer)).toBe(2)
    await clock.pass(29_000)
    await flood()
    expect(fetches(issuer)).toBe(2)
    await clock.pass(1_000)
    await flood()
    expect(fetches(issuer)).toBe(3)
  })

  test('is 503 and not 401 while the issuer cannot be asked', async () => {
    const { issuer, clock, subject } = await scene()
    await issuer.goAway()
    expect(await subject.ask(await sign(issuer, clock, newKey))).toBe('KEYS_UNAVAILABLE')
  })
})

describe('another key under a known id', () => {
  const reused = { ...newKey, keyId: key.keyId }
  const reuse = (issuer: TestIssuer) => (issuer.keys = [{ ...newKey.jwk, kid: key.keyId }])

  test('makes the gateway fetch, and the new key is accepted immediately', async () => {
    const { issuer, clock, subject } = await scene()
    const old = await sign(issuer, clock)
    expect(await subject.ask(old)).toMatchObject(accepted)
    reuse(issuer)
    expect(await subject.ask(await sign(issuer, clock, reused))).toMatchObject(accepted)
    expect(await subject.ask(old)).toBe('SIGNATURE_INVALID')
    expect(fetches(issuer)).toBe(2)
  })

  test('may be of another kind', async () => {
    const { issuer, clock, subject } = await scene(undefined, { algorithms: ['ES256', 'RS256'] })
    issuer.keys = [{ ...rsaKey.jwk, kid: key.keyId }]
    const token = await sign(issuer, clock, { ...rsaKey, keyId: key.keyId })
    expect(await subject.ask(token)).toMatchObject(accepted)
  })

  test('is looked for once per cooldown, however many forged tokens flood in', async () => {
    const { issuer, clock, subject } = await scene()
    const flood = async () =>
      Promise.all(
        Array.from({ length: 100 }, async (_, index) =>
          subject.ask(await sign(issuer, clock, reused, `${index}`)),
        ),
      )
    expect(new Set(await flood())).toEqual(new Set(['SIGNATURE_INVALID']))
    expect(fetches(issuer)).toBe(2)
    reuse(issuer)
    await clock.pass(29_000)
    expect(new Set(await flood())).toEqual(new Set(['SIGNATURE_INVALID']))
    await clock.pass(1_000)
    expect((await flood()).filter((answer) => typeof answer === 'string')).toEqual([])
    expect(fetches(issuer)).toBe(3)
  })

  test('that cannot be asked for leaves the token refused, and the known key in use', async () => {
    const { issuer, clock, subject } = await scene()
    await issuer.goAway()
    expect(await subject.ask(await sign(issuer, clock, reused))).toBe('SIGNATURE_INVALID')
    expect(await subject.ask(await sign(issuer, clock))).toMatchObject(accepted)
  })
})

describe('a rotation', () => {
  test('1,000 requests across a rotation under load: no failure', async () => {
    const { issuer, clock, subject } = await scene()
    const tokens = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        sign(issuer, clock, index < 500 ? key : newKey, `token-${index}`),
      ),
    )
    const answers: unknown[] = []
    let next = 0
    const client = async () => {
      while (next < tokens.length) {
        if (next === 500) issuer.keys = [key.jwk, newKey.jwk]
        answers.push(await subject.ask(tokens[next++]))
      }
    }
    await Promise.all(Array.from({ length: 50 }, client))
    expect(answers).toHaveLength(1_000)
    expect(answers.filter((answer) => typeof answer === 'string')).toEqual([])
    expect(fetches(issuer)).toBe(2)
  })
})

describe('an issuer that cannot be reached', () => {
  test('cold: a request with a token is 503, an anonymous one goes on', async () => {
    const { issuer, clock, subject } = await scene((issuer) => issuer.goAway())
    expect(await subject.ask(await sign(issuer, clock))).toBe('KEYS_UNAVAILABLE')
    expect(await subject.ask()).toMatchObject({ claims: null })
    expect(subject.ready()).toBe(false)
  })

  test('cold: the first keys are tried again after 1, 2, 4 ... 30 seconds, whatever is asked meanwhile', async () => {
    const clock = testClock()
    const attempts: number[] = []
    const keys = refreshingKeySet(
      { maxAge: 600_000, staleFor: 0, cooldown: 30_000 },
      {
        issuer: 'https://id.example.com',
        source: async () => {
          attempts.push(clock.now())
          throw new Error('down')
        },
        algorithms: ['ES256'],
        symmetric: false,
        keyIdRequired: true,
        clock,
        log: pino({ level: 'silent' }),
      },
    )
    await keys.firstAttempt
    for (let second = 0; second < 100; second++) {
      await expect(keys.find({ keyId: 'any', algorithm: 'ES256' })).rejects.toThrow(GatewayError)
      await clock.pass(1_000)
    }
    const waits = attempts.slice(1).map((at, index) => (at - attempts[index]!) / 1_000)
    expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30])
    keys.close()
  })

  test('cold, then back: tokens are accepted as soon as the keys are there', async () => {
    const { issuer, clock, subject } = await scene((issuer) => issuer.goAway())
    await issuer.comeBack()
    await clock.pass(1_000)
    await until(() => subject.ready())
    expect(await subject.ask(await sign(issuer, clock))).toMatchObject(accepted)
  })

  test('the last good keys serve for 24 hours after they got old, and no longer', async () => {
    const { issuer, clock, subject } = await scene()
    await issuer.goAway()
    await clock.pass(24 * 3_600_000)
    expect(await subject.ask(await sign(issuer, clock))).toMatchObject(accepted)
    await clock.pass(599_000)
    const remembered = await sign(issuer, clock, key, 'remembered')
    expect(await subject.ask(remembered)).toMatchObject(accepted)
    await clock.pass(2_000)
    expect(await subject.ask(await sign(issuer, clock, key, 'c'))).toBe('KEYS_UNAVAILABLE')
    expect(await subject.ask(remembered)).toBe('KEYS_UNAVAILABLE')
  })

  test('one that is slow is given up after the timeout', async () => {
    const { issuer, clock, subject } = await scene(
      (issuer) => (issuer.handlers['/jwks'] = () => {}),
      { keySet: { maxAge: 600_000, staleFor: 0, cooldown: 30_000, timeout: 100 } },
    )
    expect(subject.log.at(-1)).toMatchObject({ cause: 'no response within 100 ms' })
    expect(await subject.ask(await sign(issuer, clock))).toBe('KEYS_UNAVAILABLE')
  })

  test('one that drips its response is a timeout, too', async () => {
    const { subject } = await scene(
      (issuer) => {
        issuer.handlers['/jwks'] = (_request, response) => {
          response.writeHead(200, { 'content-type': 'application/json' })
          const drip = setInterval(() => response.write(' '), 20)
          void once(response, 'close').then(() => clearInterval(drip))
        }
      },
      { keySet: { maxAge: 600_000, staleFor: 0, cooldown: 30_000, timeout: 150 } },
    )
    expect(subject.log.at(-1)).toMatchObject({ cause: 'no response within 150 ms' })
  })
})

describe('odd, but right:', () => {
  const folder = scratchFolder()

  test.each<[string, Record<string, string>, string]>([
    ['a byte order mark', {}, '\ufeff'],
    ['a content coding that is none', { 'content-encoding': 'Identity' }, ''],
  ])('%s', async (_name, headers, before) => {
    const { subject, issuer } = await scene((issuer) => {
      issuer.handlers['/jwks'] = (_request, response) =>
        response
          .writeHead(200, { 'content-type': 'application/json', ...headers })
          .end(before + JSON.stringify({ keys: [key.jwk] }))
    })
    expect(await subject.ask(await issuer.sign(key))).toMatchObject(accepted)
  })

  test('a byte order mark in a file', async () => {
    const path = join(folder, 'keys.json')
    writeFileSync(path, `\ufeff${JSON.stringify({ keys: [key.jwk] })}`)
    const { subject, issuer } = await scene(() => {}, { keys: { kind: 'file', path } })
    expect(await subject.ask(await issuer.sign(key))).toMatchObject(accepted)
    const problems: string[] = []
    const keys = { kind: 'file', path } as const
    const rules = { keys, algorithms: ['ES256'], requireKeyId: true }
    checkGivenKeys([rules], (_path, message) => problems.push(message))
    expect(problems).toEqual([])
  })
})

describe('wrong content is refused, and the last good set kept:', () => {
  test.each<[string, (issuer: TestIssuer) => void, string]>([
    [
      'HTML with status 200',
      ({ handlers }) =>
        (handlers['/jwks'] = (_request, response) =>
          response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Login</h1>')),
      'a body of the type text/html',
    ],
    [
      'JSON with an error status',
      ({ handlers }) =>
        (handlers['/jwks'] = (_request, response) =>
          response.writeHead(503, { 'content-type': 'application/json' }).end('{}')),
      'HTTP status 503',
    ],
    [
      'a redirect',
      (issuer) => {
        issuer.handlers['/jwks'] = (_request, response) =>
          response.writeHead(302, { location: '/elsewhere' }).end()
        issuer.handlers['/elsewhere'] = (_request, response) => json(response, { keys: [] })
      },
      'HTTP status 302',
    ],
    [
      'a body of more than 512 KB',
      ({ handlers }) =>
        (handlers['/jwks'] = (_request, response) =>
          json(response, { keys: [], padding: 'x'.repeat(524_288) })),
      'a body of more than 524288 bytes',
    ],
    [
      'an endless body',
      ({ handlers }) =>
        (handlers['/jwks'] = (_request, response) => {
          response.writeHead(200, { 'content-type': 'application/json' })
          const flood = () => {
            while (!response.destroyed && response.write('x'.repeat(16_384)));
          }
          response.on('drain', flood)
          flood()
        }),
      'a body of more than 524288 bytes',
    ],
    [
      'a compressed body',
      ({ handlers }) =>
        (handlers['/jwks'] = (_request, response) =>
          json(response, { keys: [] }, { 'content-encoding': 'gzip' })),
      'a body with a content encoding',
    ],
    [
      'two keys with one id',
      (issuer) => (issuer.keys = [key.jwk, { ...newKey.jwk, kid: 'old' }]),
      'two keys with one id',
    ],
    [
      'something that is not a key set',
      ({ handlers }) => (handlers['/jwks'] = (_request, response) => json(response, [key.jwk])),
      'not a JWK Set',
    ],
    [
      'broken JSON',
      ({ handlers }) =>
        (handlers['/jwks'] = (_request, response) =>
          response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys": [')),
      'a document that is not JSON',
    ],
    [
      'JSON that is nested deeply',
      ({ handlers }) =>
        (handlers['/jwks'] = (_request, response) =>
          response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(`{"keys":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)),
      'a document nested more than 64 levels deep',
    ],
    [
      'a connection that breaks off',
      ({ handlers }) => (handlers['/jwks'] = (_request, response) => response.destroy()),
      'UND_ERR_SOCKET',
    ],
  ])('%s', async (_name, misbehave, cause) => {
    const { issuer, clock, subject } = await scene()
    misbehave(issuer)
    await clock.pass(451_000)
    await until(() => subject.log.some((line) => line.cause === cause))
    expect(issuer.requests['/elsewhere']).toBeUndefined()
    expect(await subject.ask(await sign(issuer, clock))).toMatchObject(accepted)
  })
})

describe('keys of a set', () => {
  const accepts = async (jwk: object, signer: TestKey, options: Partial<IssuerOptions> = {}) => {
    const { issuer, clock, subject } = await scene(
      (issuer) => void (issuer.keys = [jwk, newKey.jwk] as TestIssuer['keys']),
      { algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA'], ...options },
    )
    const answer = await subject.ask(await sign(issuer, clock, signer))
    const why = subject.log.find((line) => 'why' in line)?.why
    return { answer: typeof answer === 'string' ? answer : 'accepted', why }
  }

  test('without `alg`, a key is accepted by its type', async () => {
    const { alg: _none, ...jwk } = rsaKey.jwk as { alg?: string }
    expect((await accepts(jwk, rsaKey)).answer).toBe('accepted')
    // WebCrypto binds an RSA key to one scheme: the same key for the other.
    const privateJwk = { ...(await exportJWK(rsaKey.privateKey)), alg: 'PS256' }
    const privateKey = (await importJWK(privateJwk)) as CryptoKey
    const signer = { ...rsaKey, algorithm: 'PS256', privateKey }
    expect((await accepts(jwk, signer)).answer).toBe('accepted')
  })

  test('with `alg`, a key is good for that algorithm alone', async () => {
    const jwk = { ...rsaKey.jwk, alg: 'PS256' }
    expect((await accepts(jwk, rsaKey)).answer).toBe('ALGORITHM_REFUSED')
  })

  test('`use` and `key_ops` are respected', async () => {
    const encryption = { ...key.jwk, use: 'enc' }
    expect(await accepts(encryption, key)).toEqual({
      answer: 'KEY_UNKNOWN',
      why: 'not for signatures',
    })
    const { use: _use, ...unmarked } = key.jwk
    expect((await accepts({ ...unmarked, key_ops: ['encrypt'] }, key)).why).toBe(
      'not for verifying',
    )
    expect((await accepts({ ...unmarked, key_ops: ['verify'] }, key)).answer).toBe('accepted')
  })

  test('an unknown algorithm is passed over with a warning, and the others serve', async () => {
    const strange = { kty: 'AKP', alg: 'ML-DSA-99', kid: 'strange', pub: 'AAAA' }
    const { why } = await accepts(strange, key)
    expect(why).toBe('is for none of the accepted algorithms')
    expect((await accepts(strange, newKey)).answer).toBe('accepted')
  })

  test('a symmetric key in a published set is ignored', async () => {
    const secret = { kty: 'oct', kid: 'secret', k: 'A'.repeat(43) }
    expect((await accepts(secret, newKey)).why).toBe(
      'a shared key is not accepted from a published set',
    )
  })

  test('of more than 50 the first 50 are used, which is said once', async () => {
    const keys = Array.from({ length: 60 }, (_, index) => ({ ...key.jwk, kid: `key-${index}` }))
    const { issuer, clock, subject } = await scene((issuer) => void (issuer.keys = keys))
    const ask = async (keyId: string) =>
      subject.ask(await sign(issuer, clock, { ...key, keyId }, keyId))
    expect(await ask('key-0')).toMatchObject(accepted)
    expect(await ask('key-49')).toMatchObject(accepted)
    expect(await ask('key-50')).toBe('KEY_UNKNOWN')
    await clock.pass(451_000)
    await until(() => fetches(issuer) === 3)
    await until(async () => typeof (await ask('key-1')) === 'object')
    expect(subject.log.filter(({ msg }) => String(msg).includes('passed over'))).toEqual([
      expect.objectContaining({ why: 'after the first 50 of 60 is not used' }),
    ])
  })

  test('a set of fifty RSA keys with their certificates is read', async () => {
    const x5c = ['x'.repeat(4_000), 'y'.repeat(4_000)]
    const keys = Array.from({ length: 49 }, (_, index) => ({
      ...rsaKey.jwk,
      kid: `${index}`,
      x5c,
    }))
    const { issuer, clock, subject } = await scene(
      (issuer) => void (issuer.keys = [...keys, key.jwk]),
    )
    expect(await subject.ask(await sign(issuer, clock))).toMatchObject(accepted)
  })

  test('one key twice is one key', async () => {
    expect(await accepts(newKey.jwk, newKey)).toEqual({ answer: 'accepted', why: undefined })
  })

  test('an RSA key below 2048 bits is refused', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const weak = { ...publicKey.export({ format: 'jwk' }), kid: 'rsa' }
    expect(await accepts(weak, rsaKey)).toEqual({
      answer: 'KEY_UNKNOWN',
      why: 'is shorter than 2048 bits',
    })
  })

  test('a private key in a published set is refused', async () => {
    const leaked = { ...(await exportJWK(key.privateKey)), kid: 'old' }
    expect((await accepts(leaked, key)).why).toBe('is a private key: it must never be published')
  })

  test('a point that is not on its curve, and a key without an id, are passed over', async () => {
    expect((await accepts({ ...key.jwk, x: key.jwk.y }, key)).why).toBe('is not a valid key')
    const { kid: _kid, ...nameless } = key.jwk
    expect((await accepts(nameless, key)).why).toBe('has no id')
  })

  test('EdDSA goes under both of its names, in tokens, keys and the configuration', async () => {
    for (const [named, algorithms] of [
      ['EdDSA', ['Ed25519']],
      ['Ed25519', ['EdDSA']],
    ] as const) {
      const jwk = { ...edKey.jwk, alg: named === 'EdDSA' ? 'Ed25519' : 'EdDSA' }
      const signer = { ...edKey, algorithm: named }
      expect((await accepts(jwk, signer, { algorithms })).answer).toBe('accepted')
    }
  })

  test.each<[string, number, string | undefined, string]>([
    ['HS256', 32, undefined, 'accepted'],
    ['HS256', 31, 'is shorter than 32 bytes', 'KEY_UNKNOWN'],
    ['HS384', 48, undefined, 'accepted'],
    ['HS384', 47, 'is shorter than 48 bytes', 'KEY_UNKNOWN'],
    ['HS512', 64, undefined, 'accepted'],
    ['HS512', 63, 'is shorter than 64 bytes', 'KEY_UNKNOWN'],
  ])('a secret for %s of %i bytes (RFC 7518 section 3.2)', async (alg, bytes, why, expected) => {
    for (const named of [{ alg }, {}]) {
      const { answer, log } = await judgeShared([alg], alg, bytes, named)
      expect(answer).toBe(expected)
      expect(log.find((line) => 'why' in line)?.why).toBe(why)
    }
  })

  test('a secret that is long enough for one of the algorithms is used for that one only', async () => {
    const both = ['HS256', 'HS512']
    expect((await judgeShared(both, 'HS256', 40)).answer).toBe('accepted')
    expect((await judgeShared(both, 'HS512', 40)).answer).toBe('ALGORITHM_REFUSED')
    expect((await judgeShared(both, 'HS512', 64)).answer).toBe('accepted')
  })

  /** What becomes of a token that is signed with a secret of that length. */
  async function judgeShared(algorithms: string[], alg: string, bytes: number, named = {}) {
    const issuer = await testIssuer()
    const secret = Buffer.alloc(bytes, 'secret')
    const jwk = { kty: 'oct', kid: 'shared', k: secret.toString('base64url'), ...named }
    const document = { keys: [jwk] }
    const subject = testAuthenticator([
      issuerOptions(issuer, { algorithms, keys: { kind: 'inline', document } }),
    ])
    await subject.warm
    const now = Math.floor(Date.now() / 1_000)
    const claims = { iss: issuer.issuer, aud: 'portcullis', sub: 'a', iat: now, exp: now + 60 }
    const input = [{ alg, kid: 'shared', typ: 'at+jwt' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const hash = alg.replace('HS', 'sha')
    const signature = createHmac(hash, secret).update(input).digest('base64url')
    const answer = await subject.ask(`${input}.${signature}`)
    await subject.close()
    await issuer.close()
    return { answer: typeof answer === 'string' ? answer : 'accepted', log: subject.log }
  }

  test('the secret of an HS issuer comes from the configuration, and is long enough', async () => {
    const issuer = await testIssuer()
    const document = { keys: [{ kty: 'oct', kid: 'shared', k: 'c2VjcmV0'.repeat(6) }] }
    const subject = testAuthenticator([
      issuerOptions(issuer, { algorithms: ['HS256'], keys: { kind: 'inline', document } }),
    ])
    const now = Math.floor(Date.now() / 1_000)
    const token = await new SignJWT({ iss: issuer.issuer, aud: 'portcullis', sub: 'a' })
      .setProtectedHeader({ alg: 'HS256', kid: 'shared', typ: 'at+jwt' })
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(Buffer.from('c2VjcmV0'.repeat(6), 'base64url'))
    expect(await subject.ask(token)).toMatchObject(accepted)
    await subject.close()
    await issuer.close()
  })
})

describe('discovery', () => {
  const discover = async (
    path: string,
    metadata: (issuer: TestIssuer) => unknown,
    at = `${path}/.well-known/openid-configuration`,
  ) => {
    const issuer = await testIssuer({ keys: [key.jwk], path })
    issuer.handlers[at] = (_request, response) => json(response, metadata(issuer))
    const clock = testClock()
    const subject = testAuthenticator(
      [issuerOptions(issuer, { keys: { kind: 'discovery' } })],
      {},
      { clock },
    )
    scenes.push({ issuer, clock, subject })
    await subject.warm
    return { issuer, clock, subject, answer: await subject.ask(await sign(issuer, clock)) }
  }
  const ours = ({ issuer, jwksUri }: TestIssuer) => ({ issuer, jwks_uri: jwksUri })

  test('finds the keys in the OpenID Connect metadata', async () => {
    expect((await discover('/tenant', ours)).answer).toMatchObject(accepted)
  })

  test('finds the keys in the RFC 8414 metadata, whose path comes after the well-known part', async () => {
    const at = '/.well-known/oauth-authorization-server/tenant'
    expect((await discover('/tenant', ours, at)).answer).toMatchObject(accepted)
  })

  test('metadata that names another issuer is refused', async () => {
    const { answer, subject } = await discover('', (issuer) => ({
      ...ours(issuer),
      issuer: `${issuer.issuer}/`,
    }))
    expect(answer).toBe('KEYS_UNAVAILABLE')
    expect(subject.log[0]).toMatchObject({ cause: 'metadata of another issuer' })
  })

  test.each([
    ['http://id.example.com/jwks', 'expected https'],
    ['file:///etc/passwd', 'expected an https URL'],
    ['https://user:secret@id.example.com/jwks', 'must not hold credentials'],
    [undefined, 'metadata without jwks_uri'],
  ])('keys at %s are refused', async (address, cause) => {
    const { answer, subject } = await discover('', ({ issuer }) => ({ issuer, jwks_uri: address }))
    expect(answer).toBe('KEYS_UNAVAILABLE')
    expect(subject.log[0]?.cause).toContain(cause)
  })

  test('keys that have moved are found again', async () => {
    const { issuer, clock, subject } = await discover('', ours)
    issuer.handlers['/jwks'] = (_request, response) => response.writeHead(404).end()
    issuer.handlers['/.well-known/openid-configuration'] = (_request, response) =>
      json(response, { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/moved` })
    issuer.handlers['/moved'] = (_request, response) => json(response, { keys: [newKey.jwk] })
    await clock.pass(451_000)
    await until(() => subject.log.some((line) => line.cause === 'HTTP status 404'))
    await clock.pass(1_000)
    await until(() => issuer.requests['/moved'] === 1)
    await until(
      async () => typeof (await subject.ask(await sign(issuer, clock, newKey))) === 'object',
    )
  })
})
