import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import { openAuthDatabase } from '../../subgraphs/auth/database.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { addressRange } from '../../subgraphs/auth/throttling/address-range.ts'
import { serializedAttempts } from '../../subgraphs/auth/throttling/serialized-attempts.ts'
import { throttleStore } from '../../subgraphs/auth/throttling/throttles.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { gatewayHeaders } from '../../subgraphs/kit/testing.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, codes, gatewaySecret } from '../support/ask-subgraph.ts'
import type { Answer, Ask } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes, login, loggedIn, signedUp } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'

const good = 'purple kangaroo sings'
const second = 1000
const minute = 60 * second

describe.each(await testDatabases())('attackers on $name', ({ name, make }) => {
  let scratch: ScratchDatabase
  let database: Kysely<any>
  let running: RunningProcess
  let ask: Ask
  /** Time stands still at auth, and only the tests move it on: however slow the machine is. */
  const start = Date.now()
  let ahead = 0

  beforeAll(async () => {
    scratch = await make()
    running = await startAuth(authEnvironment(scratch.url), {
      now: () => start + ahead,
      deliver: async () => {},
      hashParameters: cheapHashes,
    })
    ask = asker('auth', running.url)
    database = await openDatabase(scratch.url)
  })
  afterAll(async () => {
    await database.destroy()
    await running.close()
    await scratch.drop()
  })

  let count = 0
  const newAccount = () => signedUp(ask, `victim${count++}`, good)
  /** Each try with a password of its own, as an attacker would. */
  const guess = (username: string, address?: string) =>
    login(
      ask,
      { username, password: `guess ${count++} ${Math.random()}` },
      address === undefined ? {} : { address },
    )
  const works = async (credentials: Record<string, string>) =>
    codes(await login(ask, credentials)).length === 0

  test('after 5 wrong tries an account has to wait 1, 2, 4 ... seconds, also with the right password', async () => {
    const credentials = await newAccount()
    for (let tries = 0; tries < 5; tries++) await guess(credentials.username)
    expect(await works(credentials)).toBe(false)
    for (const wait of [1, 2, 4]) {
      ahead += wait * second
      await guess(credentials.username)
      expect(await works(credentials)).toBe(false)
      ahead += 2 * wait * second - 1
      expect(await works(credentials)).toBe(false)
      ahead -= 2 * wait * second - 1
    }
    ahead += 8 * second
    expect(await works(credentials)).toBe(true)
    // And the counting begins anew.
    for (let tries = 0; tries < 4; tries++) await guess(credentials.username)
    expect(await works(credentials)).toBe(true)
  })

  test('throttled, disabled, unknown and wrong have the same response', async () => {
    const [throttled, disabled, wrong] = [
      await newAccount(),
      await newAccount(),
      await newAccount(),
    ]
    for (let tries = 0; tries < 6; tries++) await guess(throttled.username)
    await sql`update auth_accounts set disabled_at = 1 where username = ${disabled.username}`.execute(
      database,
    )
    const answers: Answer[] = [
      await login(ask, throttled),
      await login(ask, disabled),
      await guess(wrong.username),
      await guess('nobody at all'),
    ]
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(codes(answers[0]!)).toEqual(['INVALID_CREDENTIALS'])
  })

  test('a device that logged in before is not locked out by the tries of others', async () => {
    const credentials = await newAccount()
    const { deviceToken } = (await login(ask, credentials)).data.login
    const withDevice = { ...credentials, deviceToken }
    for (let tries = 0; tries < 8; tries++) await guess(credentials.username)
    expect(await works(credentials)).toBe(false)
    const again = (await login(ask, withDevice)).data.login
    expect(again.deviceToken).toBe(deviceToken)
    // It has 5 tries of its own, and is good for one account only.
    for (let tries = 0; tries < 5; tries++) {
      await login(ask, { ...withDevice, password: `wrong ${tries}` })
    }
    expect(await works(withDevice)).toBe(false)
    const other = await newAccount()
    for (let tries = 0; tries < 8; tries++) await guess(other.username)
    expect(await works({ ...other, deviceToken })).toBe(false)
  })

  test('a network has 20 wrong tries a minute, at whatever accounts', async () => {
    const credentials = await newAccount()
    for (let tries = 0; tries < 20; tries++) await guess(`nobody${tries}`, `192.0.2.${tries}`)
    const from = async (address: string) =>
      codes(await login(ask, credentials, { address })).length === 0
    expect(await from('192.0.2.99')).toBe(false)
    expect(await from('192.0.3.1')).toBe(true)
    ahead += minute
    expect(await from('192.0.2.99')).toBe(true)
  })

  describe('in a network that has used up its tries', () => {
    let people: { username: string; password: string }[]
    let deviceToken: string
    const address = '198.51.100.7'
    const typo = (credentials: Record<string, string>) =>
      login(ask, { ...credentials, password: `typo ${count++} ${Math.random()}` }, { address })

    beforeEach(async () => {
      ahead += minute
      people = [await newAccount(), await newAccount()]
      deviceToken = (await login(ask, people[0]!)).data.login.deviceToken
      for (let tries = 0; tries < 20; tries++) await guess(`colleague${tries}`, '198.51.100.99')
    })

    test('right, wrong and unknown get the same error with the time to retry', async () => {
      const answers = [
        await login(ask, people[1], { address }),
        await typo(people[1]!),
        await guess('nobody at all', address),
      ]
      for (const { data, errors } of answers) {
        expect(data).toEqual({ login: null })
        expect(errors).toMatchObject([{ extensions: { code: 'TOO_MANY_REQUESTS' } }])
        const { retryAfter } = errors![0]!.extensions
        expect(Number.isInteger(retryAfter)).toBe(true)
        expect(retryAfter).toBeGreaterThan(0)
        expect(retryAfter).toBeLessThanOrEqual(60)
        expect(errors![0]!.message).toBe(`Too many requests: retry after ${retryAfter} seconds`)
      }
    })

    test('a device that logged in before gets in, and still has five tries of its own', async () => {
      const known = { ...people[0]!, deviceToken }
      expect(codes(await login(ask, known, { address }))).toEqual([])
      for (let tries = 0; tries < 5; tries++) {
        expect(codes(await typo(known))).toEqual(['INVALID_CREDENTIALS'])
      }
      expect(codes(await login(ask, known, { address }))).toEqual(['INVALID_CREDENTIALS'])
      // It is known to one account only.
      const another = { ...people[1]!, deviceToken }
      expect(codes(await login(ask, another, { address }))).toEqual(['TOO_MANY_REQUESTS'])
    })

    test('an account is not closed by tries that the network may not make', async () => {
      for (let tries = 0; tries < 8; tries++) await typo(people[1]!)
      expect(codes(await login(ask, people[1], { address: '203.0.113.1' }))).toEqual([])
    })

    test('others can sign up, ask for a new password and begin with a passkey', async () => {
      const answers = [
        await ask(null, 'mutation { startPasskeyLogin }', {}, { address }),
        await ask(null, 'mutation { requestPasswordReset(username: "alice") }', {}, { address }),
        await ask(
          null,
          'mutation { resetPassword(token: "x", newPassword: "x") { changed } }',
          {},
          { address },
        ),
        await ask(
          null,
          'mutation { signUp(username: "x", password: "x") { user { id } } }',
          {},
          { address },
        ),
      ]
      expect(answers.flatMap(codes)).toEqual([])
    })
  })

  test('typos on known devices do not use up the tries of the network', async () => {
    const address = '203.0.113.77'
    for (let person = 0; person < 6; person++) {
      const credentials = await newAccount()
      const { deviceToken } = (await login(ask, credentials)).data.login
      for (let tries = 0; tries < 4; tries++) {
        const password = `typo ${count++} ${Math.random()}`
        await login(ask, { ...credentials, deviceToken, password }, { address })
      }
    }
    expect(codes(await login(ask, await newAccount(), { address }))).toEqual([])
  })

  test.each([
    ['signs up', 20, 'mutation { signUp(username: "x", password: "x") { user { id } } }'],
    ['asks for new passwords', 20, 'mutation { requestPasswordReset(username: "nobody") }'],
    ['tries tokens', 20, 'mutation { resetPassword(token: "x", newPassword: "x") { changed } }'],
    // As pages with passkey autofill do when they load.
    ['begins with passkeys', 200, 'mutation { startPasskeyLogin }'],
    ['tries passkeys', 20, 'mutation { finishPasskeyLogin(response: "{}") { token } }'],
  ])('a network that %s more than %i times a minute has to wait', async (_name, most, document) => {
    const client = { address: `203.0.${113 + (count++ % 100)}.1` }
    ahead += minute
    for (let tries = 0; tries < most; tries += 20) {
      const answers = Array.from({ length: 20 }, () => ask(null, document, {}, client))
      expect((await Promise.all(answers)).flatMap(codes)).not.toContain('TOO_MANY_REQUESTS')
    }
    expect((await ask(null, document, {}, client)).errors).toMatchObject([
      { extensions: { code: 'TOO_MANY_REQUESTS', retryAfter: expect.any(Number) } },
    ])
    ahead += minute
    expect(codes(await ask(null, document, {}, client))).not.toContain('TOO_MANY_REQUESTS')
  })

  test('a right password without its code does not use up the tries of a network', async () => {
    const credentials = await newAccount()
    const { claims } = await loggedIn(ask, credentials)
    await ask(claims, 'mutation { enrolTotp { secret } }')
    await sql`update auth_totp set confirmed_at = 1 where account_id = ${claims.sub}`.execute(
      database,
    )
    for (let tries = 0; tries < 25; tries++) {
      const answer = await login(ask, credentials, { address: '203.0.112.1' })
      expect(codes(answer)).toEqual(['SECOND_FACTOR_REQUIRED'])
    }
  })

  test('one password is not tried at every account', async () => {
    const credentials = await newAccount()
    const popular = { ...credentials, password: good }
    for (let tries = 0; tries < 31; tries++) {
      await login(ask, { username: `someone${tries}`, password: good })
    }
    expect(await works(popular)).toBe(false)
    ahead += 60 * minute
    expect(await works(popular)).toBe(true)
  })

  test('of 100 concurrent wrong attempts, all are counted and 5 are allowed', async () => {
    // However long all this takes, it is the same moment: no pause is over in between.
    const moment = Date.now()
    // As many processes as the database is made for, each with its own connections.
    const others = name === 'PostgreSQL' ? [await openAuthDatabase(scratch.url)] : []
    const processes = [database, ...others].map((each) => {
      const throttles = throttleStore(() => moment)
      return { each, throttles, tries: serializedAttempts(each, throttles) }
    })
    const allowed = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const { each, throttles, tries } = processes[index % processes.length]!
        const allowed = await tries.begin('crowd')
        if (allowed) await throttles.failed(each, 'crowd')
        return allowed
      }),
    )
    expect(allowed.filter(Boolean)).toHaveLength(5)
    const { rows } =
      await sql`select attempts, failures, pending from auth_throttles where key = 'crowd'`.execute(
        database,
      )
    expect(rows).toEqual([{ attempts: 100, failures: 5, pending: 0 }])
    await Promise.all(others.map((each) => each.destroy()))
  })

  test('an attempt without a reported outcome counts as a failure', async () => {
    let time = Date.now()
    const throttles = throttleStore(() => time)
    const begin = () => throttles.begin(database, 'vanished')
    for (let tries = 0; tries < 5; tries++) expect(await begin()).toBe('allowed')
    expect(await begin()).toBe('later')
    time += 9 * second
    expect(await begin()).toBe('allowed')
    expect(await begin()).toBe('later')
    await throttles.failed(database, 'vanished')
    expect(await begin()).toBe('refused')
  })

  test('100 failures in a row close an account to unknown devices for good', async () => {
    let time = Date.now()
    const throttles = throttleStore(() => time)
    const waits: number[] = []
    for (let failure = 1; failure <= 100; failure++) {
      expect(await throttles.begin(database, 'patient')).toBe('allowed')
      await throttles.failed(database, 'patient')
      const { rows } = await sql<{
        blocked_until: number
      }>`select blocked_until from auth_throttles where key = 'patient'`.execute(database)
      const wait = Math.max(0, rows[0]!.blocked_until - time)
      waits.push(wait / second)
      time += wait
    }
    expect(waits.slice(0, 8)).toEqual([0, 0, 0, 0, 1, 2, 4, 8])
    expect(waits.slice(13, 17)).toEqual([512, 900, 900, 900])
    expect(waits.at(-2)).toBe(900)
    expect(waits.at(-1)).toBeGreaterThan(365 * 24 * 3600)
  })

  test('the current password cannot be guessed with a stolen access token', async () => {
    const { claims } = await loggedIn(ask, await newAccount())
    const change = (currentPassword: string) =>
      ask(
        claims,
        `mutation ($currentPassword: String!) {
          changePassword(currentPassword: $currentPassword, newPassword: "violet elephant hums") { changed }
        }`,
        { currentPassword },
      )
    for (let tries = 0; tries < 6; tries++) await change(`guess ${tries}`)
    expect(codes(await change(good))).toEqual(['INVALID_CREDENTIALS'])
  })

  test('a mailbox is not flooded', async () => {
    const { username } = await newAccount()
    const request = 'mutation ($username: String!) { requestPasswordReset(username: $username) }'
    for (let requests = 0; requests < 6; requests++) await ask(null, request, { username })
    const accountId = (await loggedIn(ask, { username, password: good })).claims.sub
    const { rows } =
      await sql`select id from auth_audit where account_id = ${accountId} and event = 'password reset requested'`.execute(
        database,
      )
    expect(rows.length).toBeLessThanOrEqual(3)
  })

  test('the database gives away neither the usernames nor the passwords that were tried', async () => {
    await guess('a-secret-typed-as-username')
    for (const table of ['auth_throttles', 'auth_audit']) {
      const { rows } = await sql`select * from ${sql.table(table)}`.execute(database)
      expect(JSON.stringify(rows)).not.toMatch(/secret|guess|victim/)
    }
  })

  describe('one credential field a document', () => {
    const credentials = '(username: "alice", password: "secret")'
    test.each([
      ['two', `mutation { a: login${credentials} { token } b: login${credentials} { token } }`],
      [
        'two in a fragment',
        `mutation { ...F } fragment F on Mutation { a: login${credentials} { token } ... { b: login${credentials} { token } } }`,
      ],
      [
        'two kinds',
        `mutation { login${credentials} { token } refresh(refreshToken: "x") { token } }`,
      ],
      [
        'two operations',
        `mutation A { login${credentials} { token } } mutation B { login${credentials} { token } }`,
      ],
    ])('%s are refused before anything is computed', async (_name, query) => {
      const { rows: before } =
        await sql`select count(*) as n from auth_audit where event like 'login%'`.execute(database)
      const answer = await ask(null, query)
      expect(answer.data).toBeUndefined()
      expect(answer.errors).toMatchObject([
        { message: 'Only one credential field is allowed per operation' },
      ])
      const { rows: after } =
        await sql`select count(*) as n from auth_audit where event like 'login%'`.execute(database)
      expect(after).toEqual(before)
    })

    test('a list of requests is refused', async () => {
      const query = `mutation { login${credentials} { token } }`
      const response = await fetch(running.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...gatewayHeaders('auth', deriveClaimsKey(gatewaySecret, 'auth'), null),
        },
        body: JSON.stringify([{ query }, { query }]),
      })
      expect(response.status).toBe(400)
      expect(await response.text()).not.toContain('token')
    })
  })
})

