import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { parse } from 'graphql'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { serveSubgraph } from '../../subgraphs/kit/serve-subgraph.ts'
import { openUsersDatabase } from '../../subgraphs/users/database.ts'
import { profileStore } from '../../subgraphs/users/profiles.ts'
import { resolvers } from '../../subgraphs/users/resolvers.ts'
import { startUsers } from '../../subgraphs/users/start-users.ts'
import { asker, claimsKeyOf, codes, gatewaySecret } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import { testDatabases } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'

const alice = { sub: '1', name: 'Alice' }
const entity = `query ($users: [_Any!]!) {
  _entities(representations: $users) { ... on User { id name } }
}`
const users = (...ids: string[]) => ({ users: ids.map((id) => ({ __typename: 'User', id })) })

describe.each(await testDatabases())('users on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let running: RunningProcess
  let ask: Ask

  beforeAll(async () => {
    scratch = await make()
    running = await startUsers({
      USERS_PORT: '0',
      DATABASE_URL: scratch.url,
      CLAIMS_KEY: claimsKeyOf('users'),
    })
    ask = asker('users', running.url)
  })
  afterAll(async () => {
    await running.close()
    await scratch.drop()
  })

  test('userData is the data of the verified subject', async () => {
    expect(await ask(alice, '{ userData { id name } }')).toEqual({
      data: { userData: { id: '1', name: 'Alice' } },
    })
  })

  test('an anonymous caller gets no userData, but an UNAUTHENTICATED error', async () => {
    const answer = await ask(null, '{ userData { id name } }')
    expect(answer.data).toEqual({ userData: null })
    expect(codes(answer)).toEqual(['UNAUTHENTICATED'])
  })

  test('a subject seen for the first time gets its profile from the verified claims', async () => {
    const first = { sub: 'new 漢字', name: 'Zoë\n漢字' }
    await ask(first, '{ userData { name } }')
    const later = await ask({ sub: first.sub, name: 'Another' }, '{ userData { id name } }')
    expect(later).toEqual({ data: { userData: { id: first.sub, name: first.name } } })
  })

  test('of many concurrent first requests, all get the same profile', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        ask({ sub: 'crowd', name: `Name ${index}` }, '{ userData { id name } }'),
      ),
    )
    const names = new Set(answers.map(({ data }) => data.userData.name))
    expect(names.size).toBe(1)
  })

  test('a subject without a name in its claims has none, until they have one', async () => {
    const nameless = { sub: 'nameless' }
    const unknown = { data: { userData: { id: 'nameless', name: null } } }
    expect(await ask(nameless, '{ userData { id name } }')).toEqual(unknown)
    const named = await ask({ ...nameless, name: 'Now' }, '{ userData { id name } }')
    expect(named.data.userData.name).toBe('Now')
  })

  test('a user is found as an entity, with the name for the user themselves', async () => {
    expect(await ask(alice, entity, users('1'))).toEqual({
      data: { _entities: [{ id: '1', name: 'Alice' }] },
    })
  })

  test('the name of another user is null, with an error at its place', async () => {
    const answer = await ask(alice, entity, users('1', '2'))
    expect(answer.data._entities).toEqual([
      { id: '1', name: 'Alice' },
      { id: '2', name: null },
    ])
    expect(answer.errors).toMatchObject([
      { path: ['_entities', 1, 'name'], extensions: { code: 'FORBIDDEN' } },
    ])
  })

  test('an anonymous caller gets the id of an entity, and not the name', async () => {
    const answer = await ask(null, entity, users('1'))
    expect(answer.data._entities).toEqual([{ id: '1', name: null }])
    expect(codes(answer)).toEqual(['UNAUTHENTICATED'])
  })

  test('the name cannot be reached under another name', async () => {
    const aliased = entity
      .replace('id name', 'x: id y: name ...F')
      .concat(' fragment F on User { z: name }')
    const answer = await ask({ sub: '2' }, aliased, users('1'))
    expect(answer.data._entities).toEqual([{ x: '1', y: null, z: null }])
    expect(codes(answer)).toEqual(['FORBIDDEN', 'FORBIDDEN'])
  })

  test('the email is for the user themselves, with a token of its scope', async () => {
    const query = '{ userData { email } }'
    const claims = { ...alice, email: 'alice@example.com' }
    const scoped = await ask({ ...claims, scope: 'profile:email' }, query)
    expect(scoped).toEqual({ data: { userData: { email: 'alice@example.com' } } })
    for (const email_verified of [false, 'false']) {
      const unproven = await ask({ ...claims, scope: 'profile:email', email_verified }, query)
      expect(unproven).toEqual({ data: { userData: { email: null } } })
    }
    const unscoped = await ask(claims, query)
    expect(unscoped.data).toEqual({ userData: { email: null } })
    expect(codes(unscoped)).toEqual(['FORBIDDEN'])
    const another = entity.replace('id name', 'email')
    const others = await ask({ ...claims, scope: 'profile:email' }, another, users('2'))
    expect(others.data._entities).toEqual([{ email: null }])
  })

  test('profiles outlive the process', async () => {
    await ask(alice, '{ userData { id } }')
    await running.close()
    running = await startUsers({
      USERS_PORT: '0',
      DATABASE_URL: scratch.url,
      CLAIMS_KEY: claimsKeyOf('users'),
    })
    ask = asker('users', running.url)
    const answer = await ask({ sub: '1' }, '{ userData { name } }')
    expect(answer.data.userData.name).toBe('Alice')
  })
})

describe('in production', () => {
  test('all missing settings are listed together', async () => {
    const failure = await startUsers({ NODE_ENV: 'production' }).catch((cause: Error) => cause)
    expect(failure).toMatchObject({
      name: 'StartFailure',
      message: expect.stringMatching(/DATABASE_URL is not set[^]*CLAIMS_KEY is not set/),
    })
  })

  test('a claims key of the wrong length is refused', async () => {
    const environment = { NODE_ENV: 'production', DATA_DIR: '/nowhere', CLAIMS_KEY: 'c2hvcnQ' }
    await expect(startUsers(environment)).rejects.toThrow(/CLAIMS_KEY is not a claims key/)
  })
})

test('a request reads the profile of its caller once, however often it asks for it', async () => {
  const [{ make }] = (await testDatabases()) as [TestDatabase]
  const scratch = await make()
  const database = await openUsersDatabase(scratch.url)
  const profiles = profileStore(database, Date.now)
  let reads = 0
  const running = await serveSubgraph({
    name: 'users',
    typeDefs: parse(readFileSync('subgraphs/users/schema.graphql', 'utf8')),
    resolvers: resolvers({
      ofCaller(claims) {
        reads++
        return profiles.ofCaller(claims)
      },
    }),
    keys: [deriveClaimsKey(gatewaySecret, 'users')],
    host: '127.0.0.1',
    port: 0,
    portSetting: 'USERS_PORT',
  })
  const ask = asker('users', running.url)
  const aliases = Array.from({ length: 50 }, (_, index) => `a${index}: userData { name }`).join(' ')
  const answer = await ask(alice, `{ ${aliases} }`)
  expect(Object.values(answer.data)).toEqual(Array(50).fill({ name: 'Alice' }))
  expect(reads).toBe(1)
  await ask(alice, entity, users(...Array<string>(50).fill('1')))
  expect(reads).toBe(2)
  const other = await ask({ sub: '2', name: 'Bob' }, '{ userData { name } }')
  expect(other.data.userData.name).toBe('Bob')
  await running.close()
  await database.destroy()
  await scratch.drop()
})
