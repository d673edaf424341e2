/** `npm run explain`, as a person runs it. */
import { afterAll, expect, test } from '@jest/globals'
import { UnsecuredJWT } from 'jose'
import { projectFolder } from '../scripts/support/project-folder.ts'
import { startProcess } from '../scripts/support/run-script.ts'
import { runCompiled } from '../support/run-compiled.ts'

const folder = projectFolder({
  'supergraph.graphql': `
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY)
  @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)
  @link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY)
{ query: Query mutation: Mutation }
directive @policy(policies: [[policy__Policy!]!]!) on FIELD_DEFINITION
scalar policy__Policy
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | INTERFACE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @authenticated on FIELD_DEFINITION
directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on FIELD_DEFINITION
enum link__Purpose { SECURITY EXECUTION }
scalar link__Import
scalar join__FieldSet
scalar requiresScopes__Scope
enum join__Graph { USERS @join__graph(name: "users", url: "http://users") }
type Query @join__type(graph: USERS) { me: User @authenticated open: String note: Note }
type Mutation @join__type(graph: USERS) { greet: String close: String @policy(policies: [["second factor"]]) }
interface Node @join__type(graph: USERS) { text: String @authenticated }
type Note implements Node @join__implements(graph: USERS, interface: "Node") @join__type(graph: USERS) { text: String }
type User @join__type(graph: USERS) {
  name: String
  email: String @requiresScopes(scopes: [["profile:email"]])
}`,
  'supergraph.yaml': `
federation_version: 2
subgraphs:
  users: { routing_url: http://users, schema: { file: users.graphql } }
`,
  'users.graphql': `extend schema
  @link(
    url: "https://specs.apollo.dev/federation/v2.9"
    import: ["@authenticated", { name: "@requiresScopes", as: "@needs" }]
  )
type Query { me: User @authenticated }
type User {
  name: String
  email: String
    @needs(scopes: [["profile:email"]])
}`,
  'operation.graphql': 'query Me { me { name mail: email } }',
  'deferred.graphql': 'query Me { me { name ... @defer(label: "mail") { mail: email } } }',
  'unknown.graphql': '{ salary }',
  'part.graphql': '{ open me { name } }',
  'note.graphql': '{ note { text } }',
  'mutation.graphql': 'mutation { greet close }',
  'gateway.yaml': `authentication:
  issuers: [{ issuer: https://login.example.com, jwks_uri: https://login.example.com/keys, audiences: [portcullis], algorithms: [ES256], scopes_claim: roles }]
authorization:
  mode: reject
  show_requirements: false
  step_up: { second factor: { acr_values: [aal2] } }
`,
  'strong.json': '{ "sub": "alice", "acr": "aal2" }',
  'claims.json': '{ "sub": "alice", "scope": "profile" }',
})
afterAll(() => folder.remove())

async function explain(...words: string[]) {
  const run = startProcess(runCompiled('scripts/explain', ...words), folder.path, {})
  const exitCode = await run.ended
  return { exitCode, stdout: run.stdout.trim(), stderr: run.stderr.trim() }
}

test('each field with its decision, the directive and the line that declares it', async () => {
  const [known, anonymous, asJson] = await Promise.all([
    explain('--operation', 'operation.graphql', '--claims', 'claims.json'),
    explain('--operation', 'operation.graphql'),
    explain(
      ...['--operation', 'operation.graphql', '--format', 'json', '--token'],
      new UnsecuredJWT({ scope: 'profile:email' }).setSubject('bob').encode(),
    ),
  ])
  expect(known).toMatchObject({ exitCode: 0, stderr: '' })
  expect(known.stdout).toBe(`Caller: alice, scopes: profile

me      allowed      met:   @authenticated on Query.me (users, users.graphql:6)
  name  allowed
  mail  denied       lacks: @requiresScopes(scopes: [["profile:email"]]) on User.email (users, users.graphql:10)

Decision: reduced. What is executed:

query Me {
  me {
    name
  }
}

Plan:

users:
  query Me__users__0 {
    me {
      name
    }
  }

Cost: 1
Limits: depth 2 of 200, selections 3 of 20000, tokens 11 of 10000`)
  expect(anonymous.stdout).toMatch(/^Caller: anonymous\n\nme {6}denied[^]*mail {2}not reached/)
  expect(anonymous.stdout).toMatch(
    /since each of its root fields is denied\.\nResponse: UNAUTHENTICATED; HTTP status 401 for application\/graphql-response\+json, 200 for application\/json\.$/,
  )
  expect(JSON.parse(asJson.stdout)).toMatchObject({
    caller: { subject: 'bob', scopes: ['profile:email'] },
    decision: 'whole',
    fields: [{ decision: 'allowed' }, { decision: 'allowed' }, { path: ['me', 'mail'] }],
  })
})