test.each([
  ['192.0.2.7', '192.0.2.0/24'],
  ['::ffff:192.0.2.7', '192.0.2.0/24'],
  ['::FFFF:c000:0207', '192.0.2.0/24'],
  ['::ffff:c000:207', '192.0.2.0/24'],
  ['0:0:0:0:0:ffff:c000:207', '192.0.2.0/24'],
  ['64:ff9b::192.0.2.7', '0064:ff9b:0000:0000::/56'],
  ['2001:db8:1:2345:6::1', '2001:0db8:0001:2300::/56'],
  ['2001:db8:1:23ff::', '2001:0db8:0001:2300::/56'],
  ['2001:db8:1:2400::', '2001:0db8:0001:2400::/56'],
  ['::1', '0000:0000:0000:0000::/56'],
  ['fe80::1%eth0', 'fe80:0000:0000:0000::/56'],
  ['nonsense', undefined],
  [undefined, undefined],
])('the network of %s is %s', (address, range) => {
  expect(addressRange(address)).toBe(range)
})

test('a mailbox is not flooded by accounts that were created with its address', async () => {
  const [{ make }] = (await testDatabases()) as [TestDatabase]
  const scratch = await make()
  const letters: unknown[] = []
  const running = await startAuth(authEnvironment(scratch.url), {
    deliver: async ({ to }) => void letters.push(to),
    hashParameters: cheapHashes,
  })
  const ask = asker('auth', running.url)
  const spellings = ['victim@example.com', 'Victim@Example.com']
  for (let account = 0; account < 8; account++) {
    const variables = { username: `sender${account}`, email: spellings[account % 2] }
    await ask(
      null,
      `mutation ($username: String!, $email: String) {
        signUp(username: $username, email: $email, password: "purple kangaroo sings") { problems { code } }
      }`,
      variables,
    )
    for (let requests = 0; requests < 3; requests++) {
      await ask(
        null,
        'mutation ($username: String!) { requestPasswordReset(username: $username) }',
        variables,
      )
    }
  }
  // Her address is verified: only the limit of her account counts.
  await ask(null, 'mutation { requestPasswordReset(username: "alice") }')
  await running.close()
  await scratch.drop()
  expect(letters.filter((to) => to === 'alice@example.com')).toHaveLength(1)
  expect(letters).toHaveLength(1 + 15)
})

