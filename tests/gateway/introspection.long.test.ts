/**
 * Introspection through the front door: what GraphiQL, code generators and editors send, in every mode,
 * by POST and GET, with both engines.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Supergraph } from '@apollo/federation-internals'
import {
  assertValidSchema,
  buildClientSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import type { GraphQLSchema, IntrospectionQuery } from 'graphql'
import { openFrontDoor } from '../support/front-door.ts'
import type { FrontDoor, Response } from '../support/front-door.ts'

const sdl = /* GraphQL */ `
  extend schema
    @link(
      url: "https://specs.apollo.dev/federation/v2.9"
      import: ["@key", "@authenticated", "@requiresScopes"]
    )
  "Digits"
  scalar Money @specifiedBy(url: "https://example.com/money")
  scalar Salary @requiresScopes(scopes: [["staff"]])
  enum Colour {
    RED
    BLUE @deprecated(reason: "out of fashion")
  }
  enum Grade @requiresScopes(scopes: [["staff"]]) {
    A
    B
  }
  input Search {
    text: String = "all"
    colours: [Colour!]
    grade: Grade
    deeper: Search
  }
  input Promotion {
    to: Grade!
  }
  interface Thing {
    id: ID!
    worth: Money
  }
  type Book implements Thing @key(fields: "id") {
    id: ID!
    worth: Money
    query: Query!
  }
  type Query {
    self: Query!
    copies: [Query!]!
    book: Book
    name: String
    search(for: Search, grade: Grade = A, salaries: [Salary!]): [Thing]
    best(grade: Grade!): Book
    worst(grade: Grade! = B): Book
    promoted(by: Promotion!): String
    salary: Salary
  }
  type Mutation {
    rename(name: String!): Book
  }
`
const query = { name: 'root' }
const book = { __typename: 'Book', id: 'b1', worth: 7, query }
const resolvers = {
  Query: {
    self: () => query,
    copies: () => [query, query],
    book: () => book,
    name: () => 'root',
    search: () => [book],
  },
  Mutation: { rename: () => book },
  Thing: {},
}

const modes = {
  default: '',
  authenticated: 'authorization: { introspection: authenticated }',
  filtered: 'authorization: { introspection: filtered }',
  refuse: 'authorization: { introspection: refuse }',
  'a dry run': 'authorization: { introspection: filtered, mode: dry_run }',
  'the reference engine': 'engine: apollo',
  'the reference engine, filtered': 'engine: apollo\nauthorization: { introspection: filtered }',
}
const guarded = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"])
  type Query @requiresScopes(scopes: [["staff"]]) {
    name: String
  }
