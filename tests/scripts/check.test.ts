/** `npm run check`: what composition lets pass. */
import { afterEach, expect, test } from '@jest/globals'
import { buildSchema } from 'graphql'
import { checkSupergraph } from '../../scripts/check/check-supergraph.ts'
import type { CheckOptions } from '../../scripts/check/check-supergraph.ts'
import { readUsage } from '../../scripts/check/read-usage.ts'
import type { RecordedUsage } from '../../scripts/check/read-usage.ts'
import { schemaChanges } from '../../scripts/check/schema-changes.ts'
import { composeSubgraphs } from '../../scripts/compose/compose-subgraphs.ts'
import { composeToFile } from '../../scripts/compose/compose-to-file.ts'
import type { SubgraphToCompose } from '../../scripts/compose/composition-messages.ts'
import { describeProblem } from '../../scripts/compose/problem.ts'
import { projectFolder } from './support/project-folder.ts'
import type { ProjectFolder } from './support/project-folder.ts'
import { runScript } from './support/run-script.ts'

let folder: ProjectFolder
afterEach(() => folder.remove())

const head = `extend schema
@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@authenticated", "@requiresScopes", "@policy", "@composeDirective"])
@link(url: "https://portcullis.dev/authorization/v0.1", import: ["@public"])
@composeDirective(name: "@public")
directive @public on OBJECT | INTERFACE | FIELD_DEFINITION
`

/** A folder with one subgraph `shop`; its schema begins at line 6. */
function project(schema: string): void {
  folder = projectFolder({
    'supergraph.yaml':
      'subgraphs:\n  shop: { routing_url: "http://shop.test/", schema: { file: shop.graphql } }\n',
    'shop.graphql': head + schema,
  })
}

const compose = async (subgraphs: readonly SubgraphToCompose[]) => composeSubgraphs(subgraphs)

function paths() {
  return { config: folder.at('supergraph.yaml'), environment: {}, compose }
}

/** What is found, as a person reads it, with the folder left out. */
async function found(
  options: Partial<
    Pick<CheckOptions, 'default' | 'accept' | 'usage' | 'operations' | 'allowNewRequirements'>
  > = {},
): Promise<string[]> {
  const { findings } = await checkSupergraph({
    ...paths(),
    last: folder.at('supergraph.graphql'),
    default: 'allow',
    ...options,
  })
  return findings.map((finding) =>
    describeProblem(finding.severity, finding).replaceAll(`${folder.path}/`, ''),
  )
}

/** The schema becomes the last supergraph, and another one takes its place. */
async function changeTo(schema: string): Promise<void> {
  await composeToFile({ ...paths(), output: folder.at('supergraph.graphql') })
  folder.write('shop.graphql', head + schema)
}

test('a root mutation without a guard or @public is an error', async () => {
  project(`type Query { a: Int }
type Mutation {
  open: Int
  meant: Int @public
  guarded: Int @authenticated
  byType: Secret
  byPolicy: Int @policy(policies: [["owner"]])
}
type Secret @authenticated { a: Int }
`)
  expect(await found()).toEqual([
    'shop.graphql:8:3: error MUTATION_UNGUARDED in subgraph shop: any caller may run Mutation.open: guard it with @authenticated, @requiresScopes or @policy, or mark it @public',
  ])
  expect(await found({ default: 'deny' })).toEqual([])
})

test.each([
  ['profile:emial', 'profile:email'],
  ['profile:emai', 'profile:email'],
  ['Profile:Email', 'profile:email'],
])('a scope %s that occurs once and looks like %s is an error', async (typo, scope) => {
  project(`type Query {
  a: Int @requiresScopes(scopes: [["${scope}"]])
  b: Int @requiresScopes(scopes: [["${scope}", "other"]])
  c: Int @requiresScopes(scopes: [["${typo}"]])
}
`)
  expect(await found()).toEqual([
    `shop.graphql:9:3: error SCOPE_TYPO in subgraph shop: Query.c demands the scope "${typo}", which is found nowhere else: is "${scope}" meant?`,
  ])
})

