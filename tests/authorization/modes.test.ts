/** What the configuration changes, what nothing left means, and which supergraphs are refused. */
import { describe, expect, test } from '@jest/globals'
import { ApolloGateway } from '@apollo/gateway'
import { buildClientSchema, getIntrospectionQuery, Kind, parse } from 'graphql'
import type { IntrospectionQuery } from 'graphql'
import { challengeOf } from '../../gateway/authorization/challenge.ts'
import { declarationsIn, withDeclarations } from '../../gateway/authorization/declarations.ts'
import { explainOperation } from '../../gateway/authorization/explain-operation.ts'
import { guardSupergraph } from '../../gateway/authorization/guard-supergraph.ts'
import { readGuard } from '../../gateway/authorization/guard-directives.ts'
import type { GuardDirective } from '../../gateway/authorization/guards/guard-directive.ts'
import {
  compose,
  federationLink,
  guardedGraph,
  publicLink,
  withScopes,
} from './support/guarded-graph.ts'
import { library } from './support/library.ts'

const graph = await guardedGraph(library)
const anonymous = { claims: null }

describe('mutations are all or nothing', () => {
  const mutation =
    'mutation ($do: Boolean = true) { open rename(name: "x") @include(if: $do) { name } }'

  test('one denied root field and nothing runs', async () => {
    const answer = await graph.ask(mutation)
    expect(answer).toMatchObject({ outcome: 'refused', data: null, resolved: [] })
    expect(answer.errors.map(({ path }) => path)).toEqual([['rename']])
  })

  test('a denied root field that is not included hinders nothing', async () => {
    const answer = await graph.ask(mutation, { variables: { do: false } })
    expect(answer).toMatchObject({ data: { open: 'opened' }, errors: [] })
  })

  test('a denied field beneath is left out', async () => {
    const query = 'mutation { rename(name: "Eve") { name email } }'
    const answer = await graph.ask(query, { claims: withScopes('write') })
    expect(answer.data).toEqual({ rename: { name: 'Eve', email: null } })
  })

  test('with `filter` the allowed ones run', async () => {
    const filtering = await guardedGraph(library, { mutations: 'filter' })
    const answer = await filtering.ask(mutation)
    expect(answer).toMatchObject({ outcome: 'reduced', data: { open: 'opened', rename: null } })
  })
})

describe('nothing left', () => {
  test('nothing is executed, and each root field has its error', async () => {
    const answer = await graph.ask('{ secret ...more } fragment more on Query { account { id } }')
    expect(answer).toMatchObject({ outcome: 'nothing left', data: null, resolved: [] })
    expect(answer.errors.map(({ path }) => path)).toEqual([['secret'], ['account']])
  })

  test('__typename is something', async () => {
    const answer = await graph.ask('{ __typename secret }')
    expect(answer).toMatchObject({
      outcome: 'reduced',
      data: { __typename: 'Query', secret: null },
      resolved: [],
    })
  })

  test('an operation whose denied fields are all skipped is not refused', async () => {
    const answer = await graph.ask('{ secret @skip(if: true) }')
    expect(answer).toMatchObject({ outcome: 'reduced', data: {}, errors: [], resolved: [] })
  })

  test('an anonymous caller is asked to log in', async () => {
    const { authorized } = await graph.ask('{ level }')
    expect(challengeOf(graph.authorizer, authorized, anonymous)).toEqual({ status: 401 })
  })

  test('an authenticated caller gets the scopes of a sufficient token', async () => {
    const caller = { claims: withScopes('read', 'write') }
    const mutation =
      'mutation { rename(name: "x") { email phone } other: rename(name: "y") { email } }'
    const whole = await graph.ask(mutation, { claims: withScopes('admin') })
    expect(whole.outcome).toBe('nothing left')
    expect(challengeOf(graph.authorizer, whole.authorized, caller)).toEqual({
      status: 403,
      scopes: ['admin', 'phone', 'read', 'write'],
    })
  })
})