test('what the modes make of an operation, and what its client gets', async () => {
  const [reject, allOrNothing, filtered] = await Promise.all([
    explain('--operation', 'part.graphql', '--mode', 'reject'),
    explain('--operation', 'mutation.graphql', '--claims', 'claims.json'),
    explain(...['--operation', 'mutation.graphql', '--mutations', 'filter', '--format', 'json']),
  ])
  expect(reject.stdout).toMatch(
    /nothing is executed, since the mode is reject, and a field of it is denied\.\nResponse: UNAUTHENTICATED; HTTP status 401 for/,
  )
  expect(allOrNothing.stdout).toMatch(
    /since a mutation is all or nothing, .*\nResponse: UNAUTHORIZED_FIELD_OR_TYPE; HTTP status 403 for/,
  )
  expect(JSON.parse(filtered.stdout)).toMatchObject({ decision: 'reduced', mutations: 'filter' })
})

test('gateway.yaml says the modes, and which policies a login meets', async () => {
  const run = (...words: string[]) =>
    explain('--config', 'gateway.yaml', '--operation', 'mutation.graphql', ...words)
  const token = new UnsecuredJWT({ iss: 'https://login.example.com', scope: 'no', roles: ['yes'] })
  const [weak, strong, dryRun] = await Promise.all([
    run('--claims', 'claims.json'),
    run('--claims', 'strong.json'),
    run('--mode', 'dry_run', '--token', token.setSubject('bob').encode()),
  ])
  expect(weak.stdout).toMatch(/the mode is reject/)
  expect(weak.stdout).toMatch(
    /HTTP status 401 for .*\nAnother login would be sufficient: acr aal2$/,
  )
  expect(strong.stdout).toMatch(/the complete operation is executed\.$/m)
  expect(dryRun.stdout).toMatch(/^Caller: bob, scopes: yes\n/)
  expect(dryRun.stdout).toMatch(/the complete operation is executed, since the mode is dry_run/)
})

test('a guard that a field has from an interface, and a field that is deferred', async () => {
  const [{ stdout }, deferred] = await Promise.all([
    explain('--operation', 'note.graphql'),
    explain('--operation', 'deferred.graphql', '--claims', 'claims.json'),
  ])
  expect(deferred.stdout).toMatch(/\n {2}mail {2}denied {7}lacks: @requiresScopes/)
  expect(stdout).toMatch(/text {2}denied {7}lacks: @authenticated on Node\.text, its interface \(/)
})

test('what cannot be explained is one line and exit code 1', async () => {
  const [nothing, unknown, absent] = await Promise.all([
    explain(),
    explain('--operation', 'unknown.graphql'),
    explain('--operation', 'operation.graphql', '--supergraph', 'absent/supergraph.graphql'),
  ])
  expect(nothing).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'explain: give a document with --operation FILE',
  })
  expect(unknown.stderr).toBe(
    'explain: unknown.graphql does not fit the schema: Cannot query field "salary" on type "Query".',
  )
  expect(absent.stderr).toBe(
    'explain: absent/supergraph.graphql cannot be read (ENOENT): create it with `npm run compose`',
  )
})