`

let door: FrontDoor
let guardedDoor: FrontDoor

beforeAll(async () => {
  door = await openFrontDoor({ sdl, resolvers, gateways: modes })
  guardedDoor = await openFrontDoor({
    sdl: guarded,
    resolvers: { Query: { name: () => 'root' } },
    gateways: { filtered: modes.filtered },
  })
})

afterAll(async () => {
  for (const name of Object.keys(modes)) expect(door.complaints(name)).toEqual([])
  expect(guardedDoor.complaints('filtered')).toEqual([])
  await door.close()
  await guardedDoor.close()
})

function schemaOf(response: Response): GraphQLSchema {
  expect(response).toMatchObject({ status: 200 })
  expect(response.body.errors).toBeUndefined()
  const schema = buildClientSchema(response.body.data as unknown as IntrospectionQuery)
  assertValidSchema(schema)
  return schema
}

const printed = (schema: GraphQLSchema) => printSchema(lexicographicSortSchema(schema))

function wholeSchema(): GraphQLSchema {
  const supergraph = Supergraph.build(door.supergraphSdl, { supportedFeatures: null })
  return supergraph.apiSchema().toGraphQLJSSchema()
}

const everything = {
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
}
const nothing = Object.fromEntries(Object.keys(everything).map((name) => [name, false]))
const options = {
  'all options': everything,
  'no options': nothing,
  'the default options': {},
  ...Object.fromEntries(
    Object.keys(everything).map((name) => [name, { ...nothing, [name]: true }] as const),
  ),
}
const open = ['default', 'a dry run', 'the reference engine']

describe.each(open)("graphql-js's introspection query: %s", (gateway) => {
  test.each(Object.entries(options))('%s', async (_name, chosen) => {
    const text = getIntrospectionQuery(chosen)
    const byPost = await door.post(gateway, { query: text, operationName: 'IntrospectionQuery' })
    const byGet = await door.get(gateway, { query: text })
    expect(byGet.text).toBe(byPost.text)
    schemaOf(byPost)
  })

  test('returns the complete schema that clients may use', async () => {
    const response = await door.post(gateway, { query: getIntrospectionQuery(everything) })
    expect(printed(schemaOf(response))).toBe(printed(wholeSchema()))
  })
})

const cases: Record<string, { query: string; variables?: object; data: object }> = {
  'a fragment below it': {
    query: '{ __schema { queryType { ...F } } } fragment F on __Type { name }',
    data: { __schema: { queryType: { name: 'Query' } } },
  },
  'in fragments, mixed with data, in the order of the document': {
    query: `{ ...R name } fragment R on Query { t: __type(name: "Book") { ...F } ...S }
      fragment S on Query { self { name } __schema { queryType { ...F } } }
      fragment F on __Type { name }`,
    data: {
      t: { name: 'Book' },
      self: { name: 'root' },
      __schema: { queryType: { name: 'Query' } },
      name: 'root',
    },
  },
  isOneOf: {
    query: '{ a: __type(name: "Search") { isOneOf } b: __type(name: "Book") { isOneOf } }',
    data: { a: { isOneOf: false }, b: { isOneOf: null } },
  },
  'a type that does not exist': {
    query: '{ __type(name: "Nobody") { name } }',
    data: { __type: null },
  },
  'several selections of one field': {
    query: '{ __schema { queryType { name } } __schema { queryType { kind } } }',
    data: { __schema: { queryType: { name: 'Query', kind: 'OBJECT' } } },
  },
  'below nested fields of the query type, lists and entities': {
    query: `{ self { __schema { queryType { name } } self { name x: __type(name: "Book") { ...F } } }
      copies { __schema { mutationType { ...F } } }
      book { query { __typename __schema { queryType { ...F } } } } } fragment F on __Type { name }`,
    data: {
      self: {
        __schema: { queryType: { name: 'Query' } },
        self: { name: 'root', x: { name: 'Book' } },
      },
      copies: [1, 2].map(() => ({ __schema: { mutationType: { name: 'Mutation' } } })),
      book: { query: { __typename: 'Query', __schema: { queryType: { name: 'Query' } } } },
    },
  },
  'below a mutation': {
    query: 'mutation { rename(name: "x") { id query { __type(name: "Book") { name } } } }',
    data: { rename: { id: 'b1', query: { __type: { name: 'Book' } } } },
  },
  'variables that only introspection uses': {
    query: `query ($name: String!, $no: Boolean = false) {
      __type(name: $name) { name fields @include(if: $no) { name } } __schema @include(if: $no) { queryType { name } }
    }`,
    variables: { name: 'Book' },
    data: { __type: { name: 'Book' } },
  },
}

describe.each(['default', 'filtered', 'a dry run', 'the reference engine'])(
  '__schema and __type: %s',
  (gateway) => {
    test.each(Object.entries(cases))('%s', async (_name, { query, variables, data }) => {
      const response = await door.post(gateway, { query, variables })
      expect(response).toMatchObject({ status: 200 })
      expect(response.body).toEqual({ data })
      expect(JSON.stringify(response.body.data)).toBe(JSON.stringify(data))
      if (query.startsWith('mutation')) return
      const search = { query, ...(variables ? { variables: JSON.stringify(variables) } : {}) }
      expect((await door.get(gateway, search)).text).toBe(response.text)
    })

    test('beside an operation that introspects, another is served', async () => {
      const text = `query A { ...F } query B { name } fragment F on Query { __type(name: "Book") { isOneOf } }`
      for (const [operationName, data] of [
        ['A', { __type: { isOneOf: null } }],
        ['B', { name: 'root' }],
      ] as const) {
        const response = await door.post(gateway, { query: text, operationName })
        expect(response).toMatchObject({ status: 200, body: { data } })
      }
    })

    test('a variable that is missing or of another type is 400', async () => {
      const text = 'query ($name: String!) { name __type(name: $name) { name } }'
      for (const variables of [{}, { name: null }, { name: 7 }]) {
        const response = await door.post(gateway, { query: text, variables })
        expect(response.status).toBe(400)
        expect(response.body.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
      }
    })
  },
)

test('refused, it is 400 wherever it is selected', async () => {
  for (const text of [
    getIntrospectionQuery(),
    '{ name __type(name: "Book") { name } }',
    '{ self { ...F } } fragment F on Query { __schema { queryType { name } } }',
  ]) {
    for (const response of [
      await door.post('refuse', { query: text }),
      await door.get('refuse', { query: text }),
    ]) {
      expect(response.status).toBe(400)
      expect(response.body.errors?.[0]).toMatchObject({
        message: expect.stringMatching(/^Introspection is turned off/),
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      })
    }
  }
  const response = await door.post('refuse', { query: '{ __typename name }' })
  expect(response.body).toEqual({ data: { __typename: 'Query', name: 'root' } })
})

test('only for authenticated callers, it is denied to others, nested or not', async () => {
  const text = '{ name self { __schema { queryType { name } } } }'
  const refused = await door.post('authenticated', { query: getIntrospectionQuery() })
  expect(refused.body).toMatchObject({
    data: null,
    errors: [{ path: ['__schema'], extensions: { code: 'UNAUTHENTICATED' } }],
  })
  const typed = { accept: 'application/graphql-response+json' }
  const told = await door.post('authenticated', { query: getIntrospectionQuery() }, typed)
  expect(told.status).toBe(401)
  const nested = await door.post('authenticated', { query: text })
  expect(nested.body).toMatchObject({
    data: null,
    errors: [{ path: ['self', '__schema'], extensions: { code: 'UNAUTHENTICATED' } }],
  })
  const caller = await door.caller('profile')
  const shown = await door.post('authenticated', { query: getIntrospectionQuery() }, caller)
  expect(Object.keys(schemaOf(shown).getTypeMap())).toContain('Book')
  const below = await door.post('authenticated', { query: text }, caller)
  expect(below.body.data).toMatchObject({ self: { __schema: { queryType: { name: 'Query' } } } })
})

describe.each(['filtered', 'the reference engine, filtered'])('%s', (gateway) => {
  const ask = async (scope?: string) => {
    const headers = scope === undefined ? {} : await door.caller(scope)
    const query = getIntrospectionQuery(everything)
    return schemaOf(await door.post(gateway, { query }, headers))
  }
  const argumentsOf = (schema: GraphQLSchema, field: string) =>
    schema
      .getQueryType()
      ?.getFields()
      [field]?.args.map(({ name }) => name)

  test('a caller without the guard of an enum or scalar does not see the inputs of that type', async () => {
    const seen = await ask()
    expect(Object.keys(seen.getTypeMap())).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/Grade|Salary|Promotion/)]),
    )
    expect(argumentsOf(seen, 'search')).toEqual(['for'])
    expect(seen.getType('Search')?.toString()).toBe('Search')
    expect(printed(seen)).not.toMatch(/grade|salar/i)
    // What cannot be selected without a value of a hidden type is hidden with it.
    expect(argumentsOf(seen, 'best')).toBeUndefined()
    expect(argumentsOf(seen, 'promoted')).toBeUndefined()
    expect(argumentsOf(seen, 'worst')).toEqual([])
  })

  test('callers who may see the same of the operation see their own schema, whoever asks first', async () => {
    const query = '{ name __type(name: "Query") { fields { name } } }'
    const staff = await door.caller('staff')
    const fields = async (headers?: Record<string, string>) => {
      const { body } = await door.post(gateway, { query }, headers)
      const shown = body.data as { name: string; __type: { fields: { name: string }[] } }
      expect(shown.name).toBe('root')
      return shown.__type.fields.map(({ name }) => name)
    }
    const seen = [await fields(), await fields(staff), await fields(), await fields(staff)]
    expect(seen[0]).not.toContain('salary')
    expect(seen[1]).toContain('salary')
    expect(seen.slice(2)).toEqual(seen.slice(0, 2))
  })

  test('a caller that satisfies every guard sees the complete schema', async () => {
    expect(printed(await ask('staff'))).toBe(printed(wholeSchema()))
  })
})

test('a caller without the guard of the query type gets to see an empty one', async () => {
  const text = '{ __schema { queryType { name fields { name } } } __type(name: "Query") { name } }'
  const { status, body } = await guardedDoor.post('filtered', { query: text })
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      data: { __schema: { queryType: { name: 'Query', fields: [] } }, __type: { name: 'Query' } },
    },
  })
  const standard = await guardedDoor.post('filtered', { query: getIntrospectionQuery() })
  expect(standard.status).toBe(200)
  const staff = await guardedDoor.caller('staff')
  const shown = await guardedDoor.post('filtered', { query: text }, staff)
  expect(shown.body.data).toMatchObject({
    __schema: { queryType: { fields: [{ name: 'name' }] } },
  })
})

const aliases = (count: number, field: string, prefix = 'a') =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}: ${field}`).join(' ')
const names = '{ name fields { name args { name } } }'
const all = `__schema { types ${names} }`

test.each(['default', 'filtered', 'the reference engine'])(
  'an operation that introspects the schema hundreds of times is refused: %s',
  async (mode) => {
    const tooMany = [
      `{ ${aliases(200, all)} }`,
      `{ name __schema { ${aliases(200, `types ${names}`)} } }`,
      `{ ${aliases(200, '__schema { ...All }')} } fragment All on __Schema { types ${names} }`,
      `{ self { ...Many } } fragment Many on Query { ${aliases(200, all)} }`,
      `{ ...A ...B } fragment A on Query { ${aliases(100, all)} } fragment B on Query { ${aliases(100, all, 'b')} }`,
    ]
    for (const query of tooMany) {
      expect(await door.post(mode, { query })).toMatchObject({
        status: 400,
        body: { errors: [{ message: expect.stringContaining('introspects the schema too many') }] },
      })
    }
    for (const query of [
      `{ ${aliases(5, all)} }`,
      `{ ${aliases(100, '__type(name: "Book") { name fields { name } }')} }`,
      `{ __schema { ${aliases(20, 'types { name }')} } }`,
    ]) {
      expect(await door.post(mode, { query })).toMatchObject({ status: 200 })
    }
  },
)
