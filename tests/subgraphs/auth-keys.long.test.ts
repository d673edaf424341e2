import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { sql } from 'kysely'
import { openAuthDatabase } from '../../subgraphs/auth/database.ts'
import type { AuthDatabase } from '../../subgraphs/auth/database.ts'
import { totpCode, totpStep } from '../../subgraphs/auth/second-factors/totp.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { keyEncryption } from '../../subgraphs/auth/tokens/key-encryption.ts'
import { keyLifecycle, publishedAhead } from '../../subgraphs/auth/tokens/key-lifecycle.ts'
import type { SigningAlgorithm } from '../../subgraphs/auth/tokens/make-key.ts'
import { openSigningKeys } from '../../subgraphs/auth/tokens/signing-keys.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { asker, gatewaySecret } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes, loggedIn, signedUp } from '../support/auth-client.ts'
import { startAuthProcess } from '../support/auth-process.ts'
import type { AuthProcess } from '../support/auth-process.ts'
import { fromBase32 } from '../support/base32.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { runCompiled } from '../support/run-compiled.ts'

const run = promisify(execFile)
const minute = 60_000
const day = 24 * 60 * minute
const outlived = 10 * minute

describe.each(await testDatabases())('signing keys on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let database: AuthDatabase
  let time = Date.now()

  beforeAll(async () => {
    scratch = await make()
    database = await openAuthDatabase(scratch.url)
  })
  afterAll(async () => {
    await database.destroy()
    await scratch.drop()
  })

  const encryption = keyEncryption(['a key encryption secret of the tests'])
  const lifecycleOf = (algorithm: SigningAlgorithm = 'ES256') =>
    keyLifecycle({
      database,
      encryption,
      algorithm,
      rotationPeriod: 30 * day,
      outlived,
      now: () => time,
    })
  const states = async () =>
    (await lifecycleOf().list()).map(({ row, state }) => `${row.generation} ${state}`)
  const idOf = async (state: string) =>
    (await lifecycleOf().list()).find((key) => key.state === state)!.row.id

  test('processes that start together make one key that signs and one to follow it', async () => {
    await Promise.all(Array.from({ length: 8 }, () => openSigningKeys(lifecycleOf(), encryption)))
    expect(await states()).toEqual(['2 next', '1 signing'])
  })

  test('the next key takes over after 30 days, and the former is published for its last token', async () => {
    const keys = await openSigningKeys(lifecycleOf(), encryption)
    const [first, second] = [await idOf('signing'), await idOf('next')]
    expect((await keys.current()).id).toBe(first)
    time += 30 * day
    expect((await keys.current()).id).toBe(second)
    const kids = async () => (await keys.published()).map(({ kid }) => kid)
    expect(await kids()).toEqual([second, first])
    await lifecycleOf().provide()
    expect(await states()).toEqual(['3 next', '2 signing', '1 outgoing'])
    time += outlived
    expect(await kids()).not.toContain(first)
    await lifecycleOf().provide()
    expect(await states()).toEqual(['3 next', '2 signing', '1 retired'])
    const { rows } =
      await sql`select private_jwk from auth_signing_keys where id = ${first}`.execute(database)
    expect(rows).toEqual([{ private_jwk: '' }])
  })

  test('rotating by hand lets the next key sign once every gateway can have it', async () => {
    const lifecycle = lifecycleOf()
    // Published for long enough: it signs immediately.
    const known = await idOf('next')
    expect(await lifecycle.rotate()).toEqual({ key: known, signsFrom: time })
    expect(await idOf('signing')).toBe(known)
    // Its successor was made just now.
    const fresh = await idOf('next')
    expect(await lifecycle.rotate()).toEqual({ key: fresh, signsFrom: time + publishedAhead })
    expect(await idOf('signing')).toBe(known)
    time += publishedAhead
    expect(await idOf('signing')).toBe(fresh)
    await lifecycle.provide()
    expect(await states()).toContain('5 next')
  })

  test('of several concurrent rotations, the same key comes next', async () => {
    time += publishedAhead
    const rotated = await Promise.all(Array.from({ length: 4 }, () => lifecycleOf().rotate()))
    expect(new Set(rotated.map(({ key }) => key)).size).toBeLessThanOrEqual(2)
    expect((await states()).filter((state) => state.endsWith('signing'))).toHaveLength(1)
    expect((await states()).filter((state) => state.endsWith('next'))).toHaveLength(1)
  })

  test.each(['EdDSA', 'RS256'] as const)('a key of %s is made and signs', async (algorithm) => {
    const lifecycle = lifecycleOf(algorithm)
    const { signsFrom } = await lifecycle.rotate()
    expect(signsFrom).toBe(time + publishedAhead)
    time = signsFrom
    const keys = await openSigningKeys(lifecycle, encryption)
    expect((await keys.current()).algorithm).toBe(algorithm)
    const [published] = (await keys.published()).filter(({ alg }) => alg === algorithm)
    expect(published).not.toHaveProperty('d')
    expect(published).not.toHaveProperty('p')
  })

  test('a key that signs is not retired; one that does not is published no more', async () => {
    const lifecycle = lifecycleOf()
    expect(await lifecycle.retire(await idOf('signing'))).toEqual({ outcome: 'signing' })
    expect(await lifecycle.retire('unknown')).toEqual({ outcome: 'unknown key' })
    const outgoing = await idOf('outgoing')
    expect(await lifecycle.retire(outgoing)).toEqual({ outcome: 'done', key: outgoing })
    expect(await lifecycle.retire(outgoing)).toEqual({ outcome: 'already' })
    const keys = await openSigningKeys(lifecycle, encryption)
    expect((await keys.published()).map(({ kid }) => kid)).not.toContain(outgoing)
  })

  test('revoking the key that signs lets the next sign immediately', async () => {
    const lifecycle = lifecycleOf()
    await lifecycle.provide()
    const [stolen, next] = [await idOf('signing'), await idOf('next')]
    expect(await lifecycle.revoke(stolen)).toEqual({ outcome: 'done', key: stolen })
    expect(await lifecycle.revoke(stolen)).toEqual({ outcome: 'already' })
    const keys = await openSigningKeys(lifecycle, encryption)
    expect((await keys.current()).id).toBe(next)
    expect((await keys.published()).map(({ kid }) => kid)).not.toContain(stolen)
    expect((await states()).some((state) => state.endsWith('next'))).toBe(true)
  })

  test('also where there was no key before it: the next one signs for a period from now', async () => {
    await sql`delete from auth_signing_keys`.execute(database)
    const lifecycle = lifecycleOf()
    await lifecycle.provide()
    const next = await idOf('next')
    await lifecycle.revoke(await idOf('signing'))
    const [following, signing] = await lifecycle.list()
    expect(signing!.row).toMatchObject({ id: next, signs_from: time })
    expect(following!.row.signs_from).toBe(time + 30 * day)
  })
})

