/** `npm run compose`, as a person and a script see it. */
import { Supergraph } from '@apollo/federation-internals'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { runToCompletion } from '../../gateway/slices.ts'
import { readCostDirectives } from '../../gateway/supergraph/read-cost-directives.ts'
import { composeSubgraphs } from '../../scripts/compose/compose-subgraphs.ts'
import { composeToFile } from '../../scripts/compose/compose-to-file.ts'
import type { SubgraphToCompose } from '../../scripts/compose/composition-messages.ts'
import { describeProblem } from '../../scripts/compose/problem.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { serveSubgraph } from '../../subgraphs/kit/serve-subgraph.ts'
import { until } from '../support/until.ts'
import { projectFolder } from './support/project-folder.ts'
import type { ProjectFolder } from './support/project-folder.ts'
import { runScript, startScript } from './support/run-script.ts'
import type { ScriptRun } from './support/run-script.ts'
import { recordedLog } from '../support/recorded-log.ts'

const link =
  '@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])'
const users = `extend schema ${link}
type Query { user: User }
type User @key(fields: "id") { id: ID! name: String }
`
const reviews = `extend schema ${link}
type Query { reviews: [User] }
type User @key(fields: "id") { id: ID! score: Int }
`
const supergraph = `subgraphs:
  users: { routing_url: "http://users.test/", schema: { file: users.graphql } }
  reviews: { routing_url: "http://reviews.test/", schema: { file: reviews.graphql } }
`

let folder: ProjectFolder
let watching: ScriptRun | undefined
afterEach(() => {
  watching?.process.kill('SIGKILL')
  folder.remove()
})

function project(files: Record<string, string> = {}): ProjectFolder {
  folder = projectFolder({
    'supergraph.yaml': supergraph,
    'users.graphql': users,
    'reviews.graphql': reviews,
    ...files,
  })
  return folder
}

function options() {
  return {
    config: folder.at('supergraph.yaml'),
    output: folder.at('supergraph.graphql'),
    environment: {},
  }
}

const words = () => ['--config', options().config, '--output', options().output]

/** Here, not in a thread that has to load composition first. */
const compose = async (subgraphs: readonly SubgraphToCompose[]) => composeSubgraphs(subgraphs)

/** The errors and hints of a composition as a person reads them, with the folder left out. */
async function composed() {
  const { report } = await composeToFile({ ...options(), compose })
  const short = (line: string) => line.replaceAll(`${folder.path}/`, '')
  return {
    outcome: report.outcome,
    errors: report.errors.map((error) => short(describeProblem('error', error))),
    hints: report.hints.map((hint) => short(describeProblem('hint', hint))),
  }
}

