import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { hash as argon2 } from '@node-rs/argon2'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import { readNewUsername } from '../../subgraphs/auth/accounts/username.ts'
import { delivery } from '../../subgraphs/auth/delivery/deliver.ts'
import type { Letter } from '../../subgraphs/auth/delivery/deliver.ts'
import { hashingQueue } from '../../subgraphs/auth/passwords/hashing-queue.ts'
import { passwordProblems } from '../../subgraphs/auth/passwords/password-rules.ts'
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
  login,
  refresh,
} from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const good = 'purple kangaroo sings'
const better = 'yellow submarine dives deep'
const minute = 60 * 1000

const signUpMutation = `mutation ($username: String!, $password: String!, $name: String, $email: String) {
  signUp(username: $username, password: $password, name: $name, email: $email) {
    user { id } problems { field code message } strength { score warning suggestions }
  }
}`
const passwordPayload = '{ changed problems { field code } }'
const changeMutation = `mutation ($current: String!, $next: String!) {
  changePassword(currentPassword: $current, newPassword: $next) ${passwordPayload}
}`
const resetMutation = `mutation ($token: String!, $next: String!) {
  resetPassword(token: $token, newPassword: $next) ${passwordPayload}
}`
const requestMutation =
  'mutation ($username: String!) { requestPasswordReset(username: $username) }'