describe('what a denial discloses', () => {
  test('locations, and that a token is needed', async () => {
    const { errors } = await graph.ask('{\n  open\n  secret\n}')
    expect(errors).toEqual([
      {
        message: 'You may not see this field',
        locations: [{ line: 3, column: 3 }],
        path: ['secret'],
        extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE', requires: { authenticated: true } },
      },
    ])
  })

  test('the scopes that this caller lacks, alternatives shortest first', async () => {
    const { errors } = await graph.ask('{ me { name email } }', { claims: withScopes('read', 'x') })
    expect(errors[0]!.extensions.requires).toEqual({ scopes: [['admin'], ['profile:email']] })
    const none = await graph.ask('{ me { name email } }', { claims: withScopes() })
    expect(none.errors[0]!.extensions.requires).toEqual({
      scopes: [['profile:email'], ['admin', 'read']],
    })
  })

  test('the policies that did not decide in favour', async () => {
    const { errors } = await graph.ask('{ open ruled }', { granted: ['is local'] })
    expect(errors[0]!.extensions.requires).toEqual({ policies: [['is admin'], ['is adult']] })
  })

  test('nothing of the kind when that is turned off', async () => {
    const quiet = await guardedGraph(library, { showRequirements: false })
    const { errors } = await quiet.ask('{ open secret }')
    expect(errors[0]!.extensions).toEqual({ code: 'UNAUTHORIZED_FIELD_OR_TYPE' })
  })

  test('in the extensions, or only in the log', async () => {
    const inExtensions = await guardedGraph(library, { errors: 'extensions' })
    const answer = await inExtensions.ask('{ open secret }')
    expect(answer.errors).toEqual([])
    expect(answer.extensions).toMatchObject({ authorizationErrors: [{ path: ['secret'] }] })
    const inLog = await guardedGraph(library, { errors: 'log' })
    const silent = await inLog.ask('{ open secret }')
    expect(silent).toMatchObject({ data: { open: 'open', secret: null }, errors: [] })
    expect(silent.extensions).toBeUndefined()
  })
})

describe('modes', () => {
  test('`reject` refuses the operation for one denied field', async () => {
    const rejecting = await guardedGraph(library, { mode: 'reject' })
    const answer = await rejecting.ask('{ open users { email } }')
    expect(answer).toMatchObject({ outcome: 'refused', data: null, resolved: [] })
    expect(answer.errors.map(({ path }) => path)).toEqual([['users', 'email']])
    const allowed = await rejecting.ask('{ open users { email @skip(if: true) id } }')
    expect(allowed.data).toEqual({ open: 'open', users: [{ id: '1' }, { id: '2' }] })
  })

  test('`dry_run` executes everything and reports what would have been denied', async () => {
    const dry = await guardedGraph(library, { mode: 'dry_run' })
    const answer = await dry.ask('{ secret me { email } }')
    expect(answer.outcome).toBe('whole')
    expect(answer.data).toEqual({ secret: 'secret', me: { email: 'ada@example.com' } })
    expect(answer.errors.map(({ path }) => path)).toEqual([['secret'], ['me', 'email']])
    const mutation = await dry.ask('mutation { rename(name: "x") { name } }')
    expect(mutation).toMatchObject({ data: { rename: { name: 'x' } } })
  })
})

describe('deny by default', () => {
  const shop = {
    shop: {
      typeDefs: `${federationLink}${publicLink}
        type Query { offers: [Offer!]! orders: [Order!]! promise: Order @public }
        type Mutation { login: Login @public buy: Order }
        type Login @public { token: String! order: Order }
        type Offer { id: ID! @public price: Int margin: Int @public @requiresScopes(scopes: [["staff"]]) }
        type Order { id: ID! @public total: Int }`,
      resolvers: {
        Query: { promise: () => ({ id: 'o', total: 3 }), offers: () => [], orders: () => [] },
        Mutation: { login: () => ({ token: 't', order: { id: 'o', total: 3 } }) },
      },
    },
  }

  test('what is not marked @public, nor its type, needs a token', async () => {
    const closed = await guardedGraph(shop, { default: 'deny' })
    const login = await closed.ask('mutation { login { token order { id total } } }')
    expect(login.data).toEqual({ login: { token: 't', order: { id: 'o', total: null } } })
    const rest = await closed.ask('{ offers { id } orders { id } promise { id total } }')
    expect(rest.data).toBeNull()
    expect(rest.errors.map(({ path }) => path)).toEqual([
      ['offers'],
      ['orders'],
      ['promise', 'total'],
    ])
    expect(rest.errors[0]!.extensions.requires).toEqual({ authenticated: true })
    const known = await closed.ask('{ orders { id } promise { total } }', { claims: withScopes() })
    expect(known).toMatchObject({ outcome: 'whole', data: { orders: [], promise: { total: 3 } } })
  })

  test('@public lifts the default, never a guard', async () => {
    const closed = await guardedGraph(shop, { default: 'deny' })
    const answer = await closed.ask('{ offers { margin } }', { claims: withScopes() })
    expect(
      closed.authorizer.schema.reasons('Offer', 'margin').map(({ because }) => because),
    ).toEqual(['the field'])
    expect(answer.outcome).toBe('reduced')
  })

  test('without it nothing changes', async () => {
    const open = await guardedGraph(shop)
    const answer = await open.ask('{ orders { id } promise { total } }')
    expect(answer).toMatchObject({ outcome: 'whole', errors: [] })
  })
})

