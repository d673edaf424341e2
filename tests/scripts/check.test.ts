/** `npm run check`: what composition lets pass. */
import { afterEach, expect, test } from '@jest/globals'
import type { AcceptedFile } from '../../scripts/check/accepted-names.ts'
import { checkSupergraph } from '../../scripts/check/check-supergraph.ts'
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
  options: { default?: 'allow' | 'deny'; accept?: AcceptedFile } = {},
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
