/** No request, however odd, keeps auth busy for long, or asks for more than one request is worth. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { strengthEstimator } from '../../subgraphs/auth/passwords/password-strength.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Answer, Ask } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes, loggedIn } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'

const [sqlite] = await testDatabases()
let scratch: ScratchDatabase
let running: RunningProcess
let ask: Ask

beforeAll(async () => {
  scratch = await sqlite!.make()
  running = await startAuth(authEnvironment(scratch.url), {
    deliver: async () => {},
    hashParameters: cheapHashes,
  })
  ask = asker('auth', running.url)
  // What is loaded at its first use is not what these tests are about.
  await ask(null, 'mutation { startPasskeyLogin }')
  await ask(null, 'mutation { signUp(username: "x", password: "x") { strength { score } } }')
})
afterAll(async () => {
  await running.close()
  await scratch.drop()
})

/** 64 characters that zxcvbn finds something in everywhere: half a second on a core of its own. */
const slowPassword = '1p4$$w0rd!l0v3m0nk3y7/12/1990#dr4g0n@qw3rty|2.2.2000+5un5h1n3%xX'
const aliases = (count: number, field: string) =>
  Array.from({ length: count }, (_, index) => `a${index}: ${field}`).join(' ')
/** Normalizing these takes seconds: each mark has to be put before those of the other kind. */
const marks = 'a' + '\u0301'.repeat(60_000) + '\u0316'.repeat(60_000)

/** In milliseconds of CPU time; what is measured here is many times as much without its bound. */
const mostWork = 2_500

/**
 * Returns the response, and the CPU time of all threads of the process until then, in milliseconds. How long
 * it takes by the clock depends on what else the machine does.
 */
async function measured(act: () => Promise<Answer>) {
  const before = process.cpuUsage()
  const answer = await act()
  const { user, system } = process.cpuUsage(before)
  return { answer, work: (user + system) / 1000 }
}

describe('auth does little work when', () => {
  test.each<[string, () => Promise<Answer>]>([
    [
      'the strength of a refused sign-up is asked for under 16 names',
      () =>
        ask(
          null,
          `mutation ($password: String!) { signUp(username: "x", password: $password) { ${aliases(16, 'strength { score }')} } }`,
          { password: slowPassword },
        ),
    ],
    [
      'that of a reset without a token is',
      () =>
        ask(
          null,
          `mutation ($password: String!) { resetPassword(token: "nonsense", newPassword: $password) { ${aliases(16, 'strength { score }')} } }`,
          { password: slowPassword },
        ),
    ],
    [
      'a login comes with an endless username',
      () =>
        ask(null, 'mutation ($text: String!) { login(username: $text, password: "x") { token } }', {
          text: marks,
        }),
    ],
    [
      'a login comes with an endless password',
      () =>
        ask(
          null,
          'mutation ($text: String!) { login(username: "alice", password: $text) { token } }',
          { text: marks },
        ),
    ],
    [
      'a sign-up does',
      () =>
        ask(
          null,
          'mutation ($text: String!) { signUp(username: $text, password: $text, name: $text, email: $text) { problems { code } } }',
          { text: marks },
        ),
    ],
    [
      'a passkey login does',
      () =>
        ask(null, 'mutation ($text: String!) { startPasskeyLogin(username: $text) }', {
          text: marks,
        }),
    ],
  ])('%s', async (_name, act) => {
    const { answer, work } = await measured(act)
    expect(work).toBeLessThan(mostWork)
    expect(codes(answer)).not.toContain('INTERNAL_SERVER_ERROR')
  })
})

test('the strength is estimated once, under any number of aliases', async () => {
  const { data } = await ask(
    null,
    `mutation ($password: String!) { signUp(username: "x", password: $password) { ${aliases(3, 'strength { score warning }')} } }`,
    { password: 'password1password1password1' },
  )
  const { a0, a1, a2 } = data.signUp
  expect(a0).toEqual({ score: expect.any(Number), warning: expect.any(String) })
  expect([a1, a2]).toEqual([a0, a0])
})

test('refused sign-ups are counted', async () => {
  const signUp = () =>
    ask(
      null,
      'mutation { signUp(username: "x", password: "x") { problems { code } strength { score } } }',
      {},
      { address: '192.0.2.1' },
    )
  for (let tries = 0; tries < 20; tries++) expect(codes(await signUp())).toEqual([])
  expect(codes(await signUp())).toEqual(['TOO_MANY_REQUESTS'])
})

describe('an operation is refused before anything is computed when it has', () => {
  test.each([
    ['two fields that begin a login', `mutation { ${aliases(2, 'startPasskeyLogin')} }`],
    [
      'a field that begins a login and one that ends it',
      'mutation { startPasskeyLogin finishPasskeyLogin(response: "{}") { token } }',
    ],
  ])('%s', async (_name, query) => {
    const answer = await ask(null, query)
    expect(answer.data).toBeUndefined()
    expect(codes(answer)).toEqual(['CREDENTIALS_REPEATED'])
  })

  test.each([
    [
      '21 mutations',
      `mutation { ${aliases(21, 'logoutEverywhere')} }`,
      /At most 20 fields of Mutation/,
    ],
    [
      '21 mutations in fragments',
      `mutation { ${aliases(11, 'logoutEverywhere')} ...F } fragment F on Mutation { ${aliases(10, 'enrolTotp { uri }').replaceAll('a', 'b')} }`,
      /At most 20 fields of Mutation/,
    ],
    ['21 queries', `{ ${aliases(21, 'me { username }')} }`, /At most 20 fields of Query/],
    [
      '301 fields of a list',
      `{ sessions { ${aliases(300, 'id')} } }`,
      /At most 300 fields of auth/,
    ],
  ])('%s', async (_name, query, message) => {
    const { claims } = await loggedIn(ask)
    const answer = await ask(claims, query)
    expect(answer.data).toBeUndefined()
    expect(answer.errors).toMatchObject([
      {
        message: expect.stringMatching(message),
        extensions: { code: 'BAD_USER_INPUT', limit: expect.any(Number) },
      },
    ])
  })

  test('a body of more than 256 KB', async () => {
    const answer = await ask(null, '{ me { username } }', { text: 'x'.repeat(300_000) })
    expect(codes(answer)).toEqual(['BAD_REQUEST'])
  })
})

describe('the estimate of a strength', () => {
  test('is a rough one when it takes too long, and the next is exact again', async () => {
    const hasty = strengthEstimator({ timeLimit: 0 })
    expect(await hasty.estimate(slowPassword, [])).toEqual({
      score: 4,
      warning: null,
      suggestions: [],
    })
    expect((await hasty.estimate('aaaaaaaaaaaaaaaaaaaaa', [])).score).toBe(0)
    await hasty.close()
    const patient = strengthEstimator({ timeLimit: 20_000 })
    const { score, warning } = await patient.estimate('password1', [])
    expect({ score, warning }).toEqual({ score: 0, warning: expect.any(String) })
    await patient.close()
  })

  test('is a rough one for those that would have to wait for many others', async () => {
    const estimator = strengthEstimator({ timeLimit: 20_000, waiting: 2 })
    const [first, second, third] = await Promise.all(
      [1, 2, 3].map(() => estimator.estimate('password1', [])),
    )
    expect([first!.warning, second!.warning]).toEqual([expect.any(String), expect.any(String)])
    expect(third!.warning).toBeNull()
    await estimator.close()
  })
})