describe('introspection', () => {
  const query = '{ __schema { queryType { name } } open }'

  test('only for authenticated callers', async () => {
    const graph = await guardedGraph(library, { introspection: 'authenticated' })
    const refused = await graph.ask('{ __type(name: "User") { name } open }')
    expect(refused.data).toEqual({ __type: null, open: 'open' })
    expect(refused.errors.map(({ path }) => path)).toEqual([['__type']])
    const answered = await graph.ask(query, { claims: withScopes() })
    expect(answered.data).toEqual({ __schema: { queryType: { name: 'Query' } }, open: 'open' })
  })

  test('filtered to what the caller may use', async () => {
    const graph = await guardedGraph(library, { introspection: 'filtered' })
    const typesFor = async (question: object) => {
      const { data } = await graph.ask(getIntrospectionQuery(), question)
      return buildClientSchema(data as unknown as IntrospectionQuery).getTypeMap()
    }
    const seen = await typesFor({})
    expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(['Account']))
    for (const hidden of ['Account', 'Stamp', 'Level', 'Wolf', 'Animal']) {
      expect(Object.keys(seen)).not.toContain(hidden)
    }
    expect(seen.User!.toConfig()).toMatchObject({
      fields: expect.not.objectContaining({ email: expect.anything() }),
    })
    const more = await typesFor({ claims: withScopes('profile:email') })
    expect(Object.keys(more)).toEqual(expect.arrayContaining(['Account', 'Wolf']))
    expect(more.User!.toConfig()).toMatchObject({ fields: { email: expect.anything() } })
    expect(more.Query!.toConfig()).toMatchObject({
      fields: expect.not.objectContaining({ ruled: expect.anything(), level: expect.anything() }),
    })
  })

  test('filtered, mixed with data, through fragments and aliases', async () => {
    const graph = await guardedGraph(library, { introspection: 'filtered' })
    const mixed = `query ($name: String!, $text: String) {
      open ...types secret echo(text: $text)
    }
    fragment types on Query { account: __type(name: "Account") { name } user: __type(name: $name) { ...t } }
    fragment t on __Type { name }`
    const answer = await graph.ask(mixed, { variables: { name: 'User', text: 'hi' } })
    expect(JSON.stringify(answer.data)).toBe(
      '{"open":"open","account":null,"user":{"name":"User"},"secret":null,"echo":"hi"}',
    )
    expect(answer.errors.map(({ path }) => path)).toEqual([['secret']])
    const alone = await graph.ask('{ __schema { queryType { name } } secret }')
    expect(alone.data).toEqual({ __schema: { queryType: { name: 'Query' } }, secret: null })
  })
})

