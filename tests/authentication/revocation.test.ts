/** Revocation: status lists and the not-before policy of a real issuer, read in the background. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import type { JWTPayload } from 'jose'
import type { KeyPlace } from '../../gateway/authentication/key-source.ts'
import type { RevocationOptions } from '../../gateway/authentication/revocation/issuer-revocation.ts'
import { documentFetcher } from '../../gateway/authentication/fetch-document.ts'
import { sharedDocuments } from '../../gateway/authentication/shared-documents.ts'
import { readStatusList, statusList } from '../../gateway/authentication/revocation/status-list.ts'
import { until } from '../support/until.ts'
import { issuerOptions, testAuthenticator } from './support/test-authenticator.ts'
import { testClock } from './support/test-clock.ts'
import { json, testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer } from './support/test-issuer.ts'
import { publishRevocation } from './support/test-revocation.ts'
import type { TestRevocation } from './support/test-revocation.ts'

const key = await testKey('ES256', 'ours')
const foreignKey = await testKey('RS256', 'foreign')
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

interface SceneOptions extends Partial<RevocationOptions> {
  prepare?: (issuer: TestIssuer, revocation: TestRevocation) => unknown
  signer?: typeof key
  bits?: 1 | 2 | 4 | 8
  keys?: KeyPlace
  /** Configures the address below which the lists are, instead of the list itself. */
  below?: boolean
}

function revocationOptions(revocation: TestRevocation): RevocationOptions {
  return {
    statusLists: [revocation.listUri],
    notBefore: revocation.notBeforeUri,
    refresh: 5_000,
    staleFor: 300_000,
    whenStale: 'refuse',
    required: false,
    timeout: 30_000,
  }
}

/** The lists are below an address, wherever they are listed. */
function belowOptions({ listUri }: TestRevocation): Partial<RevocationOptions> {
  return { statusLists: [listUri.replace(/1$/, '')], notBefore: undefined }
}

async function scene({ prepare, signer = key, bits = 1, keys, ...given }: SceneOptions = {}) {
  const issuer = await testIssuer({ keys: [signer.jwk] })
  const revocation = publishRevocation(issuer, signer, { bits })
  await prepare?.(issuer, revocation)
  const { below, ...options } = { ...given, ...(given.below ? belowOptions(revocation) : {}) }
  const clock = testClock()
  const subject = testAuthenticator(
    [
      issuerOptions(issuer, {
        algorithms: [signer.algorithm],
        revocation: {
          ...revocationOptions(revocation),
          ...options,
        },
        ...(keys ? { keys } : {}),
      }),
    ],
    {},
    { clock },
  )
  closers.push(subject.close, issuer.close)
  await subject.warm
  const token = (index: number, claims: JWTPayload = {}) =>
    issuer.sign(signer, {
      exp: Math.floor(clock.now() / 1_000) + 3_000,
      jti: `token-${index}`,
      status: { status_list: { idx: index, uri: revocation.listUri } },
      ...claims,
    })
  return { issuer, revocation, clock, subject, token }
}

const accepted = { expiresAt: expect.any(Number) }