test.each([
  ['orders:read', 'orders:write'],
  ['api:v1', 'api:v2'],
  ['a:r', 'b:r'],
])('scopes that only resemble each other pass: %s and %s', async (one, other) => {
  project(`type Query {
  a: Int @requiresScopes(scopes: [["${one}"]])
  b: Int @requiresScopes(scopes: [["${other}"]])
}
`)
  expect(await found()).toEqual([])
})

test('two scopes that occur once each are asked about once', async () => {
  project(`type Query {
  a: Int @requiresScopes(scopes: [["profile"]])
  b: Int @requiresScopes(scopes: [["profiel"]])
}
`)
  expect(await found()).toEqual([expect.stringContaining('is "profile" meant?')])
})

test('a policy that occurs once and looks like another one is an error', async () => {
  project(`type Query {
  a: Int @policy(policies: [["owner"]])
  b: Int @policy(policies: [["owner", "beta"]])
  c: Int @policy(policies: [["onwer"]])
  d: Int @requiresScopes(scopes: [["owners"]])
}
`)
  expect(await found()).toEqual([
    'shop.graphql:9:3: error POLICY_TYPO in subgraph shop: Query.c demands the policy "onwer", which is found nowhere else: is "owner" meant?',
  ])
})

test('scopes and policies that are meant are accepted by a list in a file', async () => {
  project(`type Query {
  a: Int @requiresScopes(scopes: [["order:read"]]) @policy(policies: [["owner"]])
  b: Int @requiresScopes(scopes: [["orders:read"]]) @policy(policies: [["owners"]])
}
`)
  const accept = { path: folder.at('accepted.yaml'), isRequired: false }
  const typos = [expect.stringContaining('SCOPE_TYPO'), expect.stringContaining('POLICY_TYPO')]
  expect(await found({ accept })).toEqual(typos)

  folder.write('accepted.yaml', 'SCOPE_TYPO: ["orders:read"]\nPOLICY_TYPO: [owners, onwer]\n')
  expect(await found({ accept })).toEqual([
    'warning ACCEPTED_NEEDLESSLY: "onwer" is accepted, but no POLICY_TYPO is found for it: remove it from the accepted names',
  ])
  folder.write('accepted.yaml', 'SCOPE_TYPO: ["orders:read"]\n')
  expect(await found({ accept })).toEqual(typos.slice(1))

  for (const [text, complaint] of [
    ['SCOPE_TYPOS: [a]', ':1: SCOPE_TYPOS: expected lists of names for SCOPE_TYPO and POLICY_TYPO'],
    ['\nPOLICY_TYPO: a', ':2: POLICY_TYPO: expected lists of names for SCOPE_TYPO and POLICY_TYPO'],
    ['- a', ': expected lists of names for SCOPE_TYPO and POLICY_TYPO'],
    ['SCOPE_TYPO: [', ':1:14: '],
  ] as const) {
    folder.write('accepted.yaml', text)
    await expect(found({ accept })).rejects.toThrow(`accepted.yaml${complaint}`)
  }
  const gone = { path: folder.at('gone.yaml'), isRequired: true }
  await expect(found({ accept: gone })).rejects.toThrow(
    'gone.yaml is not there: name it with --accept',
  )
})

test('a guarded type that is reached as a member of an unguarded union is an error', async () => {
  project(`type Query { search: [Result] }
union Result = Secret | Plain
type Secret @authenticated { a: Int }
type Plain { a: Int }
`)
  expect(await found()).toEqual([
    'shop.graphql:6:14: error GUARDED_TYPE_REACHABLE in subgraph shop: any caller reaches Secret as Result through Query.search, although Secret demands @authenticated: guard Query.search, or mark it @public',
  ])
  folder.write(
    'shop.graphql',
    folder.read('shop.graphql').replace('[Result] }', '[Result] @public }'),
  )
  expect(await found()).toEqual([])
})

