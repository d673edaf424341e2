/** supergraph.yaml: what can be said in it, and what is said about what is wrong with it. */
import { afterEach, expect, test } from '@jest/globals'
import { composeSupergraph } from '../../scripts/compose/compose-supergraph.ts'
import { describeProblem } from '../../scripts/compose/problem.ts'
import { readSupergraphConfig } from '../../scripts/compose/supergraph-config.ts'
import { projectFolder } from './support/project-folder.ts'
import type { ProjectFolder } from './support/project-folder.ts'

let folder: ProjectFolder | undefined
afterEach(() => {
  folder?.remove()
  folder = undefined
})

function read(text: string, environment: Record<string, string> = {}) {
  return readSupergraphConfig('/project/supergraph.yaml', text, {
    environment,
    federationVersion: '2.14.4',
  })
}

/** What is wrong, one line each: `3: subgraphs.users.routing_url is not a URL ...`. */
function problems(text: string, environment: Record<string, string> = {}): string[] {
  return read(text, environment).problems.map(
    ({ message, places }) => `${places[0]?.line ?? '-'}: ${message}`,
  )
}

const users = (lines: string) => `subgraphs:\n  users:\n${lines.replaceAll(/^/gm, '    ')}\n`

test('a schema comes from a file beside supergraph.yaml, a subgraph, or the text itself', () => {
  const { subgraphs, problems } = read(`
federation_version: =2.14.4
subgraphs:
  auth:
    routing_url: http://auth.test/graphql
    schema: { file: ./auth/schema.graphql }
  users:
    schema:
      subgraph_url: https://users.test/graphql
      introspection_headers: { authorization: Basic abc }
  reviews:
    routing_url: http://reviews.test/
    schema:
      sdl: |
        type Query { reviews: Int }
`)
  expect(problems).toEqual([])
  expect(subgraphs).toMatchObject([
    { name: 'auth', schema: { from: 'file', path: '/project/auth/schema.graphql' } },
    {
      name: 'users',
      routingUrl: 'https://users.test/graphql',
      schema: { from: 'subgraph', headers: { authorization: 'Basic abc' } },
    },
    { name: 'reviews', schema: { sdl: 'type Query { reviews: Int }\n', firstLine: 15 } },
  ])
})

test('${env.NAME} is filled in from the environment, else by its default', () => {
  const text = users(
    'routing_url: http://${env.HOST:-127.0.0.1}:${env.PORT}/graphql\nschema: { file: a }',
  )
  expect(read(text, { PORT: '4002' }).subgraphs[0]?.routingUrl).toBe(
    'http://127.0.0.1:4002/graphql',
  )
  expect(problems(text)).toEqual(['3: subgraphs.users.routing_url needs PORT, which is not set'])
})

test.each([
  ['=2.14.4', []],
  ['2', []],
  ['latest-2', []],
  ['1', ['1: federation_version is 1: Federation 1 is not composed here, only 2']],
  ['=1.1.0', ['1: federation_version is =1.1.0: Federation 1 is not composed here, only 2']],
  ['latest-1', ['1: federation_version is latest-1: Federation 1 is not composed here, only 2']],
  ['two', ['1: federation_version is "two": write 2 or =2.14.4']],
])('federation_version %s', (version, expected) => {
  const rest = users('routing_url: http://users.test/\nschema: { file: a }')
  expect(problems(`federation_version: ${version}\n${rest}`)).toEqual(expected)
})

test.each(['=2.9.0', '=2.15.1', '2.9', '^2.9', '=2.0.0-preview.1'])(
  'federation_version %s composes with the installed release, and a hint says so',
  (version) => {
    const rest = users('routing_url: http://users.test/\nschema: { file: a }')
    const reading = read(`federation_version: ${version}\n${rest}`)
    expect(reading.problems).toEqual([])
    expect(reading.subgraphs).toHaveLength(1)
    expect(reading.hints).toEqual([
      {
        code: 'OTHER_FEDERATION_VERSION',
        level: 'WARN',
        message: `federation_version is ${version}: composed with the installed 2.14.4`,
        places: [{ file: '/project/supergraph.yaml', line: 1 }],
      },
    ])
  },
)