describe('a status list', () => {
  test('one bit a token says whether it is revoked, also for a token that is remembered', async () => {
    const { revocation, clock, subject, token } = await scene()
    const [good, bad] = [await token(6), await token(7)]
    expect(await subject.ask(bad)).toMatchObject(accepted)
    revocation.revoke(7)
    await clock.pass(5_000)
    await until(async () => (await subject.ask(bad)) === 'TOKEN_REVOKED')
    expect(await subject.ask(good)).toMatchObject(accepted)
  })

  test('is asked for every 5 seconds, and not sent again while it has not changed', async () => {
    const { revocation, clock, subject } = await scene()
    for (let round = 1; round <= 3; round++) {
      await clock.pass(5_000)
      await until(() => clock.planned() === 3)
      expect(revocation.answers.unchanged).toBe(2 * round)
    }
    expect(revocation.answers.sent).toBe(2)
    expect(subject.log.filter(({ level }) => Number(level) >= 40)).toEqual([])
  })

  test('of a foreign issuer works the same way', async () => {
    const { revocation, subject, token } = await scene({
      signer: foreignKey,
      prepare: (_issuer, revocation) => {
        revocation.revoke(3)
        revocation.claims = { iss: undefined, ttl: undefined, exp: undefined }
      },
      notBefore: undefined,
    })
    expect(await subject.ask(await token(3))).toBe('TOKEN_REVOKED')
    expect(await subject.ask(await token(4))).toMatchObject(accepted)
    expect(revocation.answers.sent).toBe(1)
  })

  test('may have two bits a token: suspended is refused like revoked', async () => {
    const { subject, token } = await scene({
      bits: 2,
      prepare: (_issuer, revocation) => revocation.revoke(5, 2),
    })
    expect(await subject.ask(await token(5))).toBe('TOKEN_REVOKED')
    expect(await subject.ask(await token(4))).toMatchObject(accepted)
    expect(await subject.ask(await token(6))).toMatchObject(accepted)
  })

  test('that a token names below a configured address is found at first use', async () => {
    const { revocation, subject, token } = await scene({
      prepare: (_issuer, revocation) => revocation.revoke(9),
      statusLists: [],
      notBefore: undefined,
    })
    // Without a configured list, the claim is not looked at.
    expect(await subject.ask(await token(9))).toMatchObject(accepted)
    const below = await scene({
      prepare: (_issuer, revocation) => revocation.revoke(9),
    })
    expect(below.revocation.listUri.endsWith('/status-lists/1')).toBe(true)
    const prefixed = await scenePrefixed()
    expect(await prefixed.subject.ask(await prefixed.token(9))).toBe('TOKEN_REVOKED')
    expect(await prefixed.subject.ask(await prefixed.token(8))).toMatchObject(accepted)
    expect(revocation.answers.sent).toBe(0)
  })

  test('at an address that is not configured refuses the token', async () => {
    const { subject, token } = await scene()
    const elsewhere = { status: { status_list: { idx: 1, uri: 'http://127.0.0.1:1/list' } } }
    expect(await subject.ask(await token(1, elsewhere))).toBe('CLAIM_INVALID')
  })

  test.each([
    ['is no record', 'yes'],
    ['has no index', { status_list: { uri: 'x' } }],
    ['has a negative index', { status_list: { idx: -1, uri: 'x' } }],
    ['has a broken index', { status_list: { idx: 1.5, uri: 'x' } }],
    ['has an index as a text', { status_list: { idx: '1', uri: 'x' } }],
    ['is null', null],
  ])('a status claim that %s refuses the token', async (_name, status) => {
    const { subject, token } = await scene()
    expect(await subject.ask(await token(1, { status }))).toBe('CLAIM_INVALID')
  })

  test('an index past the end of the list refuses the token', async () => {
    const { subject, token } = await scene()
    expect(await subject.ask(await token(2 ** 20))).toBe('TOKEN_REVOKED')
  })

  test('a token without a status is accepted, unless one is required', async () => {
    const { subject, token } = await scene()
    expect(await subject.ask(await token(1, { status: undefined }))).toMatchObject(accepted)
    const strict = await scene({ required: true })
    expect(await strict.subject.ask(await strict.token(1, { status: undefined }))).toBe(
      'CLAIM_MISSING',
    )
  })
})

/** Lists are known by the folder that they are in. */
async function scenePrefixed() {
  const issuer = await testIssuer({ keys: [key.jwk] })
  const revocation = publishRevocation(issuer, key)
  revocation.revoke(9)
  const subject = testAuthenticator([
    issuerOptions(issuer, {
      revocation: {
        statusLists: [revocation.listUri.replace(/1$/, '')],
        notBefore: undefined,
        refresh: 5_000,
        staleFor: 300_000,
        whenStale: 'refuse',
        required: false,
        timeout: 30_000,
      },
    }),
  ])
  closers.push(subject.close, issuer.close)
  const token = (index: number) =>
    issuer.sign(key, {
      jti: `${index}`,
      status: { status_list: { idx: index, uri: revocation.listUri } },
    })
  return { subject, token }
}