test('a type whose root fields are all guarded, reached around them through another type, is an error', async () => {
  project(`type Query { me: User @authenticated review: Review }
type Review { author: User text: String }
type User { name: String }
`)
  expect(await found()).toEqual([
    'shop.graphql:7:15: error GUARDED_TYPE_REACHABLE in subgraph shop: any caller reaches User through Query.review > Review.author, although Query.me demands @authenticated: guard the type User, or mark Review.author @public',
  ])
})

test('the shortest path to a guarded type is named, through lists, unions and interfaces', async () => {
  project(`type Query { me: User @authenticated shop: Shop long: Long }
type Long { shop: Shop }
type Shop { entries: [Entry!]! }
union Entry = Note | Other
type Note { about: Named }
type Other { a: Int }
interface Named { name: String }
type Item implements Named { name: String owner: User }
type User { name: String }
`)
  expect(await found()).toEqual([
    'shop.graphql:13:43: error GUARDED_TYPE_REACHABLE in subgraph shop: any caller reaches User through Query.shop > Shop.entries > Note.about > Item.owner, although Query.me demands @authenticated: guard the type User, or mark Item.owner @public',
  ])
})

test.each([
  ['the type is guarded', 'type User @authenticated { name: String }', 'author: User'],
  [
    'every field of the type is guarded',
    'type User { name: String @authenticated }',
    'author: User',
  ],
  ['the path is guarded', 'type User { name: String }', 'author: User @authenticated'],
  ['the path is marked @public', 'type User { name: String }', 'author: User @public'],
])('that is no error when %s', async (_why, user, author) => {
  project(`type Query { me: User @authenticated review: Review }
type Review { ${author} text: String }
${user}
`)
  expect(await found()).toEqual([])
})

test('that is no error if a root field returns the type to every caller, or the path begins guarded', async () => {
  project(`type Query { me: User @authenticated user: User review: Review @authenticated }
type Review { author: User }
type User { name: String }
`)
  expect(await found()).toEqual([])
})

test('a guard that was there in the last supergraph and is gone is an error', async () => {
  project(`type Query {
  a: Int @authenticated
  b: Int @requiresScopes(scopes: [["x"]])
  c: Int @authenticated
  d: Kept
  e: Int @requiresScopes(scopes: [["x", "y"]])
  f: Int @authenticated
}
type Kept { a: Int @authenticated }
`)
  await changeTo(`type Query {
  a: Int
  b: Int @authenticated
  c: Int @requiresScopes(scopes: [["z"]])
  d: Kept
  e: Int @requiresScopes(scopes: [["x", "y", "z"], ["x"]])
  f: Int @public
}
type Kept @authenticated { a: Int }
`)
  expect(await found()).toEqual([
    'shop.graphql:7:3: error GUARD_REMOVED in subgraph shop: Query.a demanded @authenticated in the last supergraph, and now demands nothing',
    'shop.graphql:8:3: error GUARD_REMOVED in subgraph shop: Query.b demanded @requiresScopes(scopes: [["x"]]) in the last supergraph, and now demands @authenticated',
    'shop.graphql:11:3: error GUARD_REMOVED in subgraph shop: Query.e demanded @requiresScopes(scopes: [["x", "y"]]) in the last supergraph, and now demands @requiresScopes(scopes: [["x", "y", "z"], ["x"]])',
    'shop.graphql:12:3: warning GUARD_REMOVED in subgraph shop: Query.f demanded @authenticated in the last supergraph, and now demands nothing',
  ])
})

test('breaking changes since the last supergraph are errors, dangerous ones warnings', async () => {
  project(
    'type Query { a: Int b(x: Int): Int }\nenum E { ONE }\ntype T { e: E }\nextend type Query { t: T }',
  )
  await changeTo(
    'type Query { b(x: Int, y: Int): Int! }\nenum E { ONE TWO }\ntype T { e: E }\nextend type Query { t: T }',
  )
  expect(await found()).toEqual([
    'error FIELD_REMOVED: Query.a was removed.',
    'shop.graphql:7:6: warning VALUE_ADDED_TO_ENUM in subgraph shop: TWO was added to enum type E.',
    'shop.graphql:6:14: warning OPTIONAL_ARG_ADDED in subgraph shop: An optional arg y on Query.b was added.',
  ])
})

