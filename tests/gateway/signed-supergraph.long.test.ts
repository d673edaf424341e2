/** Signed supergraphs: what is unsigned, altered or older is not served. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { CompactSign, importJWK } from 'jose'
import type { JWK } from 'jose'
import { createSigningKey, readSigner } from '../../scripts/compose/sign-supergraph.ts'
import type { SupergraphSigner } from '../../scripts/compose/sign-supergraph.ts'
import { remoteGateways } from '../support/remote-gateway.ts'
import { signaturePath } from '../support/supergraph-server.ts'
import { until } from '../support/until.ts'

const on = remoteGateways()
const run = promisify(execFile)
let signer: SupergraphSigner
let other: SupergraphSigner
let keys: JWK[]

beforeAll(async () => {
  const made = async (name: string) => {
    const path = join(on.folder, name)
    await createSigningKey(path)
    return readSigner(path)
  }
  signer = await made('signing-key.json')
  other = await made('other-key.json')
  keys = [signer.publicKey]
})

/** A place of a supergraph: a file or a URL, with its signature beside it. */
interface Place {
  readonly location: string
  publish(text: string, signature: string | undefined): void
}

function filePlace(): Place {
  const location = join(mkdtempSync(join(on.folder, 'place-')), 'supergraph.graphql')
  const write = (path: string, text: string) => {
    writeFileSync(`${path}~`, text)
    renameSync(`${path}~`, path)
  }
  return {
    location,
    publish(text, signature) {
      if (signature === undefined) rmSync(`${location}.jws`, { force: true })
      else write(`${location}.jws`, signature)
      write(location, text)
    },
  }
}

function urlPlace(): Place {
  return {
    location: on.source.url,
    publish(text, signature) {
      if (signature === undefined) on.source.files.delete(signaturePath)
      else on.source.files.set(signaturePath, signature)
      on.publish(text)
    },
  }
}

const signed = async (text: string, by = signer) => (await by.sign(text)).signature
const start = (place: Place, dataDirectory?: string, settings: object = { keys }) =>
  on.start(settings, dataDirectory, place.location)

async function signedWith(header: object, text: string): Promise<string> {
  const jwk = JSON.parse(readFileSync(join(on.folder, 'signing-key.json'), 'utf8')) as JWK
  const standard = { alg: 'EdDSA', kid: jwk.kid, typ: 'supergraph+jws', serial: Date.now() }
  const jws = await new CompactSign(Buffer.from(text))
    .setProtectedHeader({ ...standard, ...header } as { alg: string })
    .sign(await importJWK(jwk, 'EdDSA'), { crit: { 'urn:extension': true } })
  return jws.replace(/\..*\./, '..')
}