test('the supergraph is written atomically, and only if it has changed', async () => {
  project()
  expect((await composed()).outcome).toBe('composed')
  expect(folder.read('supergraph.graphql')).toContain('@join__graph(name: "users"')
  expect((await composed()).outcome).toBe('unchanged')
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('an error leaves the last good file untouched', async () => {
  project({ 'supergraph.graphql': 'the last good one' })
  folder.write('reviews.graphql', reviews.replace('score: Int', 'name: Int'))
  expect((await composed()).outcome).toBe('failed')
  expect(folder.read('supergraph.graphql')).toBe('the last good one')
})

test('an error is reported with subgraph, file, line, column, code and message', async () => {
  project({ 'reviews.graphql': reviews.replace('score: Int', 'name: Int @shareable') })
  folder.write('users.graphql', users.replace('name: String', 'name: String @shareable'))
  expect((await composed()).errors).toEqual([
    'reviews.graphql:3:40: error FIELD_TYPE_MISMATCH in subgraph reviews: Type of field "User.name" is incompatible across subgraphs: it has type "Int" in subgraph "reviews" but type "String" in subgraph "users"\n' +
      '  users.graphql:3:40 in subgraph users',
  ])
})

test('syntax errors are reported for all files together', async () => {
  project({ 'users.graphql': 'type Query {\n  a: \n}', 'reviews.graphql': '' })
  expect((await composed()).errors).toEqual([
    'users.graphql:3:1: error INVALID_GRAPHQL in subgraph users: Syntax Error: Expected Name, found "}".',
    'reviews.graphql:1:1: error INVALID_GRAPHQL in subgraph reviews: Syntax Error: Unexpected <EOF>.',
  ])
})

test('an error to which composition gives no position is found by the name it speaks of', async () => {
  project({ 'users.graphql': `${users}\ntype User { age: Int }\n` })
  expect((await composed()).errors).toEqual([
    'users.graphql:3:1: error INVALID_GRAPHQL in subgraph users: There can be only one type named "User"\n' +
      '  users.graphql:5:1 in subgraph users',
  ])
})

test('an error in a schema within supergraph.yaml is reported with the line of that file', async () => {
  project({
    'supergraph.yaml': `subgraphs:
  users:
    routing_url: http://users.test/
    schema:
      sdl: |
        type Query {
          a: Nothing
        }
`,
  })
  expect((await composed()).errors).toEqual([
    'supergraph.yaml:7: error INVALID_GRAPHQL in subgraph users: Unknown type Nothing',
  ])
})

test('hints are reported as hints, and the supergraph is written', async () => {
  project({ 'reviews.graphql': reviews.replace('type User', '"Who reviews."\ntype User') })
  folder.write('users.graphql', users.replace('type User', '"Who uses."\ntype User'))
  const { outcome, hints } = await composed()
  expect(outcome).toBe('composed')
  expect(hints).toEqual([
    expect.stringMatching(
      /^reviews\.graphql:3:1: hint INCONSISTENT_DESCRIPTION in subgraph reviews: Element "User" has/,
    ),
  ])
})

test('a supergraph that cannot be written is one sentence', async () => {
  project()
  const output = folder.at('nowhere/supergraph.graphql')
  await expect(composeToFile({ ...options(), output, compose })).rejects.toThrow(
    `${output} cannot be written (ENOENT): correct the permissions of its folder, or name another file with --output`,
  )
})

test('--check reports whether the file is current, also by exit code, and writes nothing', async () => {
  project()
  const missing = await runScript('compose', [...words(), '--check'])
  expect(missing).toMatchObject({
    exitCode: 1,
    stderr: `${folder.at('supergraph.graphql')} is not current: run \`npm run compose\`\n`,
  })
  expect(existsSync(folder.at('supergraph.graphql'))).toBe(false)

  const written = await runScript('compose', words())
  expect(written).toMatchObject({ exitCode: 0, stderr: '' })
  expect(written.stdout).toBe(
    `${folder.at('supergraph.graphql')} is composed of 2 subgraphs: users, reviews\n`,
  )
  const current = await runScript('compose', [...words(), '--check', '--format', 'json'])
  expect(current.exitCode).toBe(0)
  expect(JSON.parse(current.stdout)).toEqual({
    outcome: 'current',
    output: folder.at('supergraph.graphql'),
    subgraphs: ['users', 'reviews'],
    hints: [],
    errors: [],
  })
})

test('a failing command prints what is wrong and ends with exit code 1', async () => {
  project({ 'users.graphql': 'type' })
  const failing = runScript('compose', words())
  const unknown = runScript('compose', ['--nope'])
  expect(await failing).toEqual({
    exitCode: 1,
    stdout: '',
    stderr:
      `${folder.at('users.graphql')}:1:5: error INVALID_GRAPHQL in subgraph users: Syntax Error: Expected Name, found <EOF>.\n` +
      `1 error: ${folder.at('supergraph.graphql')} is left as it was\n`,
  })
  expect(await unknown).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: "compose: Unknown option '--nope': see --help\n",
  })
})