describe.each(await testDatabases())('accounts on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let database: Kysely<any>
  let running: RunningProcess
  let ask: Ask
  let ahead = 0
  let mailbox: Letter[] = []

  beforeAll(async () => {
    scratch = await make()
    running = await startAuth(
      { ...authEnvironment(scratch.url), PASSWORD_RESET_URL: 'https://shop.example/reset' },
      {
        now: () => Date.now() + ahead,
        deliver: async (letter) => void mailbox.push(letter),
        hashParameters: cheapHashes,
      },
    )
    ask = asker('auth', running.url)
    database = await openDatabase(scratch.url)
  })
  afterAll(async () => {
    await database.destroy()
    await running.close()
    await scratch.drop()
  })

  const signUp = async (username: string, password = good, more: Record<string, string> = {}) => {
    const answer = await ask(null, signUpMutation, { username, password, ...more })
    return answer.data.signUp as { user: { id: string } | null; problems: { code: string }[] }
  }
  const problemsOf = async (...request: Parameters<typeof signUp>) =>
    (await signUp(...request)).problems.map(({ code }) => code)

  test('whoever signs up can log in, and sees their own account', async () => {
    const { user, problems } = await signUp('Carol', good, {
      name: 'Carol C.',
      email: 'c@shop.example',
    })
    expect({ user, problems }).toEqual({ user: { id: expect.any(String) }, problems: [] })
    const { claims } = await loggedIn(ask, { username: 'cAROL', password: good })
    expect(claims).toMatchObject({ sub: user!.id, name: 'Carol C.' })
    const { data } = await ask(claims, '{ me { username email emailVerified scopes user { id } } }')
    expect(data.me).toEqual({
      username: 'carol',
      email: 'c@shop.example',
      emailVerified: false,
      scopes: ['profile', 'profile:email'],
      user: { id: user!.id },
    })
    expect(codes(await ask(null, '{ me { username } }'))).toEqual(['UNAUTHENTICATED'])
  })

  test('an address is in no token until it is verified, whoever gave it', async () => {
    for (const name of ['claimant', 'owner']) await signUp(name, good, { email: 'o@shop.example' })
    const tokens = async (username: string) => {
      const { claims, refreshToken } = await loggedIn(ask, { username, password: good })
      const renewed = claimsOf((await refresh(ask, refreshToken)).data.refresh.token)
      const make = 'mutation { createApiKey(name: "k", scopes: ["profile:email"]) { key } }'
      const { key } = (await ask(claims, make)).data.createApiKey
      const response = await fetch(new URL('/oauth/token', running.url), {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token_type: 'urn:portcullis:params:oauth:token-type:api-key',
          subject_token: key,
        }),
      })
      const { access_token: exchanged } = (await response.json()) as { access_token: string }
      return [claims, renewed, claimsOf(exchanged)]
    }
    for (const claims of [...(await tokens('claimant')), ...(await tokens('owner'))]) {
      expect(claims).not.toHaveProperty('email')
      expect(claims).not.toHaveProperty('email_verified')
    }
    await sql`update auth_accounts set email_verified_at = 1 where username = 'owner'`.execute(
      database,
    )
    for (const claims of await tokens('owner')) {
      expect(claims).toMatchObject({ email: 'o@shop.example', email_verified: true })
    }
    expect((await tokens('claimant'))[0]).not.toHaveProperty('email')
  })

  test('a name is taken in every spelling, and by every name that looks like it', async () => {
    await signUp('paypal')
    for (const name of [
      'PayPal',
      'ｐａｙｐａｌ',
      'paypa1',
      'рауpal'.normalize(),
      'páypal',
      'раура1',
    ]) {
      expect(await problemsOf(name)).toEqual([expect.stringMatching(/^(TAKEN|MIXED_SCRIPTS)$/)])
    }
    expect(await problemsOf('раура')).toEqual([])
  })

  test('of 50 concurrent sign-ups of one name, one creates an account', async () => {
    const results = []
    for (let round = 0; round < 5; round++) {
      const spellings = Array.from({ length: 10 }, (_, index) => (index % 2 ? 'Crowd' : 'cr0wd'))
      results.push(...(await Promise.all(spellings.map((name) => signUp(name)))))
    }
    expect(results.filter(({ user }) => user)).toHaveLength(1)
    const rows = await sql`select id from auth_accounts where skeleton = 'crowd'`.execute(database)
    expect(rows.rows).toHaveLength(1)
  })

  test('what is wrong with a sign-up is said for each field, with a hint', async () => {
    const answer = await ask(null, signUpMutation, {
      username: 'a b',
      password: 'short',
      email: 'nowhere',
      name: 'two\nlines',
    })
    const { user, problems, strength } = answer.data.signUp
    expect(user).toBeNull()
    expect(
      problems.map(({ field, code }: { field: string; code: string }) => [field, code]),
    ).toEqual([
      ['username', 'INVISIBLE_CHARACTERS'],
      ['password', 'TOO_SHORT'],
      ['name', 'UNUSABLE'],
      ['email', 'NO_ADDRESS'],
    ])
    expect(strength).toMatchObject({ score: 0, suggestions: expect.any(Array) })
  })

  test('a password is the same from every keyboard', async () => {
    const composed = 'Übermut tut selten gut \u00e9'
    await signUp('umlaut', composed.normalize('NFD'))
    await loggedIn(ask, { username: 'umlaut', password: composed.normalize('NFC') })
  })

  describe('changePassword', () => {
    test('needs the current password, and ends the other sessions', async () => {
      await signUp('changer')
      const credentials = { username: 'changer', password: good }
      const [own, other] = [await loggedIn(ask, credentials), await loggedIn(ask, credentials)]
      const change = (current: string, next: string) =>
        ask(own.claims, changeMutation, { current, next })

      expect(codes(await change('wrong', better))).toEqual(['INVALID_CREDENTIALS'])
      expect((await change(good, 'changerChanger9')).data.changePassword).toEqual({
        changed: false,
        problems: [{ field: 'newPassword', code: 'MADE_OF_USERNAME' }],
      })
      expect((await change(good, better)).data.changePassword).toEqual({
        changed: true,
        problems: [],
      })

      expect(codes(await login(ask, credentials))).toEqual(['INVALID_CREDENTIALS'])
      await loggedIn(ask, { ...credentials, password: better })
      expect(codes(await refresh(ask, other.refreshToken))).toEqual(['SESSION_ENDED'])
      expect(codes(await refresh(ask, own.refreshToken))).toEqual([])
    })

    test('is for a caller with an open session', async () => {
      const request = { current: good, next: better }
      expect(codes(await ask(null, changeMutation, request))).toEqual(['UNAUTHENTICATED'])
      expect(codes(await ask({ sub: '1' }, changeMutation, request))).toEqual(['UNAUTHENTICATED'])
    })
  })

  describe('a password reset', () => {
    const tokenInMailbox = async () => {
      const letter = await until(() => mailbox.at(-1))
      return /#token=([\w-]{43})/.exec(letter.text)![1]!
    }
    const request = async (username: string) => {
      mailbox = []
      const answer = await ask(null, requestMutation, { username })
      expect(answer).toEqual({ data: { requestPasswordReset: true } })
    }
    const reset = async (token: string, next: string) =>
      (await ask(null, resetMutation, { token, next })).data.resetPassword
    const unusable = { changed: false, problems: [{ field: 'token', code: 'UNUSABLE' }] }

    test('goes to the mailbox, works once, and ends every session', async () => {
      await signUp('forgetful', good, { email: 'f@shop.example' })
      const { refreshToken } = await loggedIn(ask, { username: 'forgetful', password: good })
      await request('Forgetful')
      const token = await tokenInMailbox()
      expect(mailbox).toMatchObject([{ to: 'f@shop.example' }])
      expect(mailbox[0]!.text).toContain('https://shop.example/reset#token=')

      expect(await reset(token, 'short')).toMatchObject({ changed: false })
      const results = await Promise.all([reset(token, better), reset(token, better)])
      expect(results.filter(({ changed }) => changed)).toHaveLength(1)
      expect(await reset(token, good)).toEqual(unusable)
      await loggedIn(ask, { username: 'forgetful', password: better })
      expect(codes(await refresh(ask, refreshToken))).toEqual(['SESSION_ENDED'])
    })

    test('has the same response for an unknown account, which gets no mail', async () => {
      await request('nobody-at-all')
      await signUp('somebody', good, { email: 's@shop.example' })
      await request('somebody')
      await tokenInMailbox()
      expect(mailbox).toHaveLength(1)
    })

    test('is too old after 15 minutes, and superseded by the next', async () => {
      await signUp('slow@shop.example')
      await request('slow@shop.example')
      const first = await tokenInMailbox()
      expect(mailbox).toMatchObject([{ to: 'slow@shop.example' }])
      await request('slow@shop.example')
      const second = await tokenInMailbox()
      expect(await reset(first, better)).toEqual(unusable)
      ahead = 15 * minute
      expect(await reset(second, better)).toEqual(unusable)
      ahead = 0
      expect(await reset('x', better)).toEqual(unusable)
      const { rows } = await sql<{ hash: string }>`select hash from auth_password_resets`.execute(
        database,
      )
      expect(rows.map(({ hash }) => hash)).not.toContain(second)
    })
  })

  test('a hash from elsewhere is replaced by a stronger one at the first login', async () => {
    const weak = {
      bcrypt: await bcrypt(good, 4),
      argon2i: await argon2(good, { ...cheapHashes, algorithm: 1 }),
      argon2id: await argon2(good, { ...cheapHashes, memoryCost: cheapHashes.memoryCost / 2 }),
    }
    for (const [username, hash] of Object.entries(weak)) {
      await signUp(username)
      const stored = () =>
        sql<{
          password_hash: string
        }>`select password_hash from auth_accounts where username = ${username}`.execute(database)
      await sql`update auth_accounts set password_hash = ${hash} where username = ${username}`.execute(
        database,
      )
      expect(codes(await login(ask, { username, password: better }))).toEqual([
        'INVALID_CREDENTIALS',
      ])
      await loggedIn(ask, { username, password: good })
      expect((await stored()).rows[0]!.password_hash).toMatch(/^\$argon2id\$v=19\$m=256,t=1,p=1\$/)
      await loggedIn(ask, { username, password: good })
    }
  })
})