test('what does not compose, and what the gateway would refuse to load, is an error', async () => {
  project('type Query { a: Nothing }')
  expect(await found()).toEqual([
    'shop.graphql:6:17: error INVALID_GRAPHQL in subgraph shop: Unknown type Nothing',
  ])
  folder.write('shop.graphql', `${head}type Query { a: Int }`.replace('/v0.1', '/v0.9'))
  expect(await found()).toEqual([expect.stringMatching(/^error SUPERGRAPH_REFUSED: .*v0\.9/)])
})

test('the command prints text or JSON; errors fail it, warnings do not', async () => {
  project('type Query { a: Int }\ntype Mutation { b: Int }\n')
  const words = [
    '--config',
    folder.at('supergraph.yaml'),
    '--last',
    folder.at('supergraph.graphql'),
  ]
  const absent = await runScript('check', words)
  expect(absent).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `check: the last supergraph ${folder.at('supergraph.graphql')} is not there: name it with --last\n`,
  })
  const failing = await runScript(
    'check',
    ['--config', folder.at('supergraph.yaml'), '--format', 'json'],
    {},
    folder.path,
  )
  expect(failing).toMatchObject({ exitCode: 1, stderr: '' })
  expect(JSON.parse(failing.stdout)).toMatchObject({
    passed: false,
    compared: false,
    findings: [{ severity: 'error', code: 'MUTATION_UNGUARDED', coordinate: 'Mutation.b' }],
  })
  await changeTo('type Query { a(x: Int): Int }')
  folder.write(
    'shop.graphql',
    `${head}type Query { a(x: Int): Int }\ntype Mutation { b: Int @public }\n`,
  )
  const passing = await runScript('check', words)
  expect(passing).toMatchObject({ exitCode: 0, stdout: '0 errors, 1 warning\n' })
  expect(passing.stderr).toContain('warning OPTIONAL_ARG_ADDED in subgraph shop')
})

/** A report of GET /usage. */
function usageReport(
  coordinates: Record<string, [client: string, requests: number, day: string][]>,
  more: object = {},
): string {
  const uses = Object.entries(coordinates).map(([coordinate, clients]) => [
    coordinate,
    {
      requests: 1,
      lastSeen: '2026-11-01T00:00:00.000Z',
      clients: clients.map(([client, requests, day]) => {
        const [name, version] = client.split(' ')
        const lastSeen = `${day}T12:00:00.000Z`
        return { ...(name ? { name, version } : {}), requests, lastSeen }
      }),
    },
  ])
  return JSON.stringify({
    id: 'gateway 1',
    since: '2026-11-20T08:00:00.000Z',
    until: '2026-11-26T08:00:00.000Z',
    complete: true,
    requests: 5000,
    coordinates: Object.fromEntries(uses),
    ...more,
  })
}

const before = `type Query { a: Int b: Int c(x: Int y: Int): Int node: Node find(in: Outer, kind: Kind): Lone unused: Unused d(z: Int): Int any: Any }
interface Node { id: ID! name: String }
interface Named { title: String }
type User implements Node { id: ID! name: String }
type Book implements Named { title: String }
type Lone { id: ID }
type Unused { id: ID }
union Any = Book | Lone
union More = Book | User
union Spare = Unused | Lone
enum Kind { OLD NEW }
input Outer { inner: Inner }
input Inner { text: String number: Int }
input Strict { free: Int fixed: Int }
scalar Place
directive @near(place: Place) on FIELD
`

const after = `type Query { b: Int! c(y: Int): String node: Node find(in: Outer, kind: Kind): Lone d(z: Int!): Int any: Any }
interface Node { id: ID! name: Int }
interface Named { title: String }
type User implements Node { id: ID! name: Int }
type Book { title: String }
type Lone { id: ID }
union Any = Lone
union More = Book | User
union Spare = Lone
enum Kind { NEW }
input Outer { inner: Inner }
input Inner { text: String must: String! }
input Strict { free: Int fixed: Int! }
directive @near(place: String) on FIELD
`

