/** What an entry of `authentication.issuers` can say of tokens that are not as RFC 9068 has them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { IssuerOptions } from '../../gateway/authentication/issuer.ts'
import { issuerOptions, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer } from './support/test-issuer.ts'

const key = await testKey()
const now = () => Math.floor(Date.now() / 1_000)
const subjects: TestAuthenticator[] = []
let issuer: TestIssuer

beforeAll(async () => {
  issuer = await testIssuer({ keys: [key.jwk] })
})

afterAll(async () => {
  for (const subject of subjects) await subject.close()
  await issuer.close()
})

function gatewayWith(options: Partial<IssuerOptions>): TestAuthenticator {
  const subject = testAuthenticator([issuerOptions(issuer, options)])
  subjects.push(subject)
  return subject
}

/** Returns the claims of the caller with such a token, or the reason of the refusal. */
async function judge(options: Partial<IssuerOptions>, claims: Record<string, unknown>) {
  const caller = await gatewayWith(options).ask(await issuer.sign(key, claims))
  return typeof caller === 'string' ? caller : { ...caller.claims }
}

const accepted = expect.objectContaining({ sub: 'subject-1' })

describe('audience_claim:', () => {
  const byClient = { audienceClaim: 'client_id', audiences: ['app-1', 'app-2'] }
  test.each<[string, Partial<IssuerOptions>, Record<string, unknown>, unknown]>([
    ['client_id', byClient, { aud: undefined, client_id: 'app-2' }, accepted],
    ['another client', byClient, { aud: undefined, client_id: 'app-3' }, 'AUDIENCE_MISMATCH'],
    ['`aud` does not count', byClient, { aud: 'app-1' }, 'CLAIM_MISSING'],
    ['a list', byClient, { client_id: ['x', 'app-1'] }, accepted],
    ['an object', byClient, { client_id: { 0: 'app-1' } }, 'AUDIENCE_MISMATCH'],
    ['a path', { audienceClaim: 'app.id' }, { app: { id: 'portcullis' } }, accepted],
    ['no object on the path', { audienceClaim: 'app.id' }, { app: 'portcullis' }, 'CLAIM_MISSING'],
  ])('%s', async (_name, options, claims, expected) => {
    expect(await judge(options, claims)).toEqual(expected)
  })
})

describe('several scopes_claim:', () => {
  const url = 'https://example.com/roles'
  const scopesClaims = ['scope', 'permissions', 'realm_access.roles', url]
  const claims = {
    scope: 'openid profile',
    permissions: ['read:orders', 'profile'],
    realm_access: { roles: ['editor'] },
    [url]: ['admin', 'two words'],
  }

  test('the scopes of all of them are one list, each once', async () => {
    expect(await judge({ scopesClaims }, claims)).toMatchObject({
      scope: ['openid', 'profile', 'read:orders', 'editor', 'admin', 'two words'],
    })
  })

  test('where a token has one of them, its scopes stay as they are', async () => {
    expect(await judge({ scopesClaims }, { scope: 'a b' })).toMatchObject({ scope: 'a b' })
    expect(await judge({ scopesClaims: ['permissions', 'roles'] }, claims)).toMatchObject({
      scope: claims.permissions,
    })
  })

  test('`scopes` restricts each of them', async () => {
    const scopes = { allow: ['profile', 'editor', 'words'] }
    expect(await judge({ scopesClaims, scopes }, claims)).toMatchObject({
      scope: ['profile', 'editor'],
    })
    const prefix = { prefix: 'x:' }
    expect(await judge({ scopesClaims, scopes: prefix }, claims)).toMatchObject({
      scope: ['x:openid', 'x:profile', 'x:read:orders', 'x:editor', 'x:admin'],
    })
  })

  test('one that is no list of texts is refused', async () => {
    expect(await judge({ scopesClaims }, { ...claims, permissions: [7] })).toBe('CLAIM_INVALID')
  })
})

describe('id_tokens:', () => {
  const marks = [{ nonce: 'n' }, { at_hash: 'h' }, { token_use: 'id' }, { typ: 'ID' }]
  test.each(marks)('%j counts with `accept` only', async (mark) => {
    expect(await judge({}, mark)).toBe('TOKEN_TYPE_WRONG')
    expect(await judge({ idTokens: 'accept' }, mark)).toEqual(accepted)
  })

  test.each([{ token_use: 'refresh' }, { typ: 'Refresh' }, { typ: 'Offline' }])(
    '%j is a refresh token, and never counts',
    async (mark) => {
      expect(await judge({ idTokens: 'accept' }, mark)).toBe('TOKEN_TYPE_WRONG')
    },
  )
})

test('sender_constrained: refuse: a token that is bound to a key or certificate is refused (RFC 9449 section 6, RFC 8705 section 3)', async () => {
  for (const cnf of [{ jkt: 'thumbprint' }, { 'x5t#S256': 'thumbprint' }]) {
    expect(await judge({ senderConstrained: 'refuse' }, { cnf })).toBe('TOKEN_SENDER_CONSTRAINED')
    expect(await judge({}, { cnf })).toEqual(accepted)
  }
  expect(await judge({ senderConstrained: 'refuse' }, {})).toEqual(accepted)
})

test('max_token_age: off: `iat` may be long ago or missing, but not in the future', async () => {
  const off = { maxTokenAge: Infinity }
  expect(await judge(off, { iat: 1_000 })).toEqual(accepted)
  expect(await judge(off, { iat: undefined })).toEqual(accepted)
  expect(await judge(off, { iat: now() + 60 })).toBe('TOKEN_NOT_YET_VALID')
  expect(await judge(off, { iat: 'today' })).toBe('CLAIM_INVALID')
  expect(await judge(off, { iat: undefined, exp: now() - 6 })).toBe('TOKEN_EXPIRED')
  expect(await judge({}, { iat: undefined })).toBe('CLAIM_MISSING')
})