describe('a not-before policy', () => {
  const now = () => Math.floor(Date.now() / 1_000)

  test('revokes the tokens of a subject that were issued before it: log out everywhere', async () => {
    const { revocation, clock, subject, token } = await scene()
    const before = await token(1, { iat: now() - 10 })
    const after = await token(2, { iat: now() })
    const other = await token(3, { iat: now() - 10, sub: 'somebody else' })
    expect(await subject.ask(before)).toMatchObject(accepted)
    revocation.subjects.set('subject-1', now() - 5)
    await clock.pass(5_000)
    await until(async () => (await subject.ask(before)) === 'TOKEN_REVOKED')
    expect(await subject.ask(after)).toMatchObject(accepted)
    expect(await subject.ask(other)).toMatchObject(accepted)
  })

  test('by the second revokes the tokens that were issued in it, too', async () => {
    const at = now()
    const { subject, token } = await scene({
      prepare: (_issuer, revocation) => revocation.subjects.set('subject-1', at),
    })
    expect(await subject.ask(await token(1, { iat: at }))).toBe('TOKEN_REVOKED')
    expect(await subject.ask(await token(2, { iat: at + 1 }))).toMatchObject(accepted)
  })

  test('by generation is exact, and decides alone', async () => {
    const at = now()
    const { subject, token } = await scene({
      prepare: (_issuer, revocation) => {
        revocation.subjects.set('subject-1', at)
        revocation.generations.set('subject-1', 3)
      },
    })
    const answers = [
      await subject.ask(await token(1, { iat: at, gen: 2 })),
      await subject.ask(await token(2, { iat: at + 1, gen: 2 })),
      await subject.ask(await token(3, { iat: at + 1 })),
      await subject.ask(await token(4, { iat: at + 1, gen: '3' })),
    ]
    expect(answers).toEqual(Array(4).fill('TOKEN_REVOKED'))
    expect(await subject.ask(await token(5, { iat: at, gen: 3 }))).toMatchObject(accepted)
    expect(await subject.ask(await token(6, { iat: at, gen: 4 }))).toMatchObject(accepted)
  })

  test('revokes all tokens of a key, whatever the key set says', async () => {
    const { revocation, clock, subject, token } = await scene()
    const stolen = await token(1)
    revocation.keys.add('ours')
    // The document itself is signed with it here: what counts is what it says.
    await clock.pass(5_000)
    await until(async () => (await subject.ask(stolen)) === 'TOKEN_REVOKED')
  })

  test('works for a subject that is named like something every object has', async () => {
    const { subject, token } = await scene({
      prepare: (_issuer, revocation) =>
        revocation.subjects.set('__proto__', now() + 5).set('toString', now() + 5),
    })
    expect(await subject.ask(await token(1, { sub: 'toString' }))).toBe('TOKEN_REVOKED')
    expect(await subject.ask(await token(2, { sub: 'valueOf' }))).toMatchObject(accepted)
  })
})

describe('a document that is not what it should be is not used:', () => {
  test.each<[string, (issuer: TestIssuer, revocation: TestRevocation) => unknown, string]>([
    [
      'one for another address',
      (_i, r) => (r.claims = { sub: 'https://other' }),
      'another address',
    ],
    ['one of another issuer', (_i, r) => (r.claims = { iss: 'https://other' }), 'another issuer'],
    ['one that has expired', (_i, r) => (r.claims = { exp: 1 }), 'it has expired'],
    ['one of another type', (_i, r) => (r.type = 'JWT'), 'another type'],
    ['an access token', (_i, r) => (r.type = 'at+jwt'), 'another type'],
    ['one without `iat`', (_i, r) => (r.claims = { iat: undefined }), 'when it was made'],
    [
      'one signed with another key',
      async (_i, r) => (r.signer = await testKey('ES256', 'ours')),
      'signature verification failed',
    ],
    [
      'one signed with an unknown key',
      async (_i, r) => (r.signer = await testKey('ES256', 'nobody')),
      'unknown key',
    ],
    [
      'one signed with another algorithm',
      (_i, r) => (r.signer = foreignKey),
      'algorithm is not accepted',
    ],
    [
      'JSON',
      (i) => (i.handlers['/status-lists/1'] = (_q, response) => json(response, {})),
      'application/json',
    ],
    [
      'a list of another form',
      (_i, r) => (r.claims = { status_list: { bits: 3, lst: '' } }),
      '8 bits',
    ],
    [
      'a list that cannot be decompressed',
      (_i, r) => (r.claims = { status_list: { bits: 1, lst: 'AAAA' } }),
      'decompressed',
    ],
    [
      'a list that inflates to more than 1 MB',
      (_i, r) =>
        (r.claims = {
          status_list: {
            bits: 1,
            lst: deflateSync(Buffer.alloc(2 ** 20 + 1)).toString('base64url'),
          },
        }),
      'decompressed',
    ],
  ])('%s', async (_name, prepare, cause) => {
    const { subject, token } = await scene({ prepare, notBefore: undefined })
    expect(await subject.ask(await token(1))).toBe('REVOCATION_UNAVAILABLE')
    expect(subject.log.map((line) => line.cause).join()).toContain(cause)
  })

  test('but not one with another key that the issuer has under a known id by now', async () => {
    const other = await testKey('ES256', key.keyId)
    const { issuer, revocation, clock, subject, token } = await scene()
    issuer.keys = [other.jwk]
    revocation.signer = other
    revocation.revoke(1)
    await clock.pass(5_000)
    await until(() => issuer.requests['/jwks'] === 2)
    const revoked = await issuer.sign(other, {
      exp: Math.floor(clock.now() / 1_000) + 3_000,
      status: { status_list: { idx: 1, uri: revocation.listUri } },
    })
    await until(async () => (await subject.ask(revoked)) === 'TOKEN_REVOKED')
    expect(await subject.ask(await token(1))).toBe('SIGNATURE_INVALID')
  })

  test('and the last good one counts on', async () => {
    const { revocation, clock, subject, token } = await scene({
      prepare: (_issuer, revocation) => revocation.revoke(1),
    })
    revocation.claims = { sub: 'https://other' }
    await clock.pass(5_000)
    await until(() => subject.log.some((line) => String(line.cause).includes('another address')))
    expect(await subject.ask(await token(1))).toBe('TOKEN_REVOKED')
    expect(await subject.ask(await token(2))).toMatchObject(accepted)
  })
})