describe('a username', () => {
  test.each([
    ['ALICE', 'alice'],
    ['ｆｕｌｌ', 'full'],
    ['Straße', 'straße'],
    ['ﬁnn', 'finn'],
    ['İzmir', 'i̇zmir'],
    ['漢字漢', '漢字漢'],
    ['a.b_c@d-e+f', 'a.b_c@d-e+f'],
  ])('%s has the canonical form %s', (typed, canonical) => {
    expect(readNewUsername(typed)).toMatchObject({ canonical })
  })

  test.each([
    ['ab', 'LENGTH'],
    ['a'.repeat(65), 'LENGTH'],
    ['al\u200bice', 'INVISIBLE_CHARACTERS'],
    ['al\u00adice', 'INVISIBLE_CHARACTERS'],
    ['al\u202eice', 'INVISIBLE_CHARACTERS'],
    ['al ice', 'INVISIBLE_CHARACTERS'],
    ['al\u00a0ice', 'INVISIBLE_CHARACTERS'],
    ['alice\u0000', 'INVISIBLE_CHARACTERS'],
    ['al\ud800ice', 'INVISIBLE_CHARACTERS'],
    ['al\u3164ice', 'INVISIBLE_CHARACTERS'],
    ['al/ice', 'CHARACTERS'],
    ['<script>', 'CHARACTERS'],
    ['аlice', 'MIXED_SCRIPTS'],
    ['αlice', 'MIXED_SCRIPTS'],
  ])('%j is refused: %s', (typed, code) => {
    expect(readNewUsername(typed)).toMatchObject([{ field: 'username', code }])
  })
})