test('--watch composes again on every change, also after errors and of supergraph.yaml itself', async () => {
  project()
  const run = startScript('compose', [...words(), '--watch', '--format', 'json'])
  watching = run
  const reports = () =>
    run.stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  // On a slow machine a recent change is reported twice: the last report counts.
  const told = async (expected: { outcome: string; [detail: string]: unknown }) => {
    await until(() => reports().at(-1)?.outcome === expected.outcome)
    expect(reports().at(-1)).toMatchObject(expected)
  }
  await told({ outcome: 'composed' })

  folder.replace('users.graphql', users.replace('name: String', 'name: Strin'))
  await told({
    outcome: 'failed',
    errors: [{ message: 'Unknown type Strin' }],
  })
  expect(folder.read('supergraph.graphql')).toContain('name: String')

  folder.replace('users.graphql', users.replace('name: String', 'age: Int'))
  await told({ outcome: 'composed' })
  expect(folder.read('supergraph.graphql')).toContain('age: Int')

  folder.write('supergraph.yaml', supergraph.replace('users.graphql', 'people/users.graphql'))
  await told({
    outcome: 'failed',
    errors: [{ code: 'SCHEMA_UNAVAILABLE' }],
  })

  folder.write('people/users.graphql', users)
  await told({ outcome: 'composed' })

  run.process.kill('SIGINT')
  expect(await run.ended).toBe(0)
  expect(run.stderr).toBe('')
})

test('a scope or a policy that is no list of lists is coerced, or refused with its line', async () => {
  const guards = '"@key", "@shareable", "@policy", { name: "@requiresScopes", as: "@needs" }'
  const head = `extend schema ${link.replace('"@key", "@shareable"', guards)}\n`
  const user = (directive: string) =>
    `type User @key(fields: "id") { id: ID! name: String @shareable ${directive} }\n`
  project({
    'users.graphql': `${head}type Query { user: User @policy(policies: "p") }\n${user('@needs(scopes: ["a", "b"])')}`,
    'reviews.graphql': `${head}type Query { reviews: [User] }\n${user('@needs(scopes: "c")')}`,
  })
  expect(await composed()).toMatchObject({ outcome: 'composed', errors: [] })
  expect(folder.read('supergraph.graphql')).toContain(
    'name: String @needs(scopes: [["a", "c"], ["b", "c"]])',
  )
  expect(folder.read('supergraph.graphql')).toContain(
    'user: User @join__field(graph: USERS) @policy(policies: [["p"]])',
  )

  folder.write('reviews.graphql', `${head}${user('@needs(scopes: [[7]])')}`)
  expect((await composed()).errors).toEqual([
    'reviews.graphql:2:64: error INVALID_GUARD in subgraph reviews: @needs(scopes: [[7]]): write a list of lists of strings, as in [["read"], ["admin"]]',
  ])
})

test.each([
  ['"@cost", "@listSize"', 'cost', 'listSize'],
  ['{ name: "@cost", as: "@price" }, { name: "@listSize", as: "@long" }', 'price', 'long'],
])('@cost and @listSize of subgraphs are in the supergraph, imported as %s', (...names) => {
  project()
  const [imports, cost, listSize] = names
  const costly = (weight: number) => `extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", ${imports}])
    type User @key(fields: "id") @${cost}(weight: ${weight}) {
      id: ID!
      name(long: Boolean @${cost}(weight: ${weight})): String @shareable @${cost}(weight: ${weight})
    }`
  const users = `${costly(3)} type Query { users(first: Int): [User] @${listSize}(slicingArguments: ["first"]) }`
  const message = composeSubgraphs([
    { name: 'users', url: 'http://users.test/', sdl: users },
    { name: 'names', url: 'http://names.test/', sdl: costly(5) },
  ])
  if (message.outcome !== 'composed') throw new Error(message.outcome)
  const supergraph = parse(message.sdl)
  const { types, fields } = runToCompletion(readCostDirectives(supergraph))
  expect(types).toEqual(new Map([['User', 5]]))
  expect(fields.get('User.name')).toMatchObject({ weight: 5, arguments: new Map([['long', 5]]) })
  expect(fields.get('Query.users')?.listSize).toMatchObject({ slicingArguments: [['first']] })
  // The planner loads it.
  expect(
    Supergraph.build(message.sdl).apiSchema().toGraphQLJSSchema().getType('User'),
  ).toBeDefined()
})

