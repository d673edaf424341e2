/** `npm run explain-token`: the gateway's decision about a token, check by check. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { systemClock } from '../../gateway/authentication/clock.ts'
import { explainToken } from '../../gateway/authentication/explain-token.ts'
import { documentFetcher } from '../../gateway/authentication/fetch-document.ts'
import { errorTable } from '../../gateway/errors.ts'
import { createIssuer } from '../../gateway/authentication/issuer.ts'
import type { Issuer } from '../../gateway/authentication/issuer.ts'
import { issuerOptions, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { forge, testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer } from './support/test-issuer.ts'
import { publishRevocation } from './support/test-revocation.ts'
import type { TestRevocation } from './support/test-revocation.ts'
import { runCompiled } from '../support/run-compiled.ts'

const key = await testKey('ES256', 'ours')
const strangeKey = await testKey('ES256', 'ours')
const now = () => Math.floor(Date.now() / 1_000)
const { fetch, close } = documentFetcher()

let server: TestIssuer
let revocation: TestRevocation
let gateway: TestAuthenticator
let issuer: Issuer
let folder: string

beforeAll(async () => {
  server = await testIssuer({ keys: [key.jwk] })
  revocation = publishRevocation(server, key)
  revocation.revoke(7)
  const options = issuerOptions(server, {
    revocation: {
      statusLists: [revocation.listUri],
      notBefore: undefined,
      refresh: 5_000,
      staleFor: 60_000,
      whenStale: 'refuse',
      required: false,
      timeout: 30_000,
    },
  })
  gateway = testAuthenticator([options])
  issuer = createIssuer(options, {
    claims: { forward: ['sub', 'scope', 'name'], narrowed: [] },
    fetch,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    onKeysChanged: () => {},
  })
  folder = mkdtempSync(join(tmpdir(), 'portcullis-explain-'))
  writeFileSync(
    join(folder, 'gateway.yaml'),
    `authentication: { issuers: [{ issuer: '${server.issuer}', jwks_uri: '${server.jwksUri}', audiences: [portcullis] }] }`,
  )
})

afterAll(async () => {
  issuer.keys?.close()
  issuer.revocation?.close()
  await close()
  await gateway.close()
  await server.close()
  rmSync(folder, { recursive: true })
})

const explain = (token: string) =>
  explainToken(token, {
    issuers: { byName: new Map([[server.issuer, issuer]]), opaque: undefined },
    clock: systemClock,
  })

const header = { alg: 'ES256', kid: 'ours', typ: 'at+jwt' }
const claims = () => ({
  iss: server.issuer,
  aud: 'portcullis',
  sub: '1',
  iat: now(),
  exp: now() + 60,
})
const status = (idx: number) => ({ status: { status_list: { idx, uri: revocation.listUri } } })

test.each<[string, () => string | Promise<string>]>([
  ['a good token', () => server.sign(key, status(6))],
  ['an expired one', () => server.sign(key, { iat: now() - 900, exp: now() - 60 })],
  ['one that is not valid yet', () => server.sign(key, { nbf: now() + 60 })],
  ['an old one', () => server.sign(key, { iat: now() - 100_000 })],
  ['one for another audience', () => server.sign(key, { aud: ['a', 'b'] })],
  ['one of another issuer', () => server.sign(key, { iss: 'https://nobody.example' })],
  ['one without an issuer', () => forge(key, header, { sub: '1' })],
  ['one by another key', () => server.sign(strangeKey)],
  ['one by an unknown key', () => server.sign({ ...key, keyId: 'nobody' })],
  ['an ID token', () => server.sign(key, {}, { typ: 'JWT' })],
  ['one with a parameter too many', () => forge(key, { ...header, jku: 'x' }, claims())],
  ['one with another algorithm', () => forge(key, { ...header, alg: 'RS256' }, claims())],
  ['one without a subject', () => forge(key, header, { ...claims(), sub: undefined })],
  ['one with an empty subject', () => server.sign(key, { sub: '' })],
  ['one with too many claims', () => server.sign(key, { name: 'x'.repeat(5_000) })],
  ['a revoked one', () => server.sign(key, status(7))],
  ['one without a key id', () => forge(key, { ...header, kid: undefined }, claims())],
  ['one that is not signed', () => forge(key, { ...header, alg: 'none' }, claims())],
  ['one whose `nbf` is a text', () => forge(key, header, { ...claims(), nbf: 'x' })],
  ['one whose scopes are no texts', () => forge(key, header, { ...claims(), scope: [7] })],
  ['one whose status is of another form', () => server.sign(key, { status: 7 })],
  ['one with a deep claim', () => forge(key, header, `{"x":${'['.repeat(90)}${']'.repeat(90)}}`)],
  ['garbage', () => 'garbage'],
  ['a long one', () => 'a'.repeat(9_000)],
])('%s: the explanation decides as the gateway does, and names the check', async (_name, make) => {
  const token = await make()
  const { decision, checks } = await explain(token)
  const answer = await gateway.ask(token)
  expect(decision).toBe(typeof answer === 'string' ? answer : 'accepted')
  expect(checks.find(({ verdict }) => verdict === 'failed')?.reason).toBe(
    decision === 'accepted' ? undefined : decision,
  )
})

test('all problems are reported together', async () => {
  const token = await server.sign(key, {
    aud: 'other',
    iat: now() - 900,
    exp: now() - 100,
    ...status(7),
  })
  const { checks } = await explain(token)
  const failed = checks.filter(({ verdict }) => verdict === 'failed').map(({ reason }) => reason)
  expect(failed).toEqual(['AUDIENCE_MISMATCH', 'TOKEN_EXPIRED', 'TOKEN_REVOKED'])
})

test('a token without a key id is judged as if it named the only key', async () => {
  const { checks } = await explain(forge(key, { ...header, kid: undefined }, claims()))
  const verdictOf = (name: string) => checks.find(({ check }) => check === name)?.verdict
  expect([verdictOf('key'), verdictOf('signature')]).toEqual(['failed', 'passed'])
})

test('what depends on a check that failed is not looked at', async () => {
  const { checks } = await explain(await server.sign(strangeKey))
  expect(checks.find(({ check }) => check === 'key')?.verdict).toBe('passed')
  expect(checks.find(({ check }) => check === 'expiry')?.verdict).toBe('not looked at')
})

test.each<[string, () => string | Promise<string>, string, string]>([
  ['an empty key id', () => forge(key, { ...header, kid: '' }, claims()), 'header', 'issuer'],
  ['alg none', () => forge(key, { ...header, alg: 'none' }, claims()), 'header', 'issuer'],
  ['no issuer', () => forge(key, header, { sub: '1' }), 'header', 'signature'],
  ['`nbf` a text', () => forge(key, header, { ...claims(), nbf: 'x' }), 'audience', 'expiry'],
  ['scopes no texts', () => forge(key, header, { ...claims(), scope: 7 }), 'age', 'revocation'],
  [
    'a status of another form',
    () => server.sign(key, { status: 7 }),
    'claims to forward',
    'revocation',
  ],
  ['garbage', () => 'garbage', 'size', 'header'],
])('nothing is said to be right that was not looked at: %s', async (_name, make, passed, not) => {
  const { checks, decision } = await explain(await make())
  expect(decision).not.toBe('accepted')
  const verdictOf = (name: string) => checks.find(({ check }) => check === name)?.verdict
  expect(verdictOf(passed)).toBe('passed')
  expect(verdictOf(not)).toBe('not looked at')
})

test('every reason for which a token is refused has its check', async () => {
  const { checks } = await explain(await server.sign(key, status(6)))
  const inTheTable = Object.values(errorTable).flatMap(({ accessToken }) =>
    accessToken === 'not concerned' ? [] : [accessToken.check],
  )
  expect(checks.map(({ check }) => check).toSorted()).toEqual([...new Set(inTheTable)].toSorted())
  expect(checks.every(({ verdict }) => verdict === 'passed')).toBe(true)
})

test('tokens are refused by that table only: what judges them raises no other error', () => {
  const folder = 'gateway/authentication'
  const judges = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ts$/.test(file))
    .filter((file) => !['authenticator.ts', 'token-refused.ts'].includes(file))
  expect(judges.length).toBeGreaterThan(10)
  for (const file of judges) {
    expect([file, /new GatewayError/.test(readFileSync(join(folder, file), 'utf8'))]).toEqual([
      file,
      false,
    ])
  }
})

test('the command reads standard input, prints each check, and never the signature', async () => {
  const token = await server.sign(key, { iat: now() - 900, exp: now() - 600 })
  const { code, output } = await run(token)
  expect(code).toBe(1)
  expect(output).toMatch(/ok {2}signature/)
  expect(output).toMatch(/NO {2}expiry +TOKEN_EXPIRED: .* 6\d\d s ago/)
  expect(output).toContain('refused with 401 UNAUTHENTICATED, TOKEN_EXPIRED')
  expect(output).not.toContain(token.split('.')[2])

  const good = await run(`Bearer ${await server.sign(key, { scope: undefined, scp: ['a'] })}`)
  expect(good).toMatchObject({ code: 0, output: expect.stringContaining('accepted') })
  expect(good.output).toMatch(/the entry of their issuer needs:\n\n {2}scopes_claim: scp$/m)

  const opaque = await run('opaque')
  expect(opaque).toMatchObject({ code: 1, output: expect.stringContaining('introspection:') })
})

function run(input: string): Promise<{ code: number | null; output: string }> {
  const options = ['--config', join(folder, 'gateway.yaml')]
  const child = spawn(process.execPath, runCompiled('scripts/explain-token', ...options))
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  child.stdin.end(input)
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })))
}
