/** What an entry of `authentication.issuers` can say of tokens that are not as RFC 9068 has them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { JWK } from 'jose'
import type { IssuerOptions } from '../../gateway/authentication/issuer.ts'
import { issuerOptions, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { forge, testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer, TestKey } from './support/test-issuer.ts'

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

  test('an access token that Keycloak marks as one may have a `nonce`', async () => {
    expect(await judge({}, { typ: 'Bearer', nonce: 'n' })).toEqual(accepted)
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

describe('require_key_id: false:', () => {
  const header = { alg: 'ES256', typ: 'at+jwt' }
  const claims = (from: TestIssuer) => ({
    iss: from.issuer,
    aud: 'portcullis',
    sub: 'subject-1',
    iat: now(),
    exp: now() + 60,
  })

  /** Returns what comes of a token without `kid` of an issuer with those keys. */
  async function judgeUnnamed(keys: JWK[], options: Partial<IssuerOptions>, signer = key) {
    const from = await testIssuer({ keys })
    const subject = testAuthenticator([issuerOptions(from, options)])
    const caller = await subject.ask(forge(signer, header, claims(from)))
    await subject.close()
    await from.close()
    return typeof caller === 'string' ? caller : { ...caller.claims }
  }
  const optional = { requireKeyId: false }
  const { kid: _, ...unnamedKey } = key.jwk

  test('the only key that is for the algorithm verifies a token without `kid`', async () => {
    const rsa = await testKey('RS256', 'rsa')
    const encryption = { ...(await testKey('ES256', 'enc')).jwk, use: 'enc' }
    const keys = [encryption, rsa.jwk, key.jwk]
    expect(await judgeUnnamed(keys, optional)).toEqual(accepted)
    expect(await judgeUnnamed(keys, {})).toBe('KEY_UNKNOWN')
    expect(await judgeUnnamed(keys, optional, await testKey())).toBe('SIGNATURE_INVALID')
  })

  test('with two such keys, the token is refused', async () => {
    const other = await testKey('ES256', 'other')
    expect(await judgeUnnamed([key.jwk, other.jwk], optional)).toBe('KEY_UNKNOWN')
  })

  test('a key without `kid` counts, too; by default it is passed over', async () => {
    expect(await judgeUnnamed([unnamedKey], optional)).toEqual(accepted)
    const from = await testIssuer({ keys: [unnamedKey, key.jwk] })
    const subject = testAuthenticator([issuerOptions(from)])
    expect(await subject.ask(await from.sign(key))).toMatchObject({ claims: accepted })
    expect(subject.log).toContainEqual(expect.objectContaining({ why: 'has no id' }))
    await subject.close()
    await from.close()
  })

  test('a token with `kid` still needs the key of that name', async () => {
    const subject = gatewayWith(optional)
    expect(await subject.ask(await issuer.sign(key, {}, { kid: 'nobody' }))).toBe('KEY_UNKNOWN')
    expect(await subject.ask(await issuer.sign(key, {}, { kid: '' }))).toBe('KEY_UNKNOWN')
  })

  test('a key that was replaced is fetched again', async () => {
    const from = await testIssuer({ keys: [unnamedKey] })
    const subject = testAuthenticator([issuerOptions(from, optional)])
    expect(await subject.ask(forge(key, header, claims(from)))).toMatchObject({ claims: accepted })
    const next = await testKey()
    from.keys = [{ ...next.jwk, kid: undefined } as unknown as JWK]
    expect(await subject.ask(forge(next, header, claims(from)))).toMatchObject({ claims: accepted })
    await subject.close()
    await from.close()
  })
})

describe('tenants:', () => {
  const pattern = 'https://id.example.com/{tenantid}/v2.0'
  const of = (tenant: string) => pattern.replace('{tenantid}', tenant)
  const tenants = ['one', 'two']

  test('a token of each tenant in the list is accepted, and of no other', async () => {
    const options = { issuer: pattern, tenants }
    expect(await judge(options, { iss: of('one') })).toEqual(accepted)
    expect(await judge(options, { iss: of('two') })).toEqual(accepted)
    for (const iss of [of('three'), of('one/two'), of(''), pattern, `${of('one')}/`, of('ONE')]) {
      expect(await judge(options, { iss })).toBe('ISSUER_UNKNOWN')
    }
  })

  test('the access log names the issuer of the tenant', async () => {
    const subject = gatewayWith({ issuer: pattern, tenants })
    const caller = await subject.ask(await issuer.sign(key, { iss: of('two') }))
    expect(caller).toMatchObject({ issuer: of('two') })
  })

  test('a key that names an issuer verifies the tokens of no other', async () => {
    const [all, two] = [await testKey('ES256', 'all'), await testKey('ES256', 'two')]
    const from = await testIssuer({
      keys: [
        Object.assign(all.jwk, { issuer: pattern }),
        Object.assign(two.jwk, { issuer: of('two') }),
      ],
    })
    const subject = testAuthenticator([issuerOptions(from, { issuer: pattern, tenants })])
    const ask = async (by: TestKey, iss: string) => subject.ask(await from.sign(by, { iss }))
    expect(await ask(all, of('one'))).toMatchObject({ claims: accepted })
    expect(await ask(two, of('two'))).toMatchObject({ claims: accepted })
    expect(await ask(two, of('one'))).toBe('KEY_UNKNOWN')
    await subject.close()
    await from.close()
  })
})