describe('directives under other names', () => {
  const renamed = (link: string, directive: string) => ({
    s: {
      typeDefs: `extend schema ${link}
        type Query { open: String secret: String ${directive} }`,
      resolvers: { Query: { open: () => 'open', secret: () => 'secret' } },
    },
  })
  const federation = 'https://specs.apollo.dev/federation/v2.9'

  test.each([
    [
      'an import under another name',
      `@link(url: "${federation}", import: [{ name: "@authenticated", as: "@loggedIn" }])`,
      '@loggedIn',
    ],
    [
      'an import of scopes under another name',
      `@link(url: "${federation}", import: [{ name: "@requiresScopes", as: "@needs" }])`,
      '@needs(scopes: [["x"]])',
    ],
    ['a namespaced name', `@link(url: "${federation}")`, '@federation__authenticated'],
    ['a link under another name', `@link(url: "${federation}", as: "fed")`, '@fed__authenticated'],
  ])('%s guards', async (_name, link, directive) => {
    const graph = await guardedGraph(renamed(link, directive))
    const answer = await graph.ask('{ open secret }')
    expect(answer).toMatchObject({
      data: { open: 'open', secret: null },
      resolved: ['s:Query.open'],
    })
  })

  test('a directive renamed in the supergraph itself guards', () => {
    const sdl = compose(
      renamed(`@link(url: "${federation}", import: ["@authenticated"])`, '@authenticated'),
    )
    const other = sdl
      .replace(
        'authenticated/v0.1", for: SECURITY',
        'authenticated/v0.1", as: "auth", for: SECURITY',
      )
      .replaceAll('@authenticated', '@auth')
    const { authorizer } = guardSupergraph(other)
    expect(authorizer.schema.fieldRequirement('Query', 'secret')).toHaveLength(1)
  })

  test('a directive of the same name from another URL is none of ours', async () => {
    const typeDefs = `extend schema
        @link(url: "${federation}", import: ["@composeDirective"])
        @link(url: "https://example.com/theirs/v1.0", import: ["@authenticated"])
        @composeDirective(name: "@authenticated")
      directive @authenticated on FIELD_DEFINITION
      type Query { open: String @authenticated }`
    const graph = await guardedGraph({
      s: { typeDefs, resolvers: { Query: { open: () => 'open' } } },
    })
    expect(graph.supergraphSdl).toMatch(/open: String @authenticated/)
    expect(await graph.ask('{ open }')).toMatchObject({ outcome: 'whole', data: { open: 'open' } })
  })
})

describe('a supergraph that cannot be enforced is refused', () => {
  const sdl = graph.supergraphSdl

  test.each(['authenticated', 'requiresScopes', 'policy'])('an unknown version of %s', (name) => {
    const newer = sdl.replace(`${name}/v0.1`, `${name}/v0.2`)
    expect(() => guardSupergraph(newer)).toThrow(
      `it links https://specs.apollo.dev/${name}/v0.2, but of that specification only v0.1 is known`,
    )
  })

  test('an unknown version of @public', () => {
    const shop = `${federationLink}${publicLink} type Query { open: Int @public }`
    const newer = compose({ shop: { typeDefs: shop } }).replace(
      'authorization/v0.1',
      'authorization/v9.0',
    )
    expect(() => guardSupergraph(newer)).toThrow('only v0.1 is known')
  })

  test('a guard where it would not be looked for', () => {
    const astray = sdl.replace('echo(text: String)', 'echo(text: String @authenticated)')
    expect(() => guardSupergraph(astray)).toThrow('in a place where it cannot be enforced')
  })

  test('a type extension', () => {
    expect(() => guardSupergraph(`${sdl}\nextend type User { more: Int }`)).toThrow('extends User')
  })

  test('a link that hides in @join__directive', () => {
    const hidden = sdl.replace(
      'schema\n',
      'schema @join__directive(graphs: [USERS], name: "link", args: { url: "https://specs.apollo.dev/policy/v0.1" })\n',
    )
    expect(() => guardSupergraph(hidden)).toThrow('compose it so that @link names it')
  })

  test.each(['[[7]]', '[[["level"]]]', '[["level", null]]', 'null', '{ level: true }'])(
    'scopes that cannot be read: %s',
    (scopes) => {
      const odd = sdl.replace(
        '@requiresScopes(scopes: [["level"]])',
        `@requiresScopes(scopes: ${scopes})`,
      )
      expect(() => guardSupergraph(odd)).toThrow('@requiresScopes on Level has no list of lists')
    },
  )

  test('a directive of a specification that has no meaning here', () => {
    const application = { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'roles' } } as const
    expect(() => readGuard('roles' as never, application, 'User')).toThrow()
    // @ts-expect-error a row without all columns does not compile
    const incomplete: GuardDirective<object> = { name: 'roles', read: () => ({}) }
    expect(Object.keys(incomplete)).toHaveLength(2)
  })

  test('the engine by itself refuses what this step makes loadable', async () => {
    const load = (supergraphSdl: string) => new ApolloGateway({ supergraphSdl }).load()
    await expect(load(sdl)).rejects.toThrow()
    const { loadableSdl } = guardSupergraph(sdl)
    expect(loadableSdl).not.toMatch(/authenticated|requiresScopes|policy/)
    await expect(load(loadableSdl)).resolves.toBeDefined()
  })
})