describe('a subgraph of ours that is asked for its schema', () => {
  const secret = 'a gateway secret that only this test knows'
  let subgraph: RunningProcess

  beforeAll(async () => {
    subgraph = await serveSubgraph({
      name: 'users',
      typeDefs: users,
      resolvers: {},
      keys: [deriveClaimsKey(secret, 'users')],
      log: recordedLog().log,
      host: '127.0.0.1',
      port: 0,
    })
  })
  afterAll(async () => {
    await subgraph.close()
  })

  /** What is wrong in that environment, as a person reads it. */
  const problemsIn = async (environment: Readonly<Record<string, string>>) => {
    const schema = `{ subgraph_url: "${subgraph.url}" }`
    folder.write('supergraph.yaml', `subgraphs:\n  users: { schema: ${schema} }\n`)
    const { report } = await composeToFile({ ...options(), compose, environment })
    return report.errors.map(({ message }) => message).join()
  }

  test('responds, since the request is signed with GATEWAY_SECRET', async () => {
    folder = projectFolder({
      'secret.txt': `${secret}\n`,
      'data/secrets/gateway-secret': `${secret}\n`,
    })
    for (const environment of [
      { GATEWAY_SECRET: secret },
      { GATEWAY_SECRET: `${secret}, a secret that follows after it in a rotation` },
      { GATEWAY_SECRET_FILE: folder.at('secret.txt'), NODE_ENV: 'production' },
      { DATA_DIR: folder.at('data') },
    ]) {
      expect(await problemsIn(environment)).toBe('')
    }
    expect(folder.read('supergraph.graphql')).toContain('type User')
  })

  test('refuses a request without a secret, or with another one, and the message says what to do', async () => {
    folder = projectFolder({ 'data/secrets/gateway-secret': secret })
    const production = { DATA_DIR: folder.at('data'), NODE_ENV: 'production' }
    expect(await problemsIn(production)).toContain(
      'it responds with 401 to every client but its gateway: set GATEWAY_SECRET, and the request is signed',
    )
    const other = 'another secret that the gateway does not have'
    const complaint = await problemsIn({ GATEWAY_SECRET: other })
    expect(complaint).toContain('it responds with 401 although the request was signed')
    expect(complaint).not.toContain(other)
    await expect(problemsIn({ GATEWAY_SECRET: 'short' })).rejects.toThrow(
      'GATEWAY_SECRET has a secret that is shorter than 32 bytes',
    )
  })
})

test('what is not UTF-8 is an error with file and line, and composes nothing', async () => {
  project()
  const latin1 = Buffer.from(reviews.replace('score', '"Gr\xf6\xdfe" score'), 'latin1')
  writeFileSync(folder.at('reviews.graphql'), latin1)
  const notUtf8 = `error SCHEMA_UNAVAILABLE in subgraph reviews: ${folder.at('reviews.graphql')} is not UTF-8: save it in that encoding`
  const errors = async () => {
    const { report } = await composeToFile({ ...options(), compose })
    return report.errors.map((error) => describeProblem('error', error))
  }
  expect(await errors()).toEqual([`${folder.at('reviews.graphql')}:3: ${notUtf8}`])
  writeFileSync(folder.at('reviews.graphql'), Buffer.from(`\ufeff${reviews}`, 'utf16le'))
  expect(await errors()).toEqual([`${folder.at('reviews.graphql')}:1: ${notUtf8}`])
  writeFileSync(folder.at('supergraph.yaml'), Buffer.from(`${supergraph}# \xe9\n`, 'latin1'))
  await expect(errors()).rejects.toThrow(
    `${folder.at('supergraph.yaml')}:4 is not UTF-8: save it in that encoding`,
  )
  expect(existsSync(folder.at('supergraph.graphql'))).toBe(false)
})

test('another release of composition that is asked for is a hint', async () => {
  project({ 'supergraph.yaml': `federation_version: =2.9.0\n${supergraph}` })
  const { report } = await composeToFile({ ...options(), compose })
  expect(report).toMatchObject({
    outcome: 'composed',
    hints: [{ code: 'OTHER_FEDERATION_VERSION', places: [{ line: 1 }] }],
  })
})