describe.each((await testDatabases()).slice(0, 1))('npm run keys', ({ make }) => {
  let scratch: ScratchDatabase
  let environment: Record<string, string>
  let running: RunningProcess

  beforeAll(async () => {
    scratch = await make()
    environment = authEnvironment(scratch.url)
    running = await startAuth(environment, { hashParameters: cheapHashes })
  })
  afterAll(async () => {
    await running.close()
    await scratch.drop()
  })

  const keys = (...words: string[]) => runKeys(words, environment)
  const get = (path: string) => fetch(new URL(path, running.url))

  test('a stolen key is revoked while the service runs: its tokens are refused, new ones verify', async () => {
    const ask = asker('auth', running.url)
    const before = await loggedIn(ask)
    const stolen = decodeProtectedHeader(before.token).kid!
    const revoked = await keys('revoke', stolen)
    expect(revoked).toEqual({ code: 0, output: `${stolen} is revoked\n` })

    const { keys: published } = (await (await get('/.well-known/jwks.json')).json()) as any
    expect(published.map(({ kid }: { kid: string }) => kid)).not.toContain(stolen)
    const after = await loggedIn(ask)
    const keySet = createLocalJWKSet({ keys: published })
    await jwtVerify(after.token, keySet)
    await expect(jwtVerify(before.token, keySet)).rejects.toThrow()
    await new Promise((resolve) => setTimeout(resolve, 550))
    const { payload } = await jwtVerify(await (await get('/revocations')).text(), keySet)
    expect(payload.keys).toEqual([stolen])
  })

  test('list, rotate, and what cannot be done in one line', async () => {
    const [list, rotated, unknown] = await Promise.all([
      keys('list'),
      keys('rotate'),
      keys('retire', 'unknown'),
    ])
    expect(list.output).toMatch(/ES256 +signing +signs from 20/)
    expect(list.output).toMatch(/ES256 +next +signs from 20/)
    expect(rotated.output).toMatch(/^[\w-]{43} signs from 20\S+Z\n$/)
    expect(unknown).toEqual({ code: 1, output: 'keys: there is no key "unknown": see list\n' })
  })
})