test.each([
  ['@requiresScopes(scopes: "a")', [['a']]],
  ['@requiresScopes(scopes: ["a", "b"])', [['a'], ['b']]],
  ['@requiresScopes(scopes: ["a", ["b", "c"]])', [['a'], ['b', 'c']]],
  ['@policy(policies: "a")', [['a']]],
  ['@policy(policies: ["a", "b"])', [['a'], ['b']]],
])('lists are coerced as GraphQL coerces them: %s', (directive, anyOf) => {
  const place = '@requiresScopes(scopes: [["level"]])'
  const { schema } = guardSupergraph(graph.supergraphSdl.replace(place, directive)).authorizer
  expect(schema.types.get('Level')!.guards).toEqual([expect.objectContaining({ anyOf })])
})

test('an empty list of scopes is never satisfied, an empty alternative by every token', async () => {
  const typeDefs = `${federationLink}
    type Query { never: Int @requiresScopes(scopes: []) any: Int @requiresScopes(scopes: [[]]) }`
  const { authorizer } = guardSupergraph(compose({ s: { typeDefs } }))
  const outcome = (query: string, claims: ReturnType<typeof withScopes> | null) =>
    authorizer.authorize(authorizer.compile(parse(query)), { claims }, {}).outcome
  expect(outcome('{ never }', withScopes('a', 'b'))).toBe('nothing left')
  expect(outcome('{ any }', null)).toBe('nothing left')
  expect(outcome('{ any }', withScopes())).toBe('whole')
})

test('a field that takes a guarded one from its context demands what that demands', () => {
  const head = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: '
  const a = `${head}["@key", "@context", "@fromContext", "@authenticated", "@requiresScopes"])
    type Query { t: T v: V }
    type T @key(fields: "id") @context(name: "ctx") {
      id: ID! secret: String @requiresScopes(scopes: [["x"]]) u: U!
    }
    type V @key(fields: "id") @context(name: "ctx") { id: ID! other: Other u: U! }
    type Other { x: String @authenticated }
    type U @key(fields: "id") {
      id: ID!
      shown(
        s: String @fromContext(field: "$ctx ... on T { secret } ... on V { other { x } }")
      ): String @authenticated @requiresScopes(scopes: [["x"]])
    }`
  const b = `${head}["@key"]) type Query { q: Int } type U @key(fields: "id") { id: ID! z: Int }`
  const sdl = compose({ a: { typeDefs: a }, b: { typeDefs: b } })
  const stripped = sdl.replace(/(shown: .*?) @authenticated.*/, '$1')
  expect(stripped).not.toBe(sdl)
  const { schema } = guardSupergraph(stripped).authorizer
  const reasons = schema.reasons('U', 'shown').map(({ because, at }) => [because, at.coordinate])
  expect(reasons).toEqual([
    ['a field it requires', 'T.secret'],
    ['a field it requires', 'Other.x'],
  ])
})