describe('a new password', () => {
  const problems = (password: string, username = 'somebody', leastLength = 15) =>
    passwordProblems('password', password, username, { leastLength }).map(({ code }) => code)

  test.each([
    ['fourteen chars', 'TOO_SHORT'],
    ['\u{1f512}'.repeat(14), 'TOO_SHORT'],
    ['x'.repeat(257), 'TOO_LONG'],
    ['a broken half \ud83d pair', 'ILL_FORMED'],
    ['passwordpassword', 'COMMON'],
    ['Qwerty123456789', 'COMMON'],
    ['1234567890987654321', 'COMMON'],
    ['iloveyoudragon1', 'COMMON'],
    ['aaaaaaaaaaaaaaaaaaaa', 'COMMON'],
    ['abcabcabcabcabcabc', 'COMMON'],
    ['somebody-x7q!vw', 'MADE_OF_USERNAME'],
    ['ydobemos-202611', 'MADE_OF_USERNAME'],
    ['SomebodySomebody!', 'MADE_OF_USERNAME'],
  ])('%j is refused: %s', (password, code) => {
    expect(problems(password)).toEqual([code])
  })

  test.each([
    good,
    'correct horse battery staple',
    ' spaces count too ',
    '\u{1f512}\u{1f511}\u{1f5dd}ключ от квартиры',
    'x1'.repeat(60) + 'somebody and something else',
    'all lower case and no digit',
  ])('%j is accepted: there are no rules of composition', (password) => {
    expect(problems(password)).toEqual([])
  })

  test('may be shorter where a second factor is required', () => {
    expect(problems('gx7!vqpa', 'somebody', 8)).toEqual([])
    expect(problems('dragon12', 'somebody', 8)).toEqual(['COMMON'])
  })
})

test('the hashing queue works in parallel, lets 64 wait, and refuses further ones', async () => {
  const inTurn = hashingQueue({ parallel: 2, waiting: 64 })
  let running = 0
  let most = 0
  const finish: (() => void)[] = []
  const task = async () => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => finish.push(resolve))
    running--
  }
  const accepted = Array.from({ length: 66 }, () => inTurn(task))
  await expect(inTurn(task)).rejects.toMatchObject({
    extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 },
  })
  let done = 0
  for (const each of accepted) void each.then(() => done++)
  await until(() => {
    finish.splice(0).forEach((resolve) => resolve())
    return done === 66
  })
  expect(most).toBe(2)
  const last = inTurn(task)
  finish.splice(0).forEach((resolve) => resolve())
  await last
})

describe('mail', () => {
  test('is sent to an HTTP service', async () => {
    const { createServer } = await import('node:http')
    const received: unknown[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += chunk))
      request.on('end', () => {
        received.push(JSON.parse(body))
        response.statusCode = received.length === 1 ? 202 : 500
        response.end()
      })
    }).listen(0, '127.0.0.1')
    await until(() => server.listening)
    const { port } = server.address() as { port: number }
    const deliver = delivery({
      url: `http://127.0.0.1:${port}/mail`,
      from: 'shop',
      production: true,
    })
    const letter = { to: 'a@b.example', subject: 'Hello', text: 'secret' }
    await deliver(letter)
    expect(received).toEqual([{ from: 'shop', ...letter }])
    await expect(deliver(letter)).rejects.toThrow('MAIL_URL responded with 500')
    server.closeAllConnections()
    server.close()
  })

  test('is sent by SMTP', async () => {
    const { createServer } = await import('node:net')
    const lines: string[] = []
    const server = createServer((socket) => {
      let inData = false
      socket.write('220 test\r\n')
      socket.on('data', (chunk) => {
        for (const line of String(chunk).split('\r\n').filter(Boolean)) {
          lines.push(line)
          if (inData && line !== '.') continue
          if (line === '.') inData = false
          if (line === 'DATA') inData = true
          socket.write(inData ? '354 go on\r\n' : '250 fine\r\n')
        }
      })
      socket.on('error', () => {})
    }).listen(0, '127.0.0.1')
    await until(() => server.listening)
    const { port } = server.address() as { port: number }
    const deliver = delivery({
      url: `smtp://127.0.0.1:${port}?ignoreTLS=true`,
      from: 'shop@b.example',
      production: true,
    })
    await deliver({ to: 'a@b.example', subject: 'Hello', text: 'A letter' })
    expect(lines).toEqual(
      expect.arrayContaining(['RCPT TO:<a@b.example>', 'Subject: Hello', 'A letter']),
    )
    server.close()
  })

  test('that cannot be sent in production is a failure that names the setting, and no secret', async () => {
    const deliver = delivery({ url: undefined, from: 'x', production: true })
    await expect(deliver({ to: 'a', subject: 'b', text: 'secret' })).rejects.toThrow(
      /^MAIL_URL is not set, so no mail can be sent$/,
    )
  })
})