function usageOf(...reports: string[]): Promise<RecordedUsage> {
  const files = reports.map((report, index) => {
    folder.write(`usage-${index}.json`, report)
    return folder.at(`usage-${index}.json`)
  })
  return readUsage(files)
}

test('a breaking change says which clients use what it breaks', async () => {
  project(before)
  await changeTo(after)
  const recorded = await usageOf(
    usageReport({
      'Query.a': [
        ['web 1.4.2', 1204, '2026-11-25'],
        ['ios 3.0', 7, '2026-11-24'],
        ['', 12, '2026-11-23'],
        ['android 2', 1, '2026-11-22'],
        ['tv 1', 1, '2026-11-22'],
      ],
      'Query.c': [['web 1.4.2', 30, '2026-11-25']],
      'Query.c(y:)': [['web 1.4.2', 30, '2026-11-25']],
    }),
  )
  const lines = await found({ usage: { recorded, allowUnused: false } })
  expect(lines.filter((line) => /Query\.(a|c)/.test(line))).toEqual([
    'error FIELD_REMOVED: Query.a was removed: used by web 1.4.2, last 2026-11-25 (1,204 requests); clients without a name, last 2026-11-23 (12 requests); ios 3.0, last 2026-11-24 (7 requests); 2 more clients',
    'shop.graphql:6:22: error ARG_REMOVED in subgraph shop: Query.c arg x was removed: not used since 2026-11-20',
    'shop.graphql:6:22: error FIELD_CHANGED_KIND in subgraph shop: Query.c changed type from Int to String: used by web 1.4.2, last 2026-11-25 (30 requests)',
  ])
})

test('reports add up; of one gateway, the last includes the others', async () => {
  project(before)
  const use = (requests: number, day: string) => ({
    'Query.a': [['web 1', requests, day]] as [string, number, string][],
  })
  const recorded = await usageOf(
    usageReport(use(50, '2026-11-25'), { until: '2026-11-25T08:00:00.000Z' }),
    usageReport(use(40, '2026-11-24'), { until: '2026-11-24T08:00:00.000Z' }),
    usageReport(use(3, '2026-11-10'), { id: 'gateway 2', since: '2026-11-01T08:00:00.000Z' }),
  )
  expect(recorded).toMatchObject({
    since: '2026-11-01T08:00:00.000Z',
    until: '2026-11-26T08:00:00.000Z',
    requests: 10_000,
    isComplete: true,
  })
  expect(recorded.coordinates.get('Query.a')).toEqual([
    { client: 'web 1', requests: 53, lastSeen: '2026-11-25T12:00:00.000Z' },
  ])
})

test('what is no report of usage is refused in one sentence', async () => {
  project(before)
  await expect(readUsage([folder.at('usage.json')])).rejects.toThrow(
    `the usage ${folder.at('usage.json')} is not there: name it with --usage`,
  )
  for (const [text, complaint] of [
    ['portcullis_request_duration_seconds 1', 'is not JSON: save what GET /usage'],
    ['[]', 'is no report of usage: save what GET'],
    ['{"id":"a"}', 'is no report of usage (since: Invalid input'],
    [
      usageReport({}, { coordinates: { 'Query.a': { requests: -1 } } }),
      'is no report of usage (coordinates.Query.a.requests: ',
    ],
  ] as const) {
    await expect(usageOf(text)).rejects.toThrow(`usage-0.json ${complaint}`)
  }
  for (const [url, complaint] of [
    [
      '127.0.0.1:9/usage?token=secret',
      'the usage at http://127.0.0.1:9/usage cannot be read: bad port',
    ],
    [
      'user:secret@127.0.0.1:9/',
      'the usage at http://127.0.0.1:9/ needs a user or a password: save it',
    ],
    ['127.0.0.1:secret', 'a URL of --usage is not valid: correct it'],
  ] as const) {
    const message = await readUsage([`http://${url}`]).catch(String)
    expect(message).toContain(complaint)
    expect(message).not.toContain('secret')
  }
})