test('what an interface object guards is guarded on each implementation', async () => {
  const subgraphs = {
    items: {
      typeDefs: `${federationLink}
        type Query { items: [Item!]! book: Book }
        interface Item @key(fields: "id") { id: ID! }
        type Book implements Item @key(fields: "id") { id: ID! title: String }`,
      resolvers: {
        Query: {
          items: () => [{ __typename: 'Book', id: '1' }],
          book: () => ({ id: '1', title: 'T' }),
        },
        Item: { __resolveReference: ({ id }: { id: string }) => ({ __typename: 'Book', id }) },
        Book: { __resolveReference: ({ id }: { id: string }) => ({ id, title: 'T' }) },
      },
    },
    stock: {
      typeDefs: `${federationLink}
        type Item @key(fields: "id") @interfaceObject {
          id: ID! count: Int margin: Int @requiresScopes(scopes: [["staff"]])
        }`,
      resolvers: {
        Item: { __resolveReference: ({ id }: { id: string }) => ({ id, count: 3, margin: 9 }) },
      },
    },
  }
  const copiesNothing = (sdl: string) =>
    sdl.replace(/type Book[^}]*}/, (book) => book.replace(/@requiresScopes\(.*?\]\]\)/, ''))
  for (const rewrite of [(sdl: string) => sdl, copiesNothing]) {
    const graph = await guardedGraph(subgraphs, {}, rewrite)
    const query = '{ book { title count margin } items { count margin ... on Book { m: margin } } }'
    const { data, resolved } = await graph.ask(query, { claims: withScopes() })
    expect(data).toEqual({
      book: { title: 'T', count: 3, margin: null },
      items: [{ count: 3, margin: null, m: null }],
    })
    expect(resolved).not.toContain('stock:Item.margin')
    const staff = await graph.ask('{ book { margin } }', { claims: withScopes('staff') })
    expect(staff.data).toEqual({ book: { margin: 9 } })
  }
})

describe('explained', () => {
  const sources = Object.entries(library).map(([subgraph, { typeDefs: sdl }]) => ({
    subgraph,
    file: `${subgraph}.graphql`,
    sdl,
  }))

  test('each field with its requirements, their declarations and the outcome', () => {
    const document = parse('{ open secret me { mail: email } animals { ... on Wolf { howl } } }')
    const { authorizer } = graph
    const lineOf = (text: string) =>
      library.users!.typeDefs.split('\n').findIndex((line) => line.includes(text)) + 1
    const explained = explainOperation(authorizer, authorizer.compile(document), {
      caller: anonymous,
      find: declarationsIn(sources),
    })
    expect(explained.map(({ path, decision }) => `${path.join('.')}: ${decision}`)).toEqual([
      'open: allowed',
      'secret: denied',
      'me: allowed',
      'me.mail: denied',
      'animals: denied',
      'animals.... on Wolf.howl: not reached',
    ])
    expect(explained[3]).toMatchObject({
      coordinate: 'User.email',
      requirements: [
        {
          directive: '@requiresScopes(scopes: [["profile:email"], ["admin", "read"]])',
          met: false,
          because: 'the field',
          at: 'User.email',
          declaredIn: [{ subgraph: 'users', file: 'users.graphql', line: lineOf('email: String') }],
        },
      ],
    })
    const wolf = explained[5]!.requirements
    expect(wolf.map(({ at, declaredIn }) => [at, declaredIn[0]?.line])).toEqual([
      ['Wolf', lineOf('type Wolf')],
    ])
  })

  test('the lines travel with the supergraph', () => {
    const sdl = withDeclarations(graph.supergraphSdl, sources)
    const { authorizer, loadableSdl } = guardSupergraph(sdl)
    expect(loadableSdl).toBe(graph.loadableSdl)
    const compiled = authorizer.compile(parse('{ secret }'))
    const [secret] = explainOperation(authorizer, compiled, { caller: anonymous })
    const line = library.users!.typeDefs.split('\n').findIndex((one) => one.includes('secret(')) + 1
    expect(secret!.requirements[0]!.declaredIn).toEqual([
      { subgraph: 'users', file: 'users.graphql', line },
    ])
    expect(withDeclarations('type Query { a: Int }', [])).toBe('type Query { a: Int }')
    const damaged = sdl.replace('declared: {', 'declared: {{')
    expect(guardSupergraph(damaged).authorizer.declarations).toBeUndefined()
  })

  test('without the schema files, the subgraphs that have the field', () => {
    const { authorizer } = graph
    const compiled = authorizer.compile(parse('{ me { greeting phone } }'))
    const [, greeting, phone] = explainOperation(authorizer, compiled, { caller: anonymous })
    const subgraphs = (field: typeof phone) => field!.requirements[0]!.declaredIn
    expect(subgraphs(greeting)).toEqual([{ subgraph: 'reviews' }])
    expect(subgraphs(phone)).toEqual([{ subgraph: 'reviews' }, { subgraph: 'users' }])
  })
})

// The same suite: loading the executor again takes half a second of CPU time.
await import('./denied-at-one-place.ts')
await import('./step-up.ts')