describe.each((await testDatabases()).slice(-1))('on $name, KEY_ENCRYPTION_SECRET', ({ make }) => {
  const [former, next] = [
    'the secret that every process has now',
    'the secret that takes the place of it',
  ]
  const password = 'purple kangaroo sings'
  let scratch: ScratchDatabase
  let processes: AuthProcess[] = []
  let count = 0

  beforeAll(async () => {
    scratch = await make()
    processes = [await startWith(former), await startWith(former)]
  })
  afterAll(async () => {
    for (const process of processes) await process.kill()
    await scratch.drop()
  })

  const environmentWith = (secret: string) => ({
    ...authEnvironment(scratch.url),
    KEY_ENCRYPTION_SECRET: secret,
  })
  const startWith = (secret: string) => startAuthProcess(environmentWith(secret))
  const reencrypt = (secret: string) => runKeys(['reencrypt'], environmentWith(secret))

  /** Enrols an app at one process and confirms it at another. */
  async function accountWithApp(first: AuthProcess, second: AuthProcess) {
    const [enrolling, confirming] = [asker('auth', first.url), asker('auth', second.url)]
    const credentials = await signedUp(enrolling, `person${count++}`, password)
    const { claims } = await loggedIn(enrolling, credentials)
    const { data } = await enrolling(claims, 'mutation { enrolTotp { secret } }')
    const secret = fromBase32(data.enrolTotp.secret)
    const codeOf = (steps: number) => totpCode(secret, totpStep(Date.now()) + steps)
    const confirm = `mutation { confirmTotp(code: "${codeOf(-1)}") { recoveryCodes } }`
    const confirmed = await confirming(claims, confirm)
    const [recoveryCode, another] = confirmed.data.confirmTotp.recoveryCodes as string[]
    return { credentials, codeOf, recoveryCode: recoveryCode!, another: another! }
  }

  /** What one process writes, the other can read: each new one does so with the one beside it. */
  async function restartEachWith(secret: string): Promise<void> {
    for (const index of [0, 1]) {
      const fresh = await startWith(secret)
      const earlier = processes[index]!
      processes[index] = fresh
      earlier.child.kill('SIGTERM')
      const other = processes[1 - index]!
      for (const [first, second] of [
        [fresh, other],
        [other, fresh],
      ] as const) {
        const { credentials, recoveryCode } = await accountWithApp(first, second)
        await loggedIn(asker('auth', first.url), { ...credentials, code: recoveryCode })
      }
    }
  }

  /** Those that are made up: changed, they would reveal that there is no such account. */
  async function passkeysOfNobody({ url }: AuthProcess): Promise<unknown> {
    const start = 'mutation { startPasskeyLogin(username: "nobody") }'
    const { data } = await asker('auth', url)(null, start)
    return JSON.parse(data.startPasskeyLogin).allowCredentials
  }

  test('is rotated while two processes serve: apps, recovery codes and keys go on to work', async () => {
    const [one, other] = [processes[0]!, processes[1]!]
    const person = await accountWithApp(one, other)
    const { token } = await loggedIn(asker('auth', one.url), {
      ...person.credentials,
      code: person.recoveryCode,
    })

    const madeUp = await passkeysOfNobody(one)
    await restartEachWith(`${former},${next}`)
    await restartEachWith(`${next},${former}`)
    // Those of the beginning, and the four of each round of restarts of which two are of the first.
    const apps = 1 + 4 + 1
    expect(await reencrypt(`${next},${former}`)).toEqual({
      code: 0,
      output: `re-encrypted: 2 signing keys, ${apps} authenticator apps\n`,
    })
    expect(await reencrypt(`${next},${former}`)).toEqual({
      code: 0,
      output: 're-encrypted: 0 signing keys, 0 authenticator apps\n',
    })
    await restartEachWith(next)
    for (const each of processes) expect(await passkeysOfNobody(each)).toEqual(madeUp)

    const ask = asker('auth', processes[0]!.url)
    for (const code of [person.codeOf(0), person.another]) {
      await loggedIn(ask, { ...person.credentials, code })
    }
    const jwks = await fetch(new URL('/.well-known/jwks.json', processes[1]!.url))
    await jwtVerify(token, createLocalJWKSet((await jwks.json()) as JSONWebKeySet))
    const refused = await runKeys(['list'], environmentWith(former))
    expect(refused.output).toContain('KEY_ENCRYPTION_SECRET does not decrypt the signing key')
  })

  test('without the secret of a text, reencrypt says which one it is', async () => {
    const database = await openAuthDatabase(scratch.url)
    await sql`update auth_totp set secret = ${keyEncryption([former]).encrypt('other', '')}
      where account_id = (select max(account_id) from auth_totp)`.execute(database)
    await database.destroy()
    const { code, output } = await reencrypt(`${next},${former}`)
    expect(code).toBe(1)
    expect(output).toMatch(/KEY_ENCRYPTION_SECRET does not decrypt 1 more, such as "totp \S+": add/)
  })
})

