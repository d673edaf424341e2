import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { sql } from 'kysely'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { administrator } from '../support/administrator.ts'
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
import type { CallerClaims } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { runCompiled } from '../support/run-compiled.ts'

const good = 'purple kangaroo sings'
describe.each(await testDatabases())('administration on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let running: RunningProcess
  let ask: Ask
  let admin: CallerClaims

  beforeAll(async () => {
    scratch = await make()
    const environment = {
      ...authEnvironment(scratch.url),
      AUTH_ROLES: '{"editor": ["articles:write", "profile"]}',
    }
    running = await startAuth(environment, { hashParameters: cheapHashes })
    ask = asker('auth', running.url)
    admin = (await administrator(ask, scratch.url)).claims
  })
  afterAll(async () => {
    await running.close()
    await scratch.drop()
  })

  const signUp = async (username: string) => {
    const mutation = `mutation ($username: String!, $password: String!) {
      signUp(username: $username, password: $password) { user { id } problems { code } }
    }`
    const { data } = await ask(null, mutation, { username, password: good })
    return { id: data.signUp.user.id as string, username, password: good }
  }
  const mutate = (claims: Claims | null, field: string, id: string) =>
    ask(claims, `mutation ($id: ID!) { ${field} { user { id } roles scopes disabled } }`, { id })

  test.each([
    '{ adminUsers { nodes { username } } }',
    '{ adminAudit { nodes { event } } }',
    'mutation { adminDisableUser(id: "1") { username } }',
    'mutation { adminEnableUser(id: "1") { username } }',
    'mutation { adminSetRoles(id: "1", roles: ["administrator"]) { username } }',
    'mutation { adminForceLogout(id: "1") { username } }',
  ])('%s is for administrators', async (query) => {
    const { claims } = await loggedIn(ask)
    expect(codes(await ask(claims, query))).toEqual(['FORBIDDEN'])
    expect(codes(await ask(null, query))).toEqual(['UNAUTHENTICATED'])
  })

  test('a disabled account gets nothing, until it is enabled', async () => {
    const { id, ...credentials } = await signUp('suspect')
    const { refreshToken } = await loggedIn(ask, credentials)
    const disabled = await mutate(admin, 'adminDisableUser(id: $id)', id)
    expect(disabled.data.adminDisableUser).toMatchObject({ user: { id }, disabled: true })
    expect(codes(await login(ask, credentials))).toEqual(['INVALID_CREDENTIALS'])
    expect(codes(await refresh(ask, refreshToken))).toEqual(['SESSION_ENDED'])
    await mutate(admin, 'adminEnableUser(id: $id)', id)
    await loggedIn(ask, credentials)
    expect(codes(await refresh(ask, refreshToken))).toEqual(['SESSION_ENDED'])
  })

  test('roles hold from the next access token, and the present ones are cut off', async () => {
    const { id, ...credentials } = await signUp('writer')
    const { refreshToken } = await loggedIn(ask, credentials)
    const field = 'adminSetRoles(id: $id, roles: ["user", "editor", "editor"])'
    expect((await mutate(admin, field, id)).data.adminSetRoles).toMatchObject({
      roles: ['user', 'editor'],
      scopes: ['profile', 'profile:email', 'articles:write'],
    })
    const { data } = await refresh(ask, refreshToken)
    expect(claimsOf(data.refresh.token).scope).toBe('profile profile:email articles:write')
    const response = await fetch(new URL('/revocations', running.url))
    const [, payload = ''] = (await response.text()).split('.')
    const { subjects } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    expect(subjects).toHaveProperty(id)
  })

  test('a demoted administrator administers no more, whatever their access token says', async () => {
    const { claims, credentials } = await administrator(ask, scratch.url, 'demoted')
    const list = '{ adminUsers { endCursor } }'
    expect(codes(await ask(claims, list))).toEqual([])
    await mutate(admin, 'adminSetRoles(id: $id, roles: ["user"])', claims.sub)
    const promote = 'adminSetRoles(id: $id, roles: ["administrator"])'
    expect(codes(await ask(claims, list))).toEqual(['FORBIDDEN'])
    expect(codes(await mutate(claims, promote, '1'))).toEqual(['FORBIDDEN'])
    const again = await loggedIn(ask, credentials)
    await ask(again.claims, 'mutation { logout }')
    const ended = { ...again.claims, scope: 'admin:users' }
    expect(codes(await mutate(ended, promote, '1'))).toEqual(['UNAUTHENTICATED'])
  })

  test('forcing a logout ends every session, and not the account', async () => {
    const { id, ...credentials } = await signUp('forgetful')
    const { refreshToken } = await loggedIn(ask, credentials)
    await mutate(admin, 'adminForceLogout(id: $id)', id)
    expect(codes(await refresh(ask, refreshToken))).toEqual(['SESSION_ENDED'])
    await loggedIn(ask, credentials)
  })

  test('no administrator locks themselves out, and unknown ids and roles are reported', async () => {
    const refused = [
      await mutate(admin, 'adminDisableUser(id: $id)', admin.sub),
      await mutate(admin, 'adminSetRoles(id: $id, roles: ["user"])', admin.sub),
      await mutate(admin, 'adminDisableUser(id: $id)', 'unknown'),
      await mutate(admin, 'adminSetRoles(id: $id, roles: ["king"])', '1'),
      await mutate(admin, 'adminSetRoles(id: $id, roles: ["constructor"])', '1'),
    ]
    expect(refused.flatMap(codes)).toEqual(Array(5).fill('BAD_USER_INPUT'))
  })

  test('accounts are read page by page, each once, and found by a part of their name', async () => {
    for (let index = 0; index < 5; index++) await signUp(`reader${index}`)
    const seen: string[] = []
    let after: string | null = null
    do {
      const query = `query ($after: String) {
        adminUsers(first: 2, after: $after) { nodes { username } endCursor }
      }`
      const page: any = (await ask(admin, query, { after })).data.adminUsers
      seen.push(...page.nodes.map(({ username }: { username: string }) => username))
      after = page.endCursor
    } while (after !== null)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toEqual(expect.arrayContaining(['alice', 'reader0', 'reader4']))
    const search = async (search: string) => {
      const query = 'query ($search: String) { adminUsers(search: $search) { nodes { username } } }'
      return (await ask(admin, query, { search })).data.adminUsers.nodes.length
    }
    expect([await search('READER'), await search('der3'), await search('')]).toEqual([
      5,
      1,
      seen.length,
    ])
  })

  test.each(['first: 0', 'first: 201', 'after: "x"', 'after: "MSA"'])(
    'a page of %s is refused',
    async (args) => {
      const answer = await ask(admin, `{ adminUsers(${args}) { endCursor } }`)
      expect(codes(answer)).toEqual(['BAD_USER_INPUT'])
    },
  )

  test('the audit trail lists all actions with their actors, page by page, without secrets', async () => {
    const { id, ...credentials } = await signUp('watched')
    await loggedIn(ask, credentials, { address: '192.0.2.1' })
    await login(ask, { ...credentials, password: 'not the right one at all' })
    await mutate(admin, 'adminDisableUser(id: $id)', id)
    const query = `query ($id: ID, $after: String) {
      adminAudit(first: 3, userId: $id, after: $after) {
        nodes { event userId actorId sessionId address usernameHash at } endCursor
      }
    }`
    const first = (await ask(admin, query, { id })).data.adminAudit
    const second = (await ask(admin, query, { id, after: first.endCursor })).data.adminAudit
    const entries = [...first.nodes, ...second.nodes]
    expect(entries.map(({ event }) => event)).toEqual([
      'account disabled',
      'login failed',
      'login',
      'sign-up',
    ])
    expect(second.endCursor).toBeNull()
    expect(entries[0]).toMatchObject({ userId: id, actorId: admin.sub })
    expect(entries[2]).toMatchObject({ address: '192.0.2.1', sessionId: expect.any(String) })
    expect(JSON.stringify(entries)).not.toMatch(/watched|kangaroo|right one/)
    const failed = '{ adminAudit(event: "login failed") { nodes { event } } }'
    const { nodes } = (await ask(admin, failed)).data.adminAudit
    expect(nodes.every(({ event }: { event: string }) => event === 'login failed')).toBe(true)
  })

  test('the database refuses to change or forget what the audit trail says', async () => {
    await login(ask, { username: 'nobody', password: 'wrong' })
    const database = await openDatabase<any>(scratch.url)
    const rows = () => sql`select * from auth_audit order by id`.execute(database)
    const before = await rows()
    expect(before.rows.length).toBeGreaterThan(0)
    await expect(sql`update auth_audit set event = 'login'`.execute(database)).rejects.toThrow(
      'the audit trail is append-only',
    )
    await expect(sql`delete from auth_audit`.execute(database)).rejects.toThrow(
      'the audit trail is append-only',
    )
    expect((await rows()).rows).toEqual(before.rows)
    await database.destroy()
  })
})