test('how often a network, a password and a mailbox may be tried are settings', async () => {
  const [{ make }] = (await testDatabases()) as [TestDatabase]
  const scratch = await make()
  const letters: unknown[] = []
  const environment = {
    ...authEnvironment(scratch.url),
    NETWORK_TRIES_PER_MINUTE: '2',
    PASSWORD_TRIES_PER_HOUR: '3',
    MAILS_PER_HOUR: '1',
  }
  const running = await startAuth(environment, {
    deliver: async (letter) => void letters.push(letter),
    hashParameters: cheapHashes,
  })
  const ask = asker('auth', running.url)
  const guess = (address: string, password: string) =>
    login(ask, { username: 'nobody', password }, { address })
  const seen = []
  for (const password of ['one', 'two', 'three'])
    seen.push(...codes(await guess('10.0.0.1', password)))
  expect(seen).toEqual(['INVALID_CREDENTIALS', 'INVALID_CREDENTIALS', 'TOO_MANY_REQUESTS'])
  for (let tries = 0; tries < 3; tries++) {
    await login(ask, { username: `someone${tries}`, password: 'secret' })
  }
  expect(codes(await login(ask))).toEqual(['INVALID_CREDENTIALS'])
  for (let tries = 0; tries < 3; tries++) {
    await ask(null, 'mutation { requestPasswordReset(username: "alice") }')
  }
  await running.close()
  expect(letters).toHaveLength(1)

  await expect(startAuth({ ...environment, NETWORK_TRIES_PER_MINUTE: '0' })).rejects.toThrow(
    /NETWORK_TRIES_PER_MINUTE is "0": expected a number from 1 to 1000000/,
  )
  await scratch.drop()
})