test.each([
  ['', ['-: the file names no subgraphs: it needs `subgraphs:` with one entry each']],
  ['subgraphs: {}', ['1: subgraphs has to name at least one subgraph']],
  ['subgraphs: [users]', ['1: subgraphs has to name at least one subgraph']],
  ['subgraphs:\n  users:', ['2: subgraphs.users needs `routing_url` and `schema`']],
  [
    users('routing_url: http://users.test/'),
    ['2: subgraphs.users.schema has to say where the schema is: `file`, `subgraph_url` or `sdl`'],
  ],
  [
    users('schema: { file: a }'),
    ['2: subgraphs.users has no `routing_url`: it is where the gateway finds the subgraph'],
  ],
  [
    users('routing_url: http://users.test/\nschema: { file: a, sdl: b }'),
    ['4: subgraphs.users.schema needs exactly one of `file`, `subgraph_url` and `sdl`'],
  ],
  [
    users('routing_url: http://users.test/\nschema: { graphref: a@b }'),
    [
      '4: subgraphs.users.schema is a schema in a registry, which is not supported: give its `file`',
    ],
  ],
  [
    users('routing_url: http://users.test/\nschema: { file: a, introspection_headers: {} }'),
    ['4: subgraphs.users.schema.introspection_headers belong to `subgraph_url` only'],
  ],
  [
    users('schema: { subgraph_url: "http://a/", introspection_headers: { "a b": c } }'),
    ['3: subgraphs.users.schema.introspection_headers.a b is not a header that can be sent'],
  ],
])('a file that says too little or too much: %j', (text, expected) => {
  expect(problems(text)).toEqual(expected)
})

test.each([
  ['users.test/graphql', 'is not a URL: "users.test/graphql"'],
  ['ftp://users.test/', 'has to start with http:// or https://: "ftp://users.test/"'],
  [
    'http://127.0.0.1:0/graphql',
    'has port 0, at which nothing can be reached: "http://127.0.0.1:0/graphql"',
  ],
  ['http://me:secret@users.test/', 'contains a name or password, which do not belong in a URL'],
  ['[1]', 'has to be a URL'],
])('a routing_url that cannot be called: %s', (url, expected) => {
  expect(problems(users(`routing_url: ${url}\nschema: { file: a }`))).toEqual([
    `3: subgraphs.users.routing_url ${expected}`,
  ])
})

test.each(['2users', '_users', 'us/ers', 'users team', 'u'.repeat(65)])(
  'a name that is none: %s',
  (name) => {
    const entry = '{ routing_url: "http://users.test/", schema: { file: a } }'
    expect(problems(`subgraphs:\n  ${name}: ${entry}`)).toEqual([
      `2: subgraphs.${name} is not a name for a subgraph: it starts with a letter and has at most 64 letters, digits, _ and -`,
    ])
  },
)

test('a duplicate name is reported with its line', () => {
  const entry = '{ routing_url: "http://users.test/", schema: { file: a } }'
  expect(problems(`subgraphs:\n  users: ${entry}\n  users: ${entry}\n`)).toEqual([
    '3: the key "users" is there twice',
  ])
})

test('all problems are reported together, YAML syntax errors with line and column', () => {
  expect(
    problems(
      'federation_version: 1\nsubgraph: {}\nsubgraphs:\n  users:\n    rooting_url: http://a/\n    schema: { path: b }\n',
    ),
  ).toEqual([
    '2: subgraph is not a known key: expected federation_version, subgraphs',
    '1: federation_version is 1: Federation 1 is not composed here, only 2',
    '5: subgraphs.users.rooting_url is not a known key: expected routing_url, schema',
    '6: subgraphs.users.schema.path is not a known key: expected file, subgraph_url, sdl, introspection_headers',
    '6: subgraphs.users.schema needs exactly one of `file`, `subgraph_url` and `sdl`',
    '4: subgraphs.users has no `routing_url`: it is where the gateway finds the subgraph',
  ])
  const [fault] = read('subgraphs:\n  users: [\n').problems
  expect(fault?.places[0]).toMatchObject({ file: '/project/supergraph.yaml', line: 3 })
})

test('a schema file that is not there, and one that is a folder', async () => {
  folder = projectFolder({
    'supergraph.yaml': `subgraphs:
  gone: { routing_url: "http://a/", schema: { file: gone.graphql } }
  folder: { routing_url: "http://a/", schema: { file: . } }
`,
  })
  const composition = await composeSupergraph(folder.at('supergraph.yaml'), {})
  expect(composition.outcome).toBe('failed')
  const lines =
    composition.outcome === 'failed'
      ? composition.errors.map((error) => describeProblem('error', error))
      : []
  const yaml = folder.at('supergraph.yaml')
  expect(lines).toEqual([
    `${yaml}:2: error SCHEMA_UNAVAILABLE in subgraph gone: the schema file ${folder.at('gone.graphql')} is not there`,
    `${yaml}:3: error SCHEMA_UNAVAILABLE in subgraph folder: the schema file ${folder.path} is a folder`,
  ])
})

test('a supergraph.yaml that is not there is one sentence', async () => {
  await expect(composeSupergraph('/nowhere/supergraph.yaml', {})).rejects.toThrow(
    '/nowhere/supergraph.yaml is not there: it lists the subgraphs; make one, or name it with --config',
  )
})