describe('npm run admin', () => {
  const folder = scratchFolder()
  const environment = {
    ...authEnvironment(`sqlite:${folder}/auth.db`),
    AUTH_ROLES: '{"editor": ["articles:write", "profile"]}',
  }
  let running: RunningProcess
  let ask: Ask

  /** `npm run admin`, with what is given on standard input. */
  const command = async (input: string, ...words: string[]) => {
    const child = spawn(process.execPath, runCompiled('scripts/admin', ...words), {
      env: { PATH: process.env.PATH, ...environment },
    })
    child.stdin.end(input)
    const exit = new Promise<number>((resolve) => child.once('exit', resolve))
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { code: await exit, stdout, stderr }
  }

  beforeAll(async () => {
    running = await startAuth(environment)
    ask = asker('auth', running.url)
  })
  afterAll(() => running.close())

  test('creates the first administrator with the scopes', async () => {
    const made = await command(`${good}\n`, 'create', 'Root')
    expect(made).toEqual({ code: 0, stdout: 'root is an administrator\n', stderr: '' })
    const { claims } = await loggedIn(ask, { username: 'root', password: good })
    expect(String(claims.scope).split(' ')).toEqual(
      expect.arrayContaining(['profile', 'admin:users', 'admin:audit', 'admin:clients']),
    )
  })

  test('accounts are imported with their hashes, and what cannot be is named', async () => {
    const line = (record: object) => JSON.stringify(record)
    const passwordHash = await bcrypt('old password', 4)
    const input = [
      line({ username: 'imported', passwordHash, name: 'Ímported', roles: ['editor'] }),
      line({ username: 'known', passwordHash, email: 'k@shop.example', emailVerified: true }),
      line({ username: 'unknown', passwordHash, email: 'u@shop.example', emailVerified: 'yes' }),
      '',
      line({ username: 'imported', passwordHash }),
      line({ username: 'plain', passwordHash: 'plain text' }),
      'no json',
      line({ username: 'king', passwordHash, roles: ['king'] }),
    ].join('\n')
    const { code, stdout, stderr } = await command(input, 'import')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '2 imported, 1 taken, 4 refused\n' })
    expect(stderr.split('\n').filter(Boolean)).toEqual([
      'line 3: emailVerified is true or false',
      'line 5: the username is taken',
      'line 6: passwordHash is neither argon2 nor bcrypt',
      'line 7: not a JSON object',
      'line 8: roles is not a list of known roles',
    ])
    const { claims } = await loggedIn(ask, { username: 'imported', password: 'old password' })
    expect(claims).toMatchObject({ name: 'Ímported', scope: 'articles:write profile' })
    const known = await loggedIn(ask, { username: 'known', password: 'old password' })
    expect(known.claims).toMatchObject({ email: 'k@shop.example', email_verified: true })
  })

  test('says in one line what it cannot do', async () => {
    const [weak, role, unknown, nothing] = await Promise.all([
      command('short\n', 'create', 'other'),
      command('', 'grant', 'alice', 'king'),
      command('', 'grant', 'nobody', 'editor'),
      command(''),
    ])
    expect(weak.stderr).toMatch(
      /^admin: the password on standard input: At least 15 characters[^\n]*\n$/,
    )
    expect(role.stderr).toBe('admin: give roles of user, administrator, editor\n')
    expect(unknown.stderr).toBe('admin: there is no account "nobody"\n')
    expect(nothing.stderr).toMatch(/^admin: give a command[^\n]*\n$/)
    const granted = await command('', 'grant', 'Alice', 'editor')
    expect(granted.stdout).toBe('alice has the roles user editor\n')
  })
})