describe('the lists that an issuer publishes', () => {
  const listed = (uris: unknown) => (issuer: TestIssuer, _revocation?: TestRevocation) => {
    issuer.handlers['/status-lists/'] = (_request, response) =>
      json(response, { status_lists: uris })
  }
  const publishing = (issuer: TestIssuer, revocation: TestRevocation) => {
    revocation.revoke(1)
    listed([revocation.listUri])(issuer)
  }

  test('are there before the first token: it is judged although the issuer has gone', async () => {
    const { issuer, subject, token } = await scene({ below: true, prepare: publishing })
    expect(issuer.requests['/status-lists/1']).toBe(1)
    const [bad, good] = [await token(1), await token(2)]
    await issuer.goAway()
    expect(await subject.ask(bad)).toBe('TOKEN_REVOKED')
    expect(await subject.ask(good)).toMatchObject(accepted)
  })

  test('count for readiness', async () => {
    const { revocation, subject, clock } = await scene({
      below: true,
      prepare: (issuer, revocation) => {
        publishing(issuer, revocation)
        revocation.claims = { sub: 'https://other' }
      },
    })
    expect(subject.unreadiness()).toEqual([`nothing usable from ${revocation.listUri}`])
    revocation.claims = {}
    await until(async () => {
      await clock.pass(1_000)
      return subject.ready()
    })
  })

  test('are found later, when one more is published', async () => {
    const { issuer, revocation, subject, clock, token } = await scene({
      below: true,
      prepare: listed([]),
    })
    expect(subject.ready()).toBe(true)
    publishing(issuer, revocation)
    await until(async () => {
      await clock.pass(5_000)
      return issuer.requests['/status-lists/1'] === 1
    })
    await until(() => subject.ready())
    await issuer.goAway()
    expect(await subject.ask(await token(1))).toBe('TOKEN_REVOKED')
  })

  test('are found where the metadata say (status_list_aggregation_endpoint)', async () => {
    const { issuer } = await scene({
      below: true,
      keys: { kind: 'discovery' },
      prepare: (issuer, { listUri }) => {
        issuer.handlers['/lists'] = (_request, response) =>
          json(response, { status_lists: [listUri] })
        issuer.handlers['/.well-known/openid-configuration'] = (_request, response) =>
          json(response, {
            issuer: issuer.issuer,
            jwks_uri: issuer.jwksUri,
            status_list_aggregation_endpoint: `${issuer.issuer}/lists`,
          })
      },
    })
    expect(issuer.requests['/status-lists/1']).toBe(1)
    expect(issuer.requests['/status-lists/']).toBeUndefined()
  })

  test.each<[string, (issuer: TestIssuer) => void]>([
    ['an address with nothing there', () => {}],
    [
      'an HTML page',
      ({ handlers }) =>
        (handlers['/status-lists/'] = (_request, response) =>
          response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Lists</h1>')),
    ],
    ['something else', listed('none')],
    ['addresses that are not configured', listed(['https://elsewhere.example/status-lists/1'])],
    [
      'JSON that is nested deeply',
      listed(JSON.parse('['.repeat(500) + ']'.repeat(500)) as unknown),
    ],
  ])(
    'may be unknown, unless the configuration says where they are listed: %s',
    async (_name, prepare) => {
      const { subject, issuer, token } = await scene({ below: true, prepare })
      expect(subject.ready()).toBe(true)
      expect(await subject.ask(await token(2))).toMatchObject(accepted)
      expect(issuer.requests['/status-lists/1']).toBe(1)
      expect(subject.log.every(({ level }) => Number(level) <= 40)).toBe(true)
    },
  )

  test('are waited for where the configuration says that they are listed', async () => {
    const statusListAggregation = (issuer: TestIssuer) => `${issuer.issuer}/lists`
    const issuer = await testIssuer({ keys: [key.jwk] })
    const revocation = publishRevocation(issuer, key)
    const clock = testClock()
    const subject = testAuthenticator(
      [
        issuerOptions(issuer, {
          revocation: {
            ...revocationOptions(revocation),
            ...belowOptions(revocation),
            statusListAggregation: statusListAggregation(issuer),
          },
        }),
      ],
      {},
      { clock },
    )
    closers.push(subject.close, issuer.close)
    await subject.warm
    expect(subject.unreadiness()).toEqual([`nothing usable from ${issuer.issuer}/lists`])
    issuer.handlers['/lists'] = (_request, response) =>
      json(response, { status_lists: [revocation.listUri] })
    await until(async () => {
      await clock.pass(1_000)
      return subject.ready()
    })
    expect(issuer.requests['/status-lists/1']).toBeGreaterThan(0)
  })

  test('more than are followed cost no more', async () => {
    const { issuer, subject } = await scene({
      below: true,
      prepare: (issuer, { listUri }) =>
        listed(Array.from({ length: 5_000 }, (_, index) => listUri.replace(/1$/, `${index}`)))(
          issuer,
        ),
    })
    const asked = Object.keys(issuer.requests).filter((path) => /lists\/\d/.test(path))
    expect(asked.length).toBe(64)
    expect(subject.unreadiness()).toHaveLength(63)
  })
})

describe('several processes that share what they fetch', () => {
  test('all have what one has: keys and lists for one that starts while the issuer is away', async () => {
    const issuer = await testIssuer({ keys: [key.jwk] })
    const revocation = publishRevocation(issuer, key)
    revocation.revoke(1)
    const clock = testClock()
    const source = documentFetcher()
    const fetch = sharedDocuments(source.fetch, clock)
    const options = [issuerOptions(issuer, { revocation: revocationOptions(revocation) })]
    const start = () =>
      testAuthenticator(options, {}, { clock, documents: { fetch, close: async () => {} } })
    const first = start()
    await first.warm
    await issuer.goAway()
    await clock.pass(60_000)

    const second = start()
    await second.warm
    closers.push(first.close, second.close, source.close)
    const exp = Math.floor(clock.now() / 1_000) + 3_000
    const token = (idx: number) =>
      issuer.sign(key, { exp, status: { status_list: { idx, uri: revocation.listUri } } })
    for (const subject of [first, second]) {
      expect(subject.unreadiness()).toEqual([])
      expect(await subject.ask(await token(1))).toBe('TOKEN_REVOKED')
      expect(await subject.ask(await token(2))).toMatchObject(accepted)
    }
    // The age is passed on with the document: no process uses it for longer.
    await clock.pass(246_000)
    expect(await first.ask(await token(2))).toBe('REVOCATION_UNAVAILABLE')
    expect(await second.ask(await token(2))).toBe('REVOCATION_UNAVAILABLE')
  })
})

describe('an issuer that cannot be asked', () => {
  test('the documents count for a bounded time, and then no token passes', async () => {
    const { issuer, revocation, clock, subject, token } = await scene({
      prepare: (_issuer, revocation) => revocation.revoke(1),
    })
    const [bad, good] = [await token(1), await token(2)]
    await issuer.goAway()
    await clock.pass(300_000)
    expect(await subject.ask(bad)).toBe('TOKEN_REVOKED')
    expect(await subject.ask(good)).toMatchObject(accepted)
    await clock.pass(6_000)
    expect(await subject.ask(good)).toBe('REVOCATION_UNAVAILABLE')
    expect(await subject.ask()).toMatchObject({ claims: null })
    expect(subject.unreadiness()).toEqual([
      `nothing usable from ${revocation.listUri}`,
      `nothing usable from ${revocation.notBeforeUri}`,
    ])
  })

  test('a deployment may choose to accept them instead', async () => {
    const { issuer, clock, subject, token } = await scene({ whenStale: 'accept' })
    const good = await token(2)
    await issuer.goAway()
    await clock.pass(306_000)
    expect(await subject.ask(good)).toMatchObject(accepted)
    expect(subject.ready()).toBe(true)
  })

  test('a deployment may be ready without it', async () => {
    const issuer = await testIssuer({ keys: [key.jwk] })
    const revocation = publishRevocation(issuer, key)
    await issuer.goAway()
    const subject = testAuthenticator([
      issuerOptions(issuer, { required: false, revocation: revocationOptions(revocation) }),
    ])
    closers.push(subject.close)
    await subject.warm
    expect(subject.unreadiness()).toEqual([])
    expect(await subject.ask(await issuer.sign(key))).toBe('KEYS_UNAVAILABLE')
  })

  test('a confirmation that nothing changed counts like a new document', async () => {
    const { revocation, clock, subject, token } = await scene({ staleFor: 10_000 })
    const good = await token(2)
    for (let round = 1; round <= 8; round++) {
      await clock.pass(5_000)
      await until(() => clock.planned() === 3)
      expect(revocation.answers.unchanged).toBe(2 * round)
    }
    await until(async () => typeof (await subject.ask(good)) === 'object')
  })

  test('past its own `exp` a document is not used, even if it is confirmed', async () => {
    const { clock, subject, token } = await scene({ staleFor: 86_400_000 })
    expect(await subject.ask(await token(2))).toMatchObject(accepted)
    await clock.pass(3_606_000)
    const now = Math.floor(clock.now() / 1_000)
    const fresh = await token(3, { iat: now, exp: now + 60 })
    expect(await subject.ask(fresh)).toBe('REVOCATION_UNAVAILABLE')
  })

  test('is fetched again, and tokens pass as soon as it responds', async () => {
    const { issuer, revocation, clock, subject, token } = await scene({
      prepare: (issuer) => issuer.goAway(),
    })
    const good = await token(2)
    expect(await subject.ask(good)).toBe('KEYS_UNAVAILABLE')
    expect(subject.unreadiness()).toEqual([
      `no usable keys of ${issuer.issuer}`,
      ...[revocation.listUri, revocation.notBeforeUri].map((uri) => `nothing usable from ${uri}`),
    ])
    await issuer.comeBack()
    await until(async () => {
      await clock.pass(1_000)
      return subject.ready()
    })
    expect(await subject.ask(good)).toMatchObject(accepted)
  })
})

test('a million tokens cost under 150 KB of list, however many of them are revoked', async () => {
  const half = randomBytes(2 ** 17)
  const compressed = deflateSync(half)
  expect(half.length).toBe(131_072)
  expect(compressed.length).toBeLessThan(150_000)
  const list = await readStatusList({ bits: 1, lst: compressed.toString('base64url') })
  expect(list.length).toBe(2 ** 20)
})

test('the examples of the Token Status List draft (section 4.1) are read as it says', () => {
  const oneBit = statusList(Uint8Array.of(0xb9, 0xa3), 1)
  expect(Array.from({ length: 17 }, (_, index) => oneBit.at(index))).toEqual([
    1,
    0,
    0,
    1,
    1,
    1,
    0,
    1,
    1,
    1,
    0,
    0,
    0,
    1,
    0,
    1,
    undefined,
  ])
  const twoBits = statusList(Uint8Array.of(0xc9, 0x44, 0xf9), 2)
  expect(Array.from({ length: 12 }, (_, index) => twoBits.at(index))).toEqual([
    1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3,
  ])
})