describe.each([
  ['in a file', filePlace],
  ['at a URL', urlPlace],
])('a supergraph %s', (_name, makePlace) => {
  test('that is signed is served, and so is the next one', async () => {
    const place = makePlace()
    place.publish(on.version('v1'), await signed(on.version('v1')))
    const { serves, linesWith } = await start(place)
    expect(await serves('v1')).toBe(true)
    place.publish(on.version('v1', 'v2'), await signed(on.version('v1', 'v2')))
    await until(() => serves('v2'))
    expect(linesWith(/"level":(40|50)/)).toEqual([])
  })

  const refusals: readonly [string, (text: string) => Promise<string | undefined>, string][] = [
    ['unsigned', async () => undefined, 'has no signature beside it'],
    ['signed by another key', (text) => signed(text, other), 'which is not accepted'],
    ['altered', () => signed(on.version('v3')), 'does not match its signature'],
    ['signed with text that is no JWS', async () => '{}', 'that is not a detached JWS'],
    [
      'signed as something else',
      (text) => signedWith({ typ: 'at+jwt' }, text),
      'a signature for something else than a supergraph',
    ],
    [
      'signed with an algorithm that does not fit the key',
      async (text) => {
        const [, tail] = (await signed(text)).split('..')
        const header = {
          alg: 'ES384',
          kid: keys[0]!.kid,
          typ: 'supergraph+jws',
          serial: Date.now(),
        }
        return `${Buffer.from(JSON.stringify(header)).toString('base64url')}..${tail}`
      },
      'does not match its signature',
    ],
    [
      'signed with an extension that is not known here',
      (text) => signedWith({ crit: ['urn:extension'], 'urn:extension': 1 }, text),
      'does not match its signature',
    ],
    [
      'signed without a serial',
      (text) => signedWith({ serial: undefined }, text),
      'a signature for something else than a supergraph',
    ],
    ['older', (text) => signedWith({ serial: 17 }, text), 'is older than the one that served last'],
  ]
  test.each(refusals)('that is %s is not served', async (_, sign, reason) => {
    const place = makePlace()
    place.publish(on.version('v1'), await signed(on.version('v1')))
    const { serves, linesWith, ready, configure } = await start(place)
    const text = on.version('v1', 'v2')
    place.publish(text, await sign(text))
    await until(() => linesWith(reason).length > 0)
    expect([await serves('v1'), await serves('v2')]).toEqual([true, false])
    expect((await ready()).status).toBe(200)
    // Nor by a reload.
    await configure({ keys }).catch(() => {})
    expect([await serves('v1'), await serves('v2')]).toEqual([true, false])
    place.publish(text, await signed(text))
    await until(() => serves('v2'))
    expect(linesWith(reason)).toHaveLength(1)
  })

  test('that is older than the last one before a restart is not served', async () => {
    const place = makePlace()
    const text = on.version('v1')
    const [older, newer] = [await signed(text), (await signer.sign(text, Date.now())).signature]
    place.publish(text, newer)
    const { dataDirectory, close } = await start(place)
    await close()
    place.publish(text, older)
    const again = start(place, dataDirectory)
    if (place.location.startsWith('http')) {
      const { linesWith, serves } = await again
      expect(linesWith('is older than the one that served last').length).toBeGreaterThan(0)
      // What was kept is the newer one.
      expect(await serves('v1')).toBe(true)
    } else {
      await expect(again).rejects.toThrow(/is older than the one .*compose and sign it again/)
    }
  })

  test('is accepted from two keys during a rotation, and after it from the new one', async () => {
    const place = makePlace()
    const [v1, v2, v3] = [on.version('v1'), on.version('v1', 'v2'), on.version('v1', 'v3')]
    place.publish(v1, await signed(v1))
    const both = { keys: [signer.publicKey, other.publicKey] }
    const { serves, configure, linesWith } = await start(place)
    await configure(both)
    place.publish(v2, await signed(v2, other))
    await until(() => serves('v2'))
    await configure({ keys: [other.publicKey] })
    place.publish(v3, await signed(v3))
    await until(() => linesWith('which is not accepted').length > 0)
    expect([await serves('v2'), await serves('v3')]).toEqual([true, false])
  })

  test('whose signature comes a moment later is served without an error', async () => {
    const place = makePlace()
    const [v1, v2] = [on.version('v1'), on.version('v1', 'v2')]
    const before = await signed(v1)
    place.publish(v1, before)
    const { serves, linesWith } = await start(place)
    place.publish(v2, before)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    place.publish(v2, await signed(v2))
    await until(() => serves('v2'))
    expect(linesWith('"level":50')).toEqual([])
  })
})

test('a URL that was never signed leaves the gateway not ready, and says what to do', async () => {
  const { ready } = await on.start({ keys })
  const [reason] = (await ready()).body.reasons!
  expect(reason).toMatch(
    /has no signature beside it \(\.jws\): sign it with `portcullis compose --sign KEY`/,
  )
})

test('a file that is not signed is refused at the start', async () => {
  const place = filePlace()
  place.publish(on.version('v1'), undefined)
  await expect(start(place)).rejects.toThrow('has no signature beside it')
})

test('a reload to keys that did not sign the supergraph changes nothing', async () => {
  const place = filePlace()
  place.publish(on.version('v1'), await signed(on.version('v1')))
  const { configure, serves } = await start(place)
  await expect(configure({ keys: [other.publicKey] })).rejects.toThrow('supergraph.keys')
  expect(await serves('v1')).toBe(true)
})

test('a key that cannot verify supergraphs is a problem of the configuration', async () => {
  const secret = JSON.parse(readFileSync(join(on.folder, 'signing-key.json'), 'utf8')) as JWK
  const faults: [object, string][] = [
    [{ keys: [secret] }, 'is a private key'],
    [{ keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] }, 'is for neither EdDSA'],
    [{ keys: [{ ...keys[0], x: 'short' }] }, 'is not a valid key'],
    [{ keys: [] }, 'expected at least one key'],
    [{ keys, keys_file: 'keys.json' }, 'keys come from one place'],
    [{ keys_file: 'missing.json' }, 'ENOENT'],
    [{ headers: { host: 'x' } }, 'is a header that the gateway sets'],
  ]
  for (const [settings, fault] of faults) {
    await expect(on.start(settings)).rejects.toThrow(fault)
  }
})

test('keys of a file verify, as the openssl command makes them', async () => {
  const data = mkdtempSync(join(on.folder, 'data-'))
  const pem = join(data, 'key.pem')
  await run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', pem])
  const es256 = await readSigner(pem)
  writeFileSync(join(data, 'keys.json'), JSON.stringify({ keys: [es256.publicKey] }))
  const place = filePlace()
  place.publish(on.version('v1'), await signed(on.version('v1'), es256))
  const { serves } = await start(place, data, { keys_file: 'keys.json' })
  expect(await serves('v1')).toBe(true)
})
