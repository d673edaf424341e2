/** `npm run compose -- --sign`, and what verifies the signature. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose'
import type { JWK } from 'jose'
import { composeSubgraphs } from '../../scripts/compose/compose-subgraphs.ts'
import { compareWithFile, composeToFile } from '../../scripts/compose/compose-to-file.ts'
import type { SubgraphToCompose } from '../../scripts/compose/composition-messages.ts'
import { createSigningKey, readSigner } from '../../scripts/compose/sign-supergraph.ts'
import { projectFolder } from './support/project-folder.ts'
import type { ProjectFolder } from './support/project-folder.ts'
import { runScript } from './support/run-script.ts'

const supergraph = `subgraphs:
  users: { routing_url: "http://users.test/", schema: { file: users.graphql } }
`
let folder: ProjectFolder
let publicKey: JWK

beforeEach(async () => {
  folder = projectFolder({
    'supergraph.yaml': supergraph,
    'users.graphql': 'type Query { a: Int }',
  })
  publicKey = await createSigningKey(folder.at('key.json'))
  folder.write('keys.json', JSON.stringify({ keys: [publicKey] }))
})

afterEach(() => folder.remove())

const output = () => folder.at('supergraph.graphql')
const compose = async (subgraphs: readonly SubgraphToCompose[]) => composeSubgraphs(subgraphs)
const options = async (key = 'key.json') => ({
  config: folder.at('supergraph.yaml'),
  output: output(),
  environment: {},
  signer: await readSigner(folder.at(key)),
  compose,
})
const header = () => decodeProtectedHeader(folder.read('supergraph.graphql.jws').trim())

test('the signature is a detached JWS over the bytes of the file', async () => {
  const { report } = await composeToFile(await options())
  const { alg, typ, kid, iat, serial } = header()
  expect({ alg, typ, kid }).toEqual({ alg: 'EdDSA', typ: 'supergraph+jws', kid: publicKey.kid })
  expect(Math.abs(Number(iat) - Date.now() / 1000)).toBeLessThan(60)
  expect(report.signature).toEqual({ file: `${output()}.jws`, key: kid, serial })
  const [head, , tail] = folder.read('supergraph.graphql.jws').trim().split('.')
  const payload = readFileSync(output()).toString('base64url')
  await compactVerify(`${head}.${payload}.${tail}`, await importJWK(publicKey, 'EdDSA'))
})

test('the serial grows with each supergraph, also when a clock goes back', async () => {
  const serials: number[] = []
  const { now } = Date
  try {
    for (const field of ['a', 'b', 'c']) {
      folder.write('users.graphql', `type Query { ${field}: Int }`)
      await composeToFile(await options())
      serials.push(Number(header().serial))
      Date.now = () => now() - serials.length * 3_600_000
    }
  } finally {
    Date.now = now
  }
  expect(serials).toEqual(serials.toSorted((one, other) => one - other))
  expect(new Set(serials).size).toBe(3)
})

test('an unchanged supergraph keeps its signature; one that is missing or by another key is made', async () => {
  await composeToFile(await options())
  const first = folder.read('supergraph.graphql.jws')
  expect((await composeToFile(await options())).report.outcome).toBe('unchanged')
  expect(folder.read('supergraph.graphql.jws')).toBe(first)
  rmSync(`${output()}.jws`)
  await composeToFile(await options())
  expect(header().kid).toBe(publicKey.kid)
  const other = await createSigningKey(folder.at('other.json'))
  await composeToFile(await options('other.json'))
  expect(header().kid).toBe(other.kid)
})

test('an error of composition leaves supergraph and signature as they were', async () => {
  await composeToFile(await options())
  const before = [folder.read('supergraph.graphql'), folder.read('supergraph.graphql.jws')]
  folder.write('users.graphql', 'type Query { a: Missing }')
  expect((await composeToFile(await options())).report.outcome).toBe('failed')
  expect([folder.read('supergraph.graphql'), folder.read('supergraph.graphql.jws')]).toEqual(before)
})

test('--check with keys verifies the signature', async () => {
  await composeToFile(await options())
  const check = async (keys: JWK[]) =>
    (await compareWithFile({ ...(await options()), keys })).report
  expect(await check([publicKey])).toMatchObject({ outcome: 'current', signature: {} })
  const other = await createSigningKey(folder.at('other.json'))
  expect(await check([other])).toMatchObject({
    outcome: 'not current',
    errors: [{ code: 'SIGNATURE_INVALID' }],
  })
})

test('the commands make a key, sign, and verify', async () => {
  const made = await runScript('keys', ['supergraph-key', folder.at('new.json')])
  const key = JSON.parse(made.stdout) as JWK
  expect(key).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' })
  expect(key).not.toHaveProperty('d')
  expect(statSync(folder.at('new.json')).mode & 0o777).toBe(0o600)
  const again = await runScript('keys', ['supergraph-key', folder.at('new.json')])
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('is there already')])

  folder.write('new-keys.json', JSON.stringify({ keys: [key] }))
  const words = ['--config', folder.at('supergraph.yaml')]
  const place = ['--output', output()]
  const signed = await runScript('compose', [...words, ...place, '--sign', folder.at('new.json')])
  expect([signed.exitCode, signed.stdout]).toEqual([
    0,
    expect.stringContaining(`signed with ${key.kid}`),
  ])
  const last = ['--last', output(), '--keys']
  const checked = await runScript('check', [...words, ...last, folder.at('new-keys.json')])
  expect([checked.exitCode, checked.stderr]).toEqual([0, ''])
  const refused = await runScript('check', [...words, ...last, folder.at('keys.json')])
  expect([refused.exitCode, refused.stderr]).toEqual([
    1,
    expect.stringContaining('which is not accepted'),
  ])
})

test.each([
  ['missing.json', undefined, 'cannot be read (ENOENT)'],
  ['text', 'no key, but a-secret', 'holds no private key'],
  ['public.json', () => JSON.stringify(publicKey), 'holds no private key'],
  ['secret.json', '{"kty":"oct","k":"a-secret"}', 'holds no private key'],
])('%s is refused as a signing key', async (name, content, reason) => {
  if (content !== undefined) {
    writeFileSync(folder.at(name), typeof content === 'string' ? content : content())
  }
  const refused = readSigner(folder.at(name))
  await expect(refused).rejects.toThrow(reason)
  await expect(refused).rejects.not.toThrow('a-secret')
  expect(existsSync(`${output()}.jws`)).toBe(false)
})
