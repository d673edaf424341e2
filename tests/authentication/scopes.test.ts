/** Of which scopes an issuer may speak, and where a token states them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import type { Caller } from '../../gateway/client-request.ts'
import type { IssuerOptions } from '../../gateway/authentication/issuer.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import { serveSubgraph } from '../../subgraphs/kit/serve-subgraph.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { issuerOptions, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer } from './support/test-issuer.ts'

const key = await testKey()
let ours: TestIssuer
let foreign: TestIssuer
const subjects: TestAuthenticator[] = []

beforeAll(async () => {
  ours = await testIssuer({ keys: [key.jwk] })
  foreign = await testIssuer({ keys: [key.jwk] })
})

afterAll(async () => {
  for (const subject of subjects) await subject.close()
  await ours.close()
  await foreign.close()
})

function subjectFor(options: Partial<IssuerOptions>, forward = ['sub', 'scope', 'scp', 'realm']) {
  const subject = testAuthenticator(
    [issuerOptions(foreign, options)],
    {},
    { claims: { forward, narrowed: [] } },
  )
  subjects.push(subject)
  return subject
}

/** The claims of a caller with those claims in the token, the second time from the cache. */
async function claimsOf(options: Partial<IssuerOptions>, claims: Record<string, unknown>) {
  const subject = subjectFor(options)
  const token = await foreign.sign(key, { scope: undefined, ...claims })
  const first = await subject.ask(token)
  expect(await subject.ask(token)).toBe(first)
  return typeof first === 'string' ? first : { ...(first as Caller).claims }
}

const allow = { scopes: { allow: ['read', 'write'] } }
const prefix = { scopes: { prefix: 'partner:' } }

describe('an issuer that may speak of some scopes only', () => {
  test.each<[string, Partial<IssuerOptions>, unknown, unknown]>([
    ['allow: any other is dropped', allow, 'read admin:users', 'read'],
    ['allow: any other of a list, too', allow, ['admin:users', 'write'], ['write']],
    ['allow: nothing is left', allow, 'admin:users', ''],
    ['allow: none', { scopes: { allow: [] } }, 'read', ''],
    ['allow: to the letter', allow, 'READ read: re', ''],
    ['allow: an entry with a space is no scope', allow, ['read admin:users'], []],
    ['allow: other white space separates, too', allow, 'read\tadmin:users\nwrite', 'read write'],
    ['prefix: before each', prefix, 'read admin:users', 'partner:read partner:admin:users'],
    ['prefix: before each of a list', prefix, ['admin:users'], ['partner:admin:users']],
    ['prefix: an entry with a space is dropped', prefix, ['a admin:users', 'b'], ['partner:b']],
    ['prefix: of no scope none is made', prefix, ' ', ''],
    ['neither: all as they came', {}, ['a b', 'admin:users'], ['a b', 'admin:users']],
  ])('%s', async (_name, options, scope, expected) => {
    expect(await claimsOf(options, { scope })).toMatchObject({ scope: expected })
  })

  test('states no other scope under the name of its own claim either', async () => {
    const options = { ...allow, scopesClaims: ['scp'] }
    expect(await claimsOf(options, { scp: ['read', 'admin:users'], scope: 'admin:users' })).toEqual(
      { sub: 'subject-1', scope: ['read'], scp: ['read'] },
    )
  })

  test('and none within the claim that holds its own', async () => {
    const realm = { roles: ['read', 'admin:users'], name: 'x' }
    expect(await claimsOf({ ...allow, scopesClaims: ['realm.roles'] }, { realm })).toEqual({
      sub: 'subject-1',
      scope: ['read'],
      realm: { roles: ['read'], name: 'x' },
    })
  })

  test('nor at the path, beside a claim with dots in its name', async () => {
    const claims = { 'realm.roles': 'read admin:users', realm: { roles: ['admin:users', 'write'] } }
    expect(await claimsOf({ ...allow, scopesClaims: ['realm.roles'] }, claims)).toEqual({
      sub: 'subject-1',
      scope: 'read',
      realm: { roles: ['write'] },
    })
  })

  test('is refused as ever when its scopes are no texts', async () => {
    expect(await claimsOf(allow, { scope: [7] })).toBe('CLAIM_INVALID')
  })
})

