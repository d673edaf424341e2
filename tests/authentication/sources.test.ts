/** Where a token may stand, and what other credentials mean. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuthenticatorOptions } from '../../gateway/authentication/authenticator.ts'
import { issuerOptions, outcome, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer } from './support/test-issuer.ts'

const key = await testKey()
let issuer: TestIssuer
let token: string
const subjects: TestAuthenticator[] = []

beforeAll(async () => {
  issuer = await testIssuer({ keys: [key.jwk] })
  token = await issuer.sign(key)
})

afterAll(async () => {
  for (const subject of subjects) await subject.close()
  await issuer.close()
})

/** What becomes of a request with those headers: `accepted`, `anonymous`, or the reason. */
async function judge(
  headers: Record<string, string[]>,
  options: Partial<AuthenticatorOptions> = {},
) {
  const subject = testAuthenticator([issuerOptions(issuer)], options)
  subjects.push(subject)
  const answer = await outcome(subject, headers)
  if (typeof answer === 'string') return answer
  return answer.claims ? 'accepted' : 'anonymous'
}

describe('the Authorization header', () => {
  test.each<[string, () => string, string]>([
    ['Bearer and a token', () => `Bearer ${token}`, 'accepted'],
    ['the scheme in any case (RFC 9110 section 11.1)', () => `bEARER ${token}`, 'accepted'],
    [
      'several spaces after the scheme (RFC 6750 section 2.1)',
      () => `Bearer   ${token}`,
      'accepted',
    ],
    ['an empty bearer', () => 'Bearer', 'TOKEN_MALFORMED'],
    ['an empty bearer with a space', () => 'Bearer ', 'TOKEN_MALFORMED'],
    ['a tab instead of a space', () => `Bearer\t${token}`, 'SCHEME_UNSUPPORTED'],
    ['two tokens in one header', () => `Bearer ${token}, Bearer ${token}`, 'TOKEN_MALFORMED'],
    ['a quoted token', () => `Bearer "${token}"`, 'TOKEN_MALFORMED'],
    ['Basic', () => 'Basic YWxpY2U6c2VjcmV0', 'SCHEME_UNSUPPORTED'],
    ['DPoP', () => `DPoP ${token}`, 'SCHEME_UNSUPPORTED'],
    ['a scheme that only begins like ours', () => `Bearers ${token}`, 'SCHEME_UNSUPPORTED'],
    ['the bare token', () => token, 'SCHEME_UNSUPPORTED'],
    ['nothing: no credential was sent', () => '', 'anonymous'],
    ['nothing but white space', () => ' \t', 'anonymous'],
    ['a script without a token: Bearer undefined', () => 'Bearer undefined', 'TOKEN_MALFORMED'],
  ])('%s', async (_name, value, expected) => {
    expect(await judge({ authorization: [value()] })).toBe(expected)
  })

  test('sent twice is refused, even when both say the same', async () => {
    const value = `Bearer ${token}`
    expect(await judge({ authorization: [value, value] })).toBe('CREDENTIALS_AMBIGUOUS')
    expect(await judge({ authorization: ['Basic eA==', value] })).toBe('CREDENTIALS_AMBIGUOUS')
  })

  test('that is empty is none: not beside another, and not where a token is required', async () => {
    expect(await judge({ authorization: ['', `Bearer ${token}`] })).toBe('accepted')
    expect(await judge({ authorization: ['', ''] })).toBe('anonymous')
    expect(await judge({ authorization: [''] }, { require: true })).toBe('TOKEN_MISSING')
    expect(await judge({ authorization: [''] }, { otherSchemes: 'anonymous' })).toBe('anonymous')
  })
})