function changes(recorded: RecordedUsage) {
  const usage = { recorded, allowUnused: true }
  return schemaChanges(buildSchema(before), buildSchema(after), usage)
}

test.each([
  ['the usage is not complete', { complete: false }],
  ['no request was counted', { requests: 0 }],
])('nothing is unused where %s', async (_why, report) => {
  project(before)
  const found = changes(await usageOf(usageReport({}, report)))
  expect(new Set(found.map(({ severity }) => severity))).toEqual(new Set(['error']))
  expect(found[0]!.message).toMatch(/: whether it is used is not known$/)
})

test.each<[coordinate: string, changed: string[]]>([
  ['Query.b', []],
  ['Query.a', ['FIELD_REMOVED Query.a']],
  ['Query.c', ['FIELD_CHANGED_KIND Query.c']],
  ['Query.c(x:)', ['ARG_REMOVED Query.c']],
  // A type goes with the fields that have it.
  ['Query.unused', ['TYPE_REMOVED Unused', 'FIELD_REMOVED Query.unused']],
  ['Unused.id', ['TYPE_REMOVED Unused', 'TYPE_REMOVED_FROM_UNION Unused']],
  ['Unused', ['TYPE_REMOVED Unused', 'TYPE_REMOVED_FROM_UNION Unused']],
  ['Spare', ['TYPE_REMOVED Unused', 'TYPE_REMOVED_FROM_UNION Unused']],
  // Through an interface, the fields of all its types are selected.
  ['Node.name', ['FIELD_CHANGED_KIND Node.name', 'FIELD_CHANGED_KIND User.name']],
  ['User.name', ['FIELD_CHANGED_KIND User.name']],
  ['Kind.NEW', []],
  ['Kind.OLD', ['VALUE_REMOVED_FROM_ENUM Kind']],
  // What is in a variable is not known: it may be anything that its type allows.
  ['Kind', ['VALUE_REMOVED_FROM_ENUM Kind']],
  ['Outer.inner', []],
  ['Inner.text', ['REQUIRED_INPUT_FIELD_ADDED Inner']],
  ['Inner.number', ['FIELD_REMOVED Inner.number', 'REQUIRED_INPUT_FIELD_ADDED Inner']],
  ['Outer', ['FIELD_REMOVED Inner.number', 'REQUIRED_INPUT_FIELD_ADDED Inner']],
  // What becomes required breaks those that leave it out.
  ['Query.d', ['ARG_CHANGED_KIND Query.d']],
  ['Strict.free', ['FIELD_CHANGED_KIND Strict.fixed']],
  // A fragment must have a type in common with what it is in.
  ['Book', ['IMPLEMENTED_INTERFACE_REMOVED Book', 'TYPE_REMOVED_FROM_UNION Book']],
  ['Named', ['IMPLEMENTED_INTERFACE_REMOVED Book', 'TYPE_REMOVED_FROM_UNION Book']],
  ['More', ['IMPLEMENTED_INTERFACE_REMOVED Book', 'TYPE_REMOVED_FROM_UNION Book']],
  ['Any', ['IMPLEMENTED_INTERFACE_REMOVED Book', 'TYPE_REMOVED_FROM_UNION Book']],
  ['@near(place:)', ['TYPE_REMOVED Place']],
])('a client that uses %s is broken by: %j', async (coordinate, changed) => {
  project(before)
  const report = usageReport({ [coordinate]: [['web 1', 1, '2026-11-25']] })
  const found = changes(await usageOf(report))
  const used = found.filter(({ usage }) => usage!.outcome === 'used')
  expect(used.map(({ code, coordinate }) => `${code} ${coordinate}`).sort()).toEqual(
    [...changed].sort(),
  )
  expect(used.every(({ severity }) => severity === 'error')).toBe(true)
  const unused = found.filter(({ usage }) => usage!.outcome === 'not used')
  expect(unused.length + used.length).toBe(found.length)
  expect(unused.every(({ severity }) => severity === 'warning')).toBe(true)
})

