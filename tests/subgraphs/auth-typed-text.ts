/** What people and programs type: spaces around it, groups, wildcards, characters that no text has. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Letter } from '../../subgraphs/auth/delivery/deliver.ts'
import { totpCode, totpStep } from '../../subgraphs/auth/second-factors/totp.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes, loggedIn, login } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { recordedLog } from '../support/recorded-log.ts'

const good = 'purple kangaroo sings'

describe.each(await testDatabases())('typed text on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let database: Kysely<any>
  let running: RunningProcess
  let ask: Ask
  let ahead = 0
  const letters: Letter[] = []

  const { log, lines } = recordedLog()

  beforeAll(async () => {
    scratch = await make()
    running = await startAuth(authEnvironment(scratch.url), {
      log,
      now: () => Date.now() + ahead,
      deliver: async (letter) => void letters.push(letter),
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

  const signUp = async (username: string, email?: string, name?: string) => {
    const { data } = await ask(
      null,
      `mutation ($username: String!, $password: String!, $email: String, $name: String) {
        signUp(username: $username, password: $password, email: $email, name: $name) {
          user { id } problems { field code }
        }
      }`,
      { username, password: good, email, name },
    )
    return data.signUp as { user: { id: string } | null; problems: { code: string }[] }
  }
  const works = async (username: string, password = good) =>
    codes(await login(ask, { username, password })).length === 0

  test('spaces around a username or an address do not count', async () => {
    const { user, problems } = await signUp(' Carol ', '\tcarol@example.com ')
    expect(problems).toEqual([])
    for (const typed of ['carol', 'carol ', ' CAROL', 'carol\u00a0', '\ncarol\t']) {
      expect({ typed, works: await works(typed) }).toEqual({ typed, works: true })
    }
    expect(await works('car ol')).toBe(false)
    const { claims } = await loggedIn(ask, { username: 'carol ', password: good })
    const me = (await ask(claims, '{ me { username email } }')).data.me
    expect(me).toEqual({ username: 'carol', email: 'carol@example.com' })
    const { rows } = await sql<any>`select name from auth_accounts where id = ${user!.id}`.execute(
      database,
    )
    expect(rows).toEqual([{ name: 'Carol' }])
    expect((await signUp('carol ')).problems).toMatchObject([{ code: 'TAKEN' }])

    await ask(null, 'mutation { requestPasswordReset(username: "carol ") }')
    await until(() => letters.find(({ to }) => to === 'carol@example.com'))
    const options = await ask(null, 'mutation { startPasskeyLogin(username: "carol ") }')
    const same = await ask(null, 'mutation { startPasskeyLogin(username: "carol") }')
    const decoy = ({ data }: typeof same) => JSON.parse(data.startPasskeyLogin).allowCredentials
    expect(decoy(options)).toEqual(decoy(same))
  })

  test('spaces in a password count', async () => {
    expect(await works('carol', `${good} `)).toBe(false)
  })

  test.each(['123 456', ' 123-456 ', '１２３４５６', '123\u00a0456'])(
    'a one-time code is read as apps show it, %s',
    async (shape) => {
      const username = `app${Math.random().toString(36).slice(2)}`
      await signUp(username)
      const { claims } = await loggedIn(ask, { username, password: good })
      const { secret } = (await ask(claims, 'mutation { enrolTotp { secret } }')).data.enrolTotp
      const typed = () => {
        const digits = [...totpCode(fromBase32(secret), totpStep(Date.now() + ahead))]
        const isWide = shape.startsWith('１')
        const shown = digits.map((digit) =>
          isWide ? String.fromCodePoint(digit.codePointAt(0)! + 0xfee0) : digit,
        )
        const places = ['1', '2', '3', '4', '5', '6']
        return shape.normalize('NFKC').replace(/[1-6]/g, (place) => shown[places.indexOf(place)]!)
      }
      const confirm = 'mutation ($code: String!) { confirmTotp(code: $code) { confirmed } }'
      const confirmed = await ask(claims, confirm, { code: typed() })
      expect(confirmed.data.confirmTotp.confirmed).toBe(true)
      ahead += 60_000
      expect(codes(await login(ask, { username, password: good, code: typed() }))).toEqual([])
      ahead += 60_000
      const removed = await ask(claims, 'mutation ($code: String!) { removeTotp(code: $code) }', {
        code: typed(),
      })
      expect(removed.data.removeTotp).toBe(true)
    },
  )

  describe('an imported bcrypt hash', () => {
    const storedOf = async (username: string) => {
      const { rows } = await sql<{ password_hash: string }>`
        select password_hash from auth_accounts where username = ${username}`.execute(database)
      return rows[0]!.password_hash
    }
    const imported = async (username: string, password: string) => {
      await signUp(username)
      const hash = await bcrypt(password, 4)
      await sql`update auth_accounts set password_hash = ${hash} where username = ${username}`.execute(
        database,
      )
      return hash
    }

    test.each([
      ['a wrong byte after the 72nd', 'x'.repeat(72) + 'right', 'x'.repeat(72) + 'wrong'],
      ['72 bytes that are more as they were set', 'x'.repeat(73), 'x'.repeat(72) + 'y'],
      ['a wrong letter of several bytes across the 72nd', 'ü'.repeat(40), 'ü'.repeat(36) + 'ööö'],
      ['itself twice, with a NUL in between', 'secret', 'secret\0secret'],
    ])('lets nobody in by %s, and stays', async (name, password, wrong) => {
      const username = `bcrypt.${name.length}`
      const hash = await imported(username, password)
      expect(await works(username, wrong)).toBe(false)
      expect(await storedOf(username)).toBe(hash)
    })

    test('lets its owner in with 72 bytes, and is replaced', async () => {
      const password = `${'ü'.repeat(35)}xy`
      await imported('bcrypt.72', password)
      expect(await works('bcrypt.72', `${'ü'.repeat(35)}xz`)).toBe(false)
      expect(await works('bcrypt.72', password)).toBe(true)
      expect(await storedOf('bcrypt.72')).toMatch(/^\$argon2id/)
      expect(await works('bcrypt.72', password)).toBe(true)
    })
  })

  describe('a search for accounts', () => {
    const query = 'query ($search: String) { adminUsers(search: $search) { nodes { username } } }'
    const search = async (text: string): Promise<string[]> => {
      const answer = await ask(admin, query, { search: text })
      return answer.data.adminUsers.nodes.map(({ username }: { username: string }) => username)
    }
    let admin: Parameters<Ask>[0]

    beforeAll(async () => {
      await signUp('under_score', 'one@shop.example', '100% Ökologisch')
      await signUp('underscore2', 'Two_Of@Shop.example', '100 percent \\o/')
      await sql`update auth_accounts set roles = 'user administrator' where username = 'alice'`.execute(
        database,
      )
      admin = (await loggedIn(ask)).claims
    })

    test.each([
      ['under_', ['under_score']],
      ['%', ['under_score']],
      ['100%', ['under_score']],
      ['100', ['under_score', 'underscore2']],
      ['UNDER', ['under_score', 'underscore2']],
      ['Ökologisch', ['under_score']],
      ['\\', ['underscore2']],
      ['\\o/', ['underscore2']],
      ['\\%', []],
      ['__', []],
      ['shop.example', ['under_score', 'underscore2']],
      ['TWO_OF@shop', ['underscore2']],
      [' under_score ', ['under_score']],
      ["'", []],
      ['\0', []],
    ])('%j finds %j', async (text, usernames) => {
      expect(await search(text)).toEqual(usernames)
    })

    test('says how long it may be', async () => {
      expect((await ask(admin, query, { search: 'x'.repeat(60_000) })).errors).toMatchObject([
        {
          message: 'search has at most 254 characters',
          extensions: { code: 'BAD_USER_INPUT', field: 'search', limit: 254 },
        },
      ])
    })
  })

  test.each(['\0', 'null\0byte\ud800@example.com'])(
    'the text %j is no error of ours, wherever it is typed',
    async (text) => {
      lines.length = 0
      const { claims } = await loggedIn(ask)
      const variables = { text, id: text, texts: [text] }
      const documents = [
        'mutation ($text: String!) { login(username: $text, password: $text, deviceToken: $text, code: $text) { token } }',
        'mutation ($text: String!) { signUp(username: $text, password: $text, name: $text, email: $text) { problems { code } } }',
        'mutation ($text: String!) { signUp(username: "fine.name", password: "purple kangaroo sings", name: $text) { problems { code } } }',
        'mutation ($text: String!) { refresh(refreshToken: $text) { token } }',
        'mutation ($text: String!) { requestPasswordReset(username: $text) }',
        'mutation ($text: String!) { resetPassword(token: $text, newPassword: $text) { changed } }',
        'mutation ($text: String!) { startPasskeyLogin(username: $text) }',
        'mutation ($text: String!) { finishPasskeyLogin(response: $text) { token } }',
        'mutation ($text: String!) { confirmTotp(code: $text) { confirmed } }',
        'mutation ($text: String!) { removeTotp(code: $text) }',
        'mutation ($text: String!) { finishPasskeyRegistration(response: $text, name: $text) { id } }',
        'mutation ($id: ID!) { removePasskey(id: $id) }',
        'mutation ($id: ID!) { revokeSession(id: $id) }',
        'mutation ($id: ID!) { revokeApiKey(id: $id) }',
        'mutation ($text: String!, $texts: [String!]!) { createApiKey(name: $text, scopes: $texts) { key } }',
        'mutation ($text: String!) { createApiKey(name: $text, scopes: []) { key } }',
        'mutation ($text: String!, $texts: [String!]!) { adminCreateClient(name: $text, scopes: $texts) { secret } }',
        'mutation ($text: String!) { adminCreateClient(name: $text, scopes: []) { secret } }',
        'mutation ($id: ID!) { adminDisableClient(id: $id) { id } }',
        'mutation ($id: ID!) { adminDisableUser(id: $id) { username } }',
        'mutation ($id: ID!, $texts: [String!]!) { adminSetRoles(id: $id, roles: $texts) { username } }',
        'query ($id: ID, $text: String) { adminAudit(userId: $id, event: $text) { endCursor } }',
        'query ($text: String) { adminUsers(search: $text) { endCursor } }',
        'query { adminUsers(after: "MSBhAGI") { endCursor } }',
        'query { adminAudit(after: "MSBhAGI") { endCursor } }',
      ]
      for (const document of documents) {
        const answer = await ask(
          { ...claims, scope: 'admin:users admin:clients admin:audit' },
          document,
          variables,
          { agent: 'x' },
        )
        expect({ document, codes: codes(answer) }).not.toEqual({
          document,
          codes: expect.arrayContaining(['INTERNAL_SERVER_ERROR']),
        })
        ahead += 60_000
      }
      for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
        const form = {
          grant_type: 'client_credentials',
          client_id: text,
          client_secret: text,
          token: text,
        }
        const { status } = await fetch(new URL(path, running.url), {
          method: 'POST',
          body: new URLSearchParams(form),
        })
        expect(status).toBeLessThan(500)
      }
      expect(lines).toEqual([])
    },
  )
})

function fromBase32(text: string): Uint8Array {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0'))
  const bytes = bits.join('').match(/.{8}/g) ?? []
  return Uint8Array.from(bytes.map((byte) => parseInt(byte, 2)))
}