describe('other sources, in order', () => {
  const sources = [
    { header: 'authorization', scheme: 'Bearer' },
    { header: 'x-access-token' },
    { cookie: 'access_token' },
  ]

  test.each<[string, () => Record<string, string[]>, string]>([
    ['a header of its own, without a scheme', () => ({ 'x-access-token': [token] }), 'accepted'],
    ['that header twice', () => ({ 'x-access-token': [token, token] }), 'CREDENTIALS_AMBIGUOUS'],
    ['a cookie', () => ({ cookie: [`a=b; access_token=${token}; c=d`] }), 'accepted'],
    ['a quoted cookie', () => ({ cookie: [`access_token="${token}"`] }), 'accepted'],
    ['a cookie with another name', () => ({ cookie: [`x_access_token=${token}`] }), 'anonymous'],
    ['an empty cookie', () => ({ cookie: ['access_token='] }), 'anonymous'],
    ['an empty cookie in quotes', () => ({ cookie: ['access_token=""'] }), 'anonymous'],
    [
      'an empty cookie beside the one with the token',
      () => ({ cookie: [`access_token=; access_token=${token}`] }),
      'accepted',
    ],
    ['an empty header of its own', () => ({ 'x-access-token': [''] }), 'anonymous'],
    [
      'empty headers hide no cookie',
      () => ({ authorization: [''], 'x-access-token': [''], cookie: [`access_token=${token}`] }),
      'accepted',
    ],
    [
      'a cookie twice, the same',
      () => ({ cookie: [`access_token=${token}; access_token=${token}`] }),
      'accepted',
    ],
    [
      'a cookie twice, two values',
      () => ({ cookie: [`access_token=${token}`, 'access_token=x'] }),
      'CREDENTIALS_AMBIGUOUS',
    ],
    [
      'the first that is present counts: a bad header hides a good cookie',
      () => ({ authorization: ['Bearer bad'], cookie: [`access_token=${token}`] }),
      'TOKEN_MALFORMED',
    ],
    [
      'and a good header a bad cookie',
      () => ({ authorization: [`Bearer ${token}`], cookie: ['access_token=bad'] }),
      'accepted',
    ],
    [
      'another scheme beside a good cookie: the cookie is present',
      () => ({ authorization: ['Basic eA=='], cookie: [`access_token=${token}`] }),
      'accepted',
    ],
  ])('%s', async (_name, headers, expected) => {
    expect(await judge(headers(), { sources })).toBe(expected)
  })

  test('a cookie counts for nothing unless it is configured', async () => {
    expect(await judge({ cookie: [`access_token=${token}`] })).toBe('anonymous')
  })
})

describe('what a deployment may choose', () => {
  test('require: anonymous requests are refused', async () => {
    expect(await judge({}, { require: true })).toBe('TOKEN_MISSING')
    expect(await judge({ authorization: [`Bearer ${token}`] }, { require: true })).toBe('accepted')
  })

  test('other_schemes: anonymous', async () => {
    const options = { otherSchemes: 'anonymous' } as const
    expect(await judge({ authorization: ['Basic eA=='] }, options)).toBe('anonymous')
    expect(await judge({ authorization: ['Bearer bad'] }, options)).toBe('TOKEN_MALFORMED')
  })

  test('on_invalid: anonymous, but keys that cannot be fetched are still 503', async () => {
    const options = { onInvalid: 'anonymous' } as const
    expect(await judge({ authorization: ['Bearer bad'] }, options)).toBe('anonymous')
    const away = testAuthenticator(
      [issuerOptions({ issuer: issuer.issuer, jwksUri: 'http://127.0.0.1:1/' })],
      options,
    )
    expect(await away.ask(token)).toBe('KEYS_UNAVAILABLE')
    await away.close()
  })

  test('on_invalid: anonymous does not get past require', async () => {
    const options = { onInvalid: 'anonymous', require: true } as const
    expect(await judge({ authorization: ['Bearer bad'] }, options)).toBe('TOKEN_MALFORMED')
  })
})

test('the response to a request with a token must not be stored, whether the token is valid or not', async () => {
  const subject = testAuthenticator([issuerOptions(issuer)], { onInvalid: 'anonymous' })
  subjects.push(subject)
  expect(await subject.ask('bad')).toEqual({ claims: null })
})

test('issuers whose subjects could collide are warned about at start', () => {
  const two = [issuerOptions(issuer), issuerOptions({ ...issuer, issuer: 'https://b.example' })]
  const warned = (options = two, forward = ['sub'], narrowed: string[][] = []) => {
    const subject = testAuthenticator(options, {}, { claims: { forward, narrowed } })
    subjects.push(subject)
    return subject.log.some((line) => String(line.msg).includes('cannot distinguish the subjects'))
  }
  expect(warned()).toBe(true)
  expect(warned(two, ['sub', 'iss'])).toBe(false)
  expect(warned(two, ['sub', 'iss'], [['sub']])).toBe(true)
  expect(warned([two[0]!, { ...two[1]!, subjectPrefix: 'b|' }])).toBe(false)
})
