import { stringOf } from '../../gateway/graphql/response-data.ts'
import { answered, parsed } from '../support/response-bytes.ts'
import { beforeAll, expect, test } from '@jest/globals'
import { getOperationAST, parse } from 'graphql'
import { completeShape } from '../../gateway/graphql/response-shape.ts'
import { subgraphDataSource } from '../../gateway/execution/subgraph-data-source.ts'
import type { SubgraphResult, SubgraphRequest } from '../../gateway/execution/subgraph-request.ts'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import type { NativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import { composed, federation } from './federations.ts'

interface Context {
  readonly calls: { subgraph: string; query: string; variables: Record<string, unknown> }[]
  readonly answer: (
    subgraph: string,
    call: { query: string; variables: Record<string, unknown> },
  ) => unknown
}

const shop = federation('shop', {
  products: `
    type Query { products: [Product] best: Product node: Thing }
    type Mutation { buy(upc: ID!): Product pay: Int }
    interface Thing { id: ID! }
    type Book implements Thing { id: ID! pages: Int! }
    type Product @key(fields: "upc") { upc: ID! name: String parts: [Product!] color: Color size: Int }
    enum Color { RED BLUE }
  `,
  stock: `type Mutation { refill(upc: ID!): Product } type Product @key(fields: "upc") { upc: ID! count: Int! shelf: Shelf } type Shelf { row: Int! }`,
})

let supergraphSdl: string
let engine: NativeExecutor<Context>

beforeAll(async () => {
  supergraphSdl = composed(shop)
  engine = await engineFor({})
})

function engineFor(options: {
  mayBatch?: (subgraph: string) => boolean
  planningThread?: 'always'
}) {
  return nativeExecutor<Context>({ supergraphSdl, fetchSubgraph, ...options })
}

async function fetchSubgraph(
  subgraph: string,
  request: SubgraphRequest,
  { calls, answer }: Context,
): Promise<SubgraphResult> {
  const call = JSON.parse(request.body) as { query: string; variables: Record<string, unknown> }
  calls.push({ subgraph, ...call })
  const response = answer(subgraph, call) as Partial<Record<'data' | 'errors' | 'failed', unknown>>
  if (response.failed) return { outcome: 'failed', reason: response.failed as 'SUBGRAPH_TIMEOUT' }
  const { data = null, errors = [] } = response
  return answered(request, data, errors as never)
}

async function run(
  text: string,
  answer: Context['answer'],
  variables: Record<string, unknown> = {},
  on = engine,
) {
  const calls: Context['calls'] = []
  const { data, errors } = await on.execute({
    document: parse(text),
    variables,
    context: { calls, answer },
  })
  return {
    text: stringOf(data),
    data: parsed(data),
    errors: errors.map(({ message, path, extensions }) => ({
      message,
      path,
      code: extensions['code'],
    })),
    calls,
  }
}

const product = (upc: string, more: object = {}) => ({ __typename: 'Product', upc, ...more })

test('equal entities are fetched once, and each position gets what was found', async () => {
  const { data, calls } = await run('{ products { upc count } }', (subgraph) =>
    subgraph === 'products'
      ? { data: { products: [product('1'), null, product('2'), product('1')] } }
      : { data: { _entities: [{ count: 5 }, { count: 7 }] } },
  )
  expect(calls[1]!.variables).toEqual({ representations: [product('1'), product('2')] })
  expect(data).toEqual({
    products: [{ upc: '1', count: 5 }, null, { upc: '2', count: 7 }, { upc: '1', count: 5 }],
  })
})

test('entities that only have the key in common keep their differences', async () => {
  const { data } = await run('{ products { upc name count shelf { row } } }', (subgraph) =>
    subgraph === 'products'
      ? { data: { products: ['a', 'b', 'a'].map((name) => product('1', { name })) } }
      : { data: { _entities: [{ count: 5, shelf: { row: 2 } }] } },
  )
  const found = { upc: '1', count: 5, shelf: { row: 2 } }
  expect(data).toEqual({
    products: [
      { ...found, name: 'a' },
      { ...found, name: 'b' },
      { ...found, name: 'a' },
    ],
  })
})

test('an entity that has more than another with its key keeps it', async () => {
  const { data } = await run('{ products { name count } }', (subgraph) =>
    subgraph === 'products'
      ? { data: { products: [product('1'), product('1', { name: 'b' })] } }
      : { data: { _entities: [{ count: 5 }] } },
  )
  expect(data).toEqual({
    products: [
      { name: null, count: 5 },
      { name: 'b', count: 5 },
    ],
  })
})

test('what does not fit the schema of equal entities is null and an error at each position', async () => {
  const { data, errors } = await run('{ products { upc amount: count } }', (subgraph) =>
    subgraph === 'products'
      ? { data: { products: [product('1'), product('2'), product('1')] } }
      : { data: { _entities: [{ amount: null }, { amount: 3 }] } },
  )
  expect(data).toEqual({ products: [null, { upc: '2', amount: 3 }, null] })
  expect(errors.map(({ path }) => path)).toEqual([
    ['products', 0, 'amount'],
    ['products', 2, 'amount'],
  ])
})

test('an error at an entity is reported at each position, in the names of the client', async () => {
  const { data, errors } = await run(
    '{ all: products { places: shelf { line: row } } }',
    (subgraph) =>
      subgraph === 'products'
        ? { data: { all: [product('1'), product('2'), product('1')] } }
        : {
            data: { _entities: [{ places: null }, { places: { line: 3 } }] },
            errors: [
              {
                message: 'lost',
                path: ['_entities', 0, 'places', 'line'],
                extensions: { code: 'X' },
              },
            ],
          },
  )
  expect(data).toEqual({ all: [{ places: null }, { places: { line: 3 } }, { places: null }] })
  const error = { message: 'lost', code: 'X' }
  expect(errors).toEqual([
    { ...error, path: ['all', 0, 'places', 'line'] },
    { ...error, path: ['all', 2, 'places', 'line'] },
  ])
})

const siblings = '{ best { count parts { count } } }'
const found = { data: { best: product('1', { parts: [product('2')] }) } }

test('sibling fetches from a subgraph are batched in one request', async () => {
  const { data, calls } = await run(siblings, (subgraph) =>
    subgraph === 'products' ? found : { data: { _e0: [{ count: 1 }], _e1: [{ count: 2 }] } },
  )
  expect(calls.map(({ subgraph }) => subgraph)).toEqual(['products', 'stock'])
  expect(data).toEqual({ best: { count: 1, parts: [{ count: 2 }] } })
})

test('a fetch that no other waits for leaves with the last one from the same subgraph', async () => {
  const supergraph = federation('late', {
    products: `
      type Query { first: Product second: Product }
      type Product @key(fields: "upc") { upc: ID! }
    `,
    names: `type Product @key(fields: "upc") { upc: ID! name: String }`,
    stock: `
      type Product @key(fields: "upc") {
        upc: ID! name: String @external weight: Int label: String @requires(fields: "name")
      }
    `,
  })
  const late = await nativeExecutor<Context>({ supergraphSdl: composed(supergraph), fetchSubgraph })
  const { data, calls } = await run(
    '{ first { weight } second { label } }',
    (subgraph) => {
      if (subgraph === 'products') return { data: { first: product('1'), second: product('2') } }
      if (subgraph === 'names') return { data: { _entities: [{ name: 'n' }] } }
      return { data: { _e0: [{ weight: 3, label: 'l' }], _e1: [{ weight: 3, label: 'l' }] } }
    },
    {},
    late,
  )
  expect(calls.map(({ subgraph }) => subgraph)).toEqual(['products', 'names', 'stock'])
  expect(data).toEqual({ first: { weight: 3 }, second: { label: 'l' } })
})

test('when an error makes the data of a batch null, each part is fetched alone', async () => {
  const { data, errors, calls } = await run(siblings, (subgraph, { query, variables }) => {
    if (subgraph === 'products') return found
    if (query.includes('_e1')) return { data: null, errors: [{ message: 'all', extensions: {} }] }
    const [{ upc }] = variables['representations'] as [{ upc: string }]
    return { data: { _entities: [{ count: Number(upc) * 10 }] } }
  })
  expect(calls).toHaveLength(4)
  expect({ data, errors }).toEqual({
    data: { best: { count: 10, parts: [{ count: 20 }] } },
    errors: [],
  })
})

test('fetches from a subgraph without batching leave alone', async () => {
  const alone = await engineFor({ mayBatch: () => false })
  const { calls } = await run(
    siblings,
    (subgraph) => (subgraph === 'products' ? found : { data: { _entities: [{ count: 1 }] } }),
    {},
    alone,
  )
  expect(calls).toHaveLength(3)
})

test('a silent subgraph leaves the rest of the response, and one error', async () => {
  const { data, errors } = await run('{ products { name shelf { row } } }', (subgraph) =>
    subgraph === 'products'
      ? { data: { products: [product('1', { name: 'a' }), product('2', { name: 'b' })] } }
      : { failed: 'SUBGRAPH_TIMEOUT' },
  )
  expect(data).toEqual({
    products: [
      { name: 'a', shelf: null },
      { name: 'b', shelf: null },
    ],
  })
  expect(errors).toMatchObject([{ code: 'SUBGRAPH_TIMEOUT', path: ['products', 0] }])
})

test.each<[string, string[]]>([
  ['query ($no: Boolean = false) { ... @skip(if: $no) { best { name } } }', ['best']],
  ['query ($no: Boolean = false) { ... on Query { b: best @skip(if: $no) { name } } }', ['b']],
  [
    'query ($no: Boolean!) { best { name } ...F @skip(if: $no) } fragment F on Query { b: best { name } }',
    ['best', 'b'],
  ],
  [
    'query ($no: Boolean!) { best { name } ...F @include(if: $no) } fragment F on Query { b: best { name } }',
    ['best'],
  ],
  [
    'query ($no: Boolean!) { a: best @include(if: $no) { name } b: best @skip(if: $no) { name } best { name } }',
    ['b', 'best'],
  ],
])(
  'each root field of a silent subgraph has an error, if it is included: %s',
  async (text, keys) => {
    const variables = { no: false }
    const { data, errors } = await run(text, () => ({ failed: 'SUBGRAPH_TIMEOUT' }), variables)
    expect(data).toEqual(Object.fromEntries(keys.map((key) => [key, null])))
    expect(errors.map(({ path }) => path)).toEqual(keys.map((key) => [key]))

    // The fetches of `engine: apollo` may have all of this in them.
    const failing = async () => ({ outcome: 'failed', reason: 'SUBGRAPH_TIMEOUT' }) as const
    const request = { query: text, variables }
    const response = await subgraphDataSource(failing).process({ request, context: {} } as never)
    expect(response.errors!.map(({ path }) => path)).toEqual(keys.map((key) => [key]))
  },
)

test('null for a field that cannot be null makes the object null, and its failed fetch is the error', async () => {
  const { data, errors } = await run('{ products { count } best { name } }', (subgraph) =>
    subgraph === 'products'
      ? { data: { products: [product('1'), product('2')], best: { name: 'b' } } }
      : { failed: 'SUBGRAPH_UNREACHABLE' },
  )
  expect(data).toEqual({ products: [null, null], best: { name: 'b' } })
  expect(errors).toHaveLength(1)
})

test('null for a field that cannot be null is an error of its own when no other error covers it', async () => {
  const { data, errors } = await run('{ first: best { amount: count } }', (subgraph) =>
    subgraph === 'products' ? { data: { first: product('1') } } : { data: { _entities: [null] } },
  )
  expect(data).toEqual({ first: null })
  expect(errors).toEqual([
    {
      message: 'Cannot return null for non-nullable field Product.count.',
      path: ['first', 'amount'],
      code: 'SUBGRAPH_RESPONSE_INVALID',
    },
  ])
})

test.each([
  ['an undeclared enum value', { color: 'GREEN' }, '{ best { color } }', 'color'],
  ['a text for an Int', { size: '7' }, '{ best { size } }', 'size'],
  ['an object for a text', { name: {} }, '{ best { name } }', 'name'],
  ['no list for a list', { parts: {} }, '{ best { parts { upc } } }', 'parts'],
])('%s is null and an error', async (_, fields, text, key) => {
  const { data, errors } = await run(text, () => ({ data: { best: product('1', fields) } }))
  expect(data).toEqual({ best: { [key]: null } })
  expect(errors).toMatchObject([{ path: ['best', key], code: 'SUBGRAPH_RESPONSE_INVALID' }])
})

test('an object of an undeclared type is null and an error', async () => {
  const { data, errors } = await run('{ node { id } }', () => ({
    data: { node: { __typename: 'Ghost', id: '1' } },
  }))
  expect(data).toEqual({ node: null })
  expect(errors).toMatchObject([{ path: ['node'] }])
})

test('names that every object has are names like others', async () => {
  const text = '{ best { __proto__: name constructor: size toString: upc } }'
  const { text: written, calls } = await run(text, (_, { query }) => {
    const alias = (field: string) => new RegExp(`(\\w+):${field}`).exec(query)![1]!
    return {
      data: { best: { [alias('name')]: 'n', [alias('size')]: 1, [alias('upc')]: 'u' } },
    }
  })
  expect(written).toBe('{"best":{"__proto__":"n","constructor":1,"toString":"u"}}')
  expect(calls).toHaveLength(1)
})

test('what a subgraph sends under __proto__ changes no prototype', async () => {
  const { data } = await run('{ best { name count } }', (subgraph) =>
    subgraph === 'products'
      ? { data: { best: product('1', { name: 'a' }) } }
      : { data: { _entities: [JSON.parse('{"__proto__":{"count":9,"polluted":1}}')] } },
  )
  expect(data).toEqual({ best: null })
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test('mutations are carried out in order, what follows from one before the next', async () => {
  const text = 'mutation { a: buy(upc: "1") { count } refill(upc: "2") { name } pay }'
  const { data, calls } = await run(text, (subgraph, { query }) => {
    const kind = query.startsWith('mutation') ? 'mutation' : 'query'
    const answers: Record<string, object> = {
      'products mutation': query.includes('pay') ? { pay: 5 } : { a: product('1') },
      'products query': { _entities: [{ name: 'n' }] },
      'stock mutation': { refill: product('2') },
      'stock query': { _entities: [{ count: 3 }] },
    }
    return { data: answers[`${subgraph} ${kind}`] }
  })
  expect(data).toEqual({ a: { count: 3 }, refill: { name: 'n' }, pay: 5 })
  const order = calls.map(({ subgraph, query }) => `${subgraph} ${query.split(/[ ({]/)[0]}`)
  expect(order).toEqual([
    'products mutation',
    'stock query',
    'stock mutation',
    'products query',
    'products mutation',
  ])
})

test('fields under conditions follow the variables', async () => {
  const text =
    'query ($yes: Boolean = true) { best { name @include(if: $yes) upc @skip(if: $yes) } }'
  const answer = () => ({ data: { best: { name: 'n', upc: '1' } } })
  expect((await run(text, answer)).data).toEqual({ best: { name: 'n' } })
  expect((await run(text, answer, { yes: false })).data).toEqual({ best: { upc: '1' } })
})

test('plans are kept by what is executed: the same text finds the same operation', async () => {
  const [one, other] = [parse('{ best { name } }'), parse('{ best { name } }')]
  const [prepared, again] = await Promise.all([
    engine.prepare({ document: one }),
    engine.prepare({ document: one }),
  ])
  expect(again).toBe(prepared)
  expect(await engine.prepare({ document: other })).toBe(prepared)
  const third = await engine.prepare({ document: parse('{ best { upc } }') })
  expect(third).not.toBe(prepared)
  expect([...engine.operations()].slice(0, 2)).toEqual([third, prepared])
})

test('a thread plans as well as the engine itself, refusals included', async () => {
  const threaded = await engineFor({ planningThread: 'always' })
  try {
    const answer = () => ({ data: { best: { name: 'n' } } })
    expect((await run('{ best { name } }', answer, {}, threaded)).data).toEqual({
      best: { name: 'n' },
    })
    await expect(threaded.prepare({ document: parse('{ best { nothing } }') })).rejects.toThrow(
      'nothing',
    )
  } finally {
    await threaded.close()
  }
  // When the thread is lost, planning goes on without it.
  const { plan } = await threaded.prepare({ document: parse('{ best { upc } }') })
  expect(plan.fetches).toHaveLength(1)
})

const contexts = federation('deep values in contexts', {
  users: `
    scalar JSON
    type Query { readers: [User!]! }
    type User @key(fields: "id") @context(name: "reader") { id: ID! locale: String! post: Post }
    type Post @key(fields: "id") { id: ID! notes: JSON }
  `,
  posts: `
    scalar JSON
    type User @key(fields: "id") @context(name: "reader") { id: ID! locale: String! @external }
    type Post @key(fields: "id") {
      id: ID! notes: JSON @external
      text(locale: String @fromContext(field: "$reader { locale }")): String @requires(fields: "notes")
    }
  `,
})

test('a value nested too deep to be sent does not end the fetches for other contexts', async () => {
  const deep = JSON.parse('['.repeat(501) + ']'.repeat(501)) as unknown
  const post = (id: string, notes: unknown) => ({ __typename: 'Post', id, notes })
  const readers = [
    { __typename: 'User', locale: 'de', post: post('1', 1) },
    { __typename: 'User', locale: 'fr', post: post('2', deep) },
  ]
  const { execute, close } = await nativeExecutor<undefined>({
    supergraphSdl: composed(contexts),
    async fetchSubgraph(subgraph, request) {
      if (subgraph === 'users') return answered(request, { readers })
      await new Promise((resolve) => setTimeout(resolve, 20))
      return answered(request, { _entities: [{ text: 'found' }] })
    },
  })
  const document = parse('{ readers { post { text } } }')
  const { data, errors } = await execute({ document, context: undefined })
  await close()
  expect(parsed(data)).toEqual({ readers: [{ post: { text: 'found' } }, { post: { text: null } }] })
  expect(errors).toMatchObject([{ extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } }])
})

test('a shape that requests share has a form for each plan of progressive @override', async () => {
  const moving = federation('moving', {
    left: 'type Query { item: Item } type Item @key(fields: "id") { id: ID! name: String size: Int }',
    right:
      'type Item @key(fields: "id") { id: ID! size: Int @override(from: "left", label: "percent(50)") }',
  })
  let isMoved = false
  const executor = await nativeExecutor<Context>({
    supergraphSdl: composed(moving),
    fetchSubgraph,
    random: () => (isMoved ? 0 : 1),
  })
  const document = parse('{ item { size name } }')
  const { selectionSet } = getOperationAST(document)!
  const inclusion = { fragments: new Map(), isTrue: () => true }
  const shape = { ...completeShape(inclusion, selectionSet), document }
  const item = { __typename: 'Item', id: '1', size: 3, name: 'Nut' }
  const answer: Context['answer'] = (subgraph, { query }) => {
    if (subgraph === 'right') return { data: { _entities: [{ __typename: 'Item', size: 4 }] } }
    return { data: { item: query.includes('size') ? { size: 3, name: 'Nut' } : item } }
  }
  const sizes: unknown[] = []
  for (isMoved of [false, true, false, true]) {
    const context = { calls: [], answer }
    const operation = { document, text: () => 'item', shape, variables: {}, context }
    const { data } = await executor.execute(operation)
    sizes.push(JSON.parse(stringOf(data)))
  }
  await executor.close()
  const found = (size: number) => ({ item: { size, name: 'Nut' } })
  expect(sizes).toEqual([found(3), found(4), found(3), found(4)])
})