describe('the claim with the scopes', () => {
  test.each<[string, string, Record<string, unknown>, unknown]>([
    ['may be in another claim', 'realm.roles', { realm: { roles: ['a'] } }, ['a']],
    ['several levels deep', 'a.b.c', { a: { b: { c: 'x y' } } }, 'x y'],
    ['has its dots in its name, where a claim is called so', 'a.b', { 'a.b': 'x' }, 'x'],
    ['that goes before the path', 'a.b', { 'a.b': 'x', a: { b: 'y' } }, 'x'],
    ['a URL stays whole', 'https://e.example/scopes', { 'https://e.example/scopes': 'x' }, 'x'],
    ['and is no path', 'https://e.example/s', { 'https://e': { 'example/s': 'x' } }, undefined],
    ['a path that ends early', 'realm.roles', { realm: 'x' }, undefined],
    ['a path through a list', 'realm.0', { realm: ['x'] }, undefined],
    ['what every object has is no claim', 'realm.constructor.name', { realm: {} }, undefined],
  ])('%s', async (_name, scopesClaim, claims, expected) => {
    expect(await claimsOf({ scopesClaims: [scopesClaim] }, claims)).toMatchObject(
      expected === undefined ? { sub: 'subject-1' } : { scope: expected },
    )
    if (expected === undefined) {
      expect(await claimsOf({ scopesClaims: [scopesClaim] }, claims)).not.toHaveProperty('scope')
    }
  })
})

test('all claims are kept for policies, with the scopes that are left, and only where there are policies', async () => {
  const token = await foreign.sign(key, { scope: 'read admin:users', role: 'doctor' })
  for (const policies of [true, false]) {
    const subject = testAuthenticator(
      [issuerOptions(foreign, allow)],
      {},
      { claims: { forward: ['sub'], narrowed: [], policies } },
    )
    subjects.push(subject)
    const { verifiedClaims } = (await subject.ask(token)) as Caller
    if (policies) expect(verifiedClaims).toMatchObject({ role: 'doctor', scope: 'read' })
    else expect(verifiedClaims).toBeUndefined()
  }
})

describe('through the gateway', () => {
  const sdl = `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"])
    type Query {
      accounts: String @requiresScopes(scopes: [["admin:users"]])
      orders: String @requiresScopes(scopes: [["partner:orders"]])
    }
  `
  let subgraph: RunningProcess
  let gateway: RunningGateway

  beforeAll(async () => {
    subgraph = await serveSubgraph({
      name: 'shop',
      typeDefs: parse(sdl),
      resolvers: { Query: { accounts: () => 'all', orders: () => 'some' } },
      keys: [deriveClaimsKey(gatewaySecret, 'shop')],
      host: '127.0.0.1',
      port: 0,
      portSetting: 'PORT',
    })
    gateway = await runGateway(
      [{ name: 'shop', url: subgraph.url, sdl }],
      `
authentication:
  issuers:
    - { issuer: '${ours.issuer}', jwks_uri: '${ours.jwksUri}', audiences: [portcullis] }
    - issuer: '${foreign.issuer}'
      jwks_uri: '${foreign.jwksUri}'
      audiences: [portcullis]
      subject_prefix: foreign|
      scopes: { prefix: 'partner:' }
`,
    )
  })
  afterAll(async () => {
    await gateway?.close()
    await subgraph?.close()
  })

  test("another issuer's `admin:users` opens nothing, and its own scopes do", async () => {
    const ask = async (issuer: TestIssuer) => {
      const token = await issuer.sign(key, { scope: 'admin:users orders' })
      const response = await fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: '{ accounts orders }' }),
      })
      return ((await response.json()) as { data: unknown }).data
    }
    expect(await ask(ours)).toEqual({ accounts: 'all', orders: null })
    expect(await ask(foreign)).toEqual({ accounts: null, orders: 'some' })
    expect(await ask(foreign)).toEqual({ accounts: null, orders: 'some' })
  })
})

describe('at start', () => {
  const warned = (...scopes: (IssuerOptions['scopes'] | undefined)[]) => {
    const subject = testAuthenticator(
      scopes.map((rule, index) =>
        issuerOptions(foreign, {
          issuer: `https://${index}.example`,
          subjectPrefix: `${index}|`,
          scopes: rule,
        }),
      ),
    )
    subjects.push(subject)
    const lines = subject.log.filter(({ msg }) => String(msg).includes('begin with admin:'))
    return lines.flatMap(({ issuers }) => issuers as string[]).map((name) => name.at(8))
  }

  test('issuers that may all grant administration are warned about', () => {
    expect(warned(undefined)).toEqual([])
    expect(warned(undefined, undefined)).toEqual(['0', '1'])
    expect(warned(undefined, { allow: ['read'] })).toEqual([])
    expect(warned(undefined, { allow: ['read', 'admin:users'] })).toEqual(['0', '1'])
    expect(warned(undefined, { prefix: 'partner:' })).toEqual([])
    expect(warned(undefined, { prefix: 'admin:partner:' }, { prefix: 'x' })).toEqual(['0', '1'])
    expect(warned(undefined, { prefix: 'ad' })).toEqual(['0', '1'])
  })
})
