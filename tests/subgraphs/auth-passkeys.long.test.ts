import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import {
  authEnvironment,
  cheapHashes,
  claimsOf,
  loggedIn,
  signedUp,
} from '../support/auth-client.ts'
import type { CallerClaims } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { softAuthenticator } from '../support/soft-authenticator.ts'
import type { Answering, SoftAuthenticator } from '../support/soft-authenticator.ts'

const minute = 60_000

describe.each(await testDatabases())('passkeys on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let running: RunningProcess
  let ask: Ask
  let claims: CallerClaims
  let ahead = 0

  beforeAll(async () => {
    scratch = await make()
    running = await startAuth(authEnvironment(scratch.url), {
      now: () => Date.now() + ahead,
      hashParameters: cheapHashes,
    })
    ask = asker('auth', running.url)
    claims = (await loggedIn(ask)).claims
  })
  afterAll(async () => {
    await running.close()
    await scratch.drop()
  })

  const startRegistration = async () =>
    JSON.parse(
      (await ask(claims, 'mutation { startPasskeyRegistration }')).data.startPasskeyRegistration,
    )
  const finishRegistration = (response: string, caller: CallerClaims = claims) =>
    ask(
      caller,
      `mutation ($response: String!) {
        finishPasskeyRegistration(response: $response, name: "My phone") { id name lastUsedAt }
      }`,
      { response },
    )
  const register = async (device: SoftAuthenticator, answering?: Answering) =>
    finishRegistration(device.create(await startRegistration(), answering))
  const startLogin = async (username?: string) => {
    const mutation = 'mutation ($username: String) { startPasskeyLogin(username: $username) }'
    return JSON.parse((await ask(null, mutation, { username })).data.startPasskeyLogin)
  }
  const finishLogin = (response: string) =>
    ask(
      null,
      `mutation ($response: String!) {
        finishPasskeyLogin(response: $response) { token refreshToken user { id } }
      }`,
      { response },
    )

  test('a passkey logs in without a username, as two factors', async () => {
    const device = softAuthenticator()
    const made = await register(device)
    expect(made.data.finishPasskeyRegistration).toEqual({
      id: device.id,
      name: 'My phone',
      lastUsedAt: null,
    })
    const { data } = await finishLogin(device.get(await startLogin()))
    expect(data.finishPasskeyLogin).toMatchObject({ user: { id: '1' } })
    expect(claimsOf(data.finishPasskeyLogin.token)).toMatchObject({
      sub: '1',
      acr: 'aal2',
      amr: ['pop', 'user', 'mfa'],
    })
    const list = await ask(claims, '{ passkeys { id lastUsedAt } }')
    expect(list.data.passkeys).toContainEqual({ id: device.id, lastUsedAt: expect.any(String) })
  })

  test('with a username, its passkeys are named, and made up ones for an unknown name', async () => {
    const device = softAuthenticator()
    await register(device)
    const known = await startLogin('Alice')
    expect(known.allowCredentials.map(({ id }: { id: string }) => id)).toContain(device.id)
    expect((await finishLogin(device.get(known))).data.finishPasskeyLogin).not.toBeNull()

    const [unknown, again] = [await startLogin('nobody'), await startLogin('NOBODY')]
    expect(unknown.allowCredentials).toHaveLength(1)
    expect(unknown.allowCredentials).toEqual(again.allowCredentials)
    expect(Object.keys(unknown).sort()).toEqual(Object.keys(known).sort())
  })

  test('a response is valid once, for its own challenge, and for five minutes', async () => {
    const device = softAuthenticator()
    await register(device)
    const answer = device.get(await startLogin())
    const [first, second] = await Promise.all([finishLogin(answer), finishLogin(answer)])
    expect([first, second].filter(({ errors }) => !errors)).toHaveLength(1)

    const invented = device.get({ ...(await startLogin()), challenge: 'aW52ZW50ZWQ' })
    expect(codes(await finishLogin(invented))).toEqual(['INVALID_CREDENTIALS'])
    const late = device.get(await startLogin())
    ahead += 6 * minute
    expect(codes(await finishLogin(late))).toEqual(['INVALID_CREDENTIALS'])
    ahead -= 6 * minute
    const forRegistration = device.get({ ...(await startRegistration()), rpId: 'localhost' })
    expect(codes(await finishLogin(forRegistration))).toEqual(['INVALID_CREDENTIALS'])
  })

  test.each([
    ['from another page', { origin: 'https://evil.example' }, 'BAD_USER_INPUT'],
    ['from a device that its owner did not unlock', { userVerified: false }, 'INVALID_CREDENTIALS'],
  ])('an answer %s is refused', async (_name, answering, code) => {
    const device = softAuthenticator()
    expect(codes(await register(device, answering))).toEqual(['BAD_USER_INPUT'])
    await register(device)
    const answer = device.get(await startLogin(), answering)
    expect(codes(await finishLogin(answer))).toEqual([code])
  })

  test('another device with the same id, a removed passkey and garbage are refused', async () => {
    const [device, thief] = [softAuthenticator(), softAuthenticator()]
    await register(device)
    const stolen = JSON.parse(thief.get(await startLogin()))
    const forged = JSON.stringify({ ...stolen, id: device.id, rawId: device.id })
    expect(codes(await finishLogin(forged))).toEqual(['INVALID_CREDENTIALS'])
    for (const garbage of ['{}', '[]', 'null', '{"id":1,"response":{"clientDataJSON":"e30"}}']) {
      expect(codes(await finishLogin(garbage))).toEqual(['INVALID_CREDENTIALS'])
    }
    expect(codes(await finishLogin('no json'))).toEqual(['BAD_USER_INPUT'])

    const remove = 'mutation ($id: ID!) { removePasskey(id: $id) }'
    expect((await ask(claims, remove, { id: device.id })).data.removePasskey).toBe(true)
    expect((await ask(claims, remove, { id: device.id })).data.removePasskey).toBe(false)
    expect(codes(await finishLogin(device.get(await startLogin())))).toEqual([
      'INVALID_CREDENTIALS',
    ])
  })

  test('an account has at most 50 passkeys, so that no login has to read more', async () => {
    const credentials = await signedUp(ask, 'collector', 'purple kangaroo sings')
    const { claims: owner } = await loggedIn(ask, credentials)
    const begun = await ask(owner, 'mutation { startPasskeyRegistration }')
    const database = await openDatabase<any>(scratch.url)
    const add = (count: number) =>
      database
        .insertInto('auth_passkeys')
        .values(
          Array.from({ length: count }, (_, index) => ({
            id: Buffer.from(`passkey ${count} ${index}`).toString('base64url'),
            account_id: owner.sub,
            name: 'x',
            public_key: '',
            counter: 0,
            transports: '',
            created_at: index,
          })),
        )
        .execute()
    await add(50)
    const device = softAuthenticator()
    const response = device.create(JSON.parse(begun.data.startPasskeyRegistration))
    const refused = [
      await ask(owner, 'mutation { startPasskeyRegistration }'),
      await finishRegistration(response, owner),
    ]
    const tooMany = {
      message: 'An account has at most 50 passkeys: remove one first',
      extensions: { code: 'BAD_USER_INPUT', limit: 50 },
    }
    expect(refused.map(({ errors }) => errors)).toMatchObject([[tooMany], [tooMany]])
    // Of an account that has more already, the newest.
    await add(60)
    await database.destroy()
    expect((await ask(owner, '{ passkeys { id } }')).data.passkeys).toHaveLength(50)
    expect((await startLogin('collector')).allowCredentials).toHaveLength(50)
  })

  test('a passkey is registered by its owner, with a challenge of their own', async () => {
    expect(codes(await ask(null, 'mutation { startPasskeyRegistration }'))).toEqual([
      'UNAUTHENTICATED',
    ])
    const device = softAuthenticator()
    const loginChallenge = { ...(await startLogin()), rp: { id: 'localhost' } }
    expect(codes(await finishRegistration(device.create(loginChallenge)))).toEqual([
      'BAD_USER_INPUT',
    ])
  })
})

test('in production there are passkeys where their domain is configured', async () => {
  const { relyingParty } = await production({})
  expect(relyingParty).toBeUndefined()
  const configured = await production({ PASSKEY_DOMAIN: 'shop.example' })
  expect(configured.relyingParty).toMatchObject({
    id: 'shop.example',
    origins: ['https://shop.example'],
  })
  await expect(
    production({ PASSKEY_DOMAIN: 'shop.example', PASSKEY_ORIGINS: 'https://shop.example/path' }),
  ).rejects.toThrow('PASSKEY_ORIGINS is not a list of origins')
})

async function production(environment: Record<string, string>) {
  const { readAuthSettings } = await import('../../subgraphs/auth/settings.ts')
  return readAuthSettings({
    ...authEnvironment('sqlite:/nowhere'),
    NODE_ENV: 'production',
    TOKEN_ISSUER: 'https://id.example.com',
    ...environment,
  })
}