test('claims-key prints the key of each secret, as CLAIMS_KEY takes them', async () => {
  const newest = 'the secret that takes over from the other'
  const claimsKeyWith = (secret: string) =>
    runKeys(['claims-key', 'users'], { GATEWAY_SECRET: secret })
  const [one, both, short] = await Promise.all([
    claimsKeyWith(gatewaySecret),
    claimsKeyWith(`${newest}, ${gatewaySecret}`),
    claimsKeyWith(`${newest},too short`),
  ])
  expect(one).toEqual({ code: 0, output: `${claimsKeyOf(gatewaySecret)}\n` })
  const expected = `${claimsKeyOf(newest)},${claimsKeyOf(gatewaySecret)}\n`
  expect(both).toEqual({ code: 0, output: expected })
  expect(short.code).toBe(1)
  expect(short.output).toContain('GATEWAY_SECRET has a secret that is shorter than 32 bytes')
  expect(short.output).not.toContain('too short')
})

/** `npm run keys`: its exit code, and what it printed on the stream that goes with it. */
function runKeys(words: string[], environment: Record<string, string>) {
  return run(process.execPath, runCompiled('scripts/keys', ...words), {
    env: { PATH: process.env.PATH, ...environment },
  }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (failure) => ({ code: failure.code as number, output: failure.stderr as string }),
  )
}

function claimsKeyOf(secret: string): string {
  return Buffer.from(deriveClaimsKey(secret, 'users')).toString('base64url')
}