/** A manifest of these operations in the folder. */
function manifest(name: string, texts: Readonly<Record<string, string>>): string {
  folder.write(name, JSON.stringify(texts))
  return folder.at(name)
}

test('known operations that a change breaks are errors, those that were not valid before warnings', async () => {
  project(
    'type Query { used: Int gone(text: String): Int user: User }\ntype User { id: ID name: String }\n',
  )
  await changeTo('type Query { used: Int user: User }\ntype User { id: ID }\n')
  const web = manifest('web.json', {
    a1: 'query Used { used }',
    a2: 'query Gone($text: String) { gone(text: $text) }',
    a3: 'query Two { used } query Names { user { name } }',
  })
  const old = manifest('old.json', { b1: 'query Never { never }', b2: 'query {' })
  const ofOperations = (lines: string[]) => lines.filter((line) => /OPERATION_/.test(line))
  expect(ofOperations(await found({ operations: [web, old] }))).toEqual([
    `error OPERATION_BROKEN: the operation Gone (a2) of web.json is not valid: Cannot query field "gone" on type "Query".`,
    `error OPERATION_BROKEN: the operation Two (a3) of web.json is not valid: Cannot query field "name" on type "User".`,
    `warning OPERATION_INVALID: the operation Never (b1) of old.json is not valid: Cannot query field "never" on type "Query".`,
    `warning OPERATION_INVALID: the operation (b2) of old.json is not valid: Syntax Error: Expected Name, found <EOF>.`,
  ])
  await expect(found({ operations: [folder.at('none.json')] })).rejects.toThrow(
    'none.json cannot be read (ENOENT)',
  )
  folder.write('half.json', '{ "a1": "query')
  await expect(found({ operations: [folder.at('half.json')] })).rejects.toThrow(
    'half.json is not complete and valid JSON',
  )
})

test('known operations that require more than before are errors, or warnings where that is intended', async () => {
  project(`type Query { free: Int wider: Int @requiresScopes(scopes: [["a"]]) user: User }
type User { id: ID email: String same: Int @authenticated }
`)
  await changeTo(`type Query {
  free: Int @authenticated
  wider: Int @requiresScopes(scopes: [["a"], ["b"]])
  user: User
}
type User { id: ID email: String @requiresScopes(scopes: [["mail"]]) same: Int @authenticated }
`)
  const operations = [
    manifest('web.json', {
      c1: 'query Free { free wider }',
      c2: 'query Mail { user { id ...Parts } } fragment Parts on User { email same }',
      c3: '{ user { id } }',
    }),
  ]
  const expected = (severity: string) => [
    `shop.graphql:7:3: ${severity} OPERATION_REQUIRES_MORE in subgraph shop: the operation Free (c1) of web.json now requires @authenticated for Query.free`,
    `shop.graphql:11:20: ${severity} OPERATION_REQUIRES_MORE in subgraph shop: the operation Mail (c2) of web.json now requires @requiresScopes(scopes: [["mail"]]) for User.email`,
  ]
  const ofOperations = (lines: string[]) => lines.filter((line) => /OPERATION_/.test(line))
  expect(ofOperations(await found({ operations }))).toEqual(expected('error'))
  const intended = await found({ operations, allowNewRequirements: true })
  expect(ofOperations(intended)).toEqual(expected('warning'))
})

test('each known operation has its cost without variables', async () => {
  project(`extend schema @link(url: "https://specs.apollo.dev/cost/v0.1", import: ["@cost", "@listSize"])
type Query { books: [Book] @listSize(assumedSize: 5) all: [Book] }
type Book { title: String author: Author }
type Author { name: String @cost(weight: 3) }
`)
  const operations = [
    manifest('web.json', {
      d1: 'query Titles { books { title } }',
      d2: 'query Names { books { author { name } } } query All { all { title } }',
    }),
  ]
  const options = { ...paths(), last: folder.at('none'), default: 'allow', operations } as const
  const report = await checkSupergraph(options)
  expect(report.operations!.map(({ name, cost }) => [name, cost])).toEqual([
    ['Titles', 5],
    ['Names', 25],
    ['All', 10],
  ])
})
