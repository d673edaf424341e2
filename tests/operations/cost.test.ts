import { describe, expect, test } from '@jest/globals'
import { Kind, parse } from 'graphql'
import { snippets, tableRows } from '../documentation/pages.ts'
import { estimatesFor } from './support/estimated-cost.ts'
import { checkHonestLists } from './support/honest-lists.ts'

const books = (costOfAddress = '') => `
  type Query {
    book(id: ID): Book
    bestsellers: [Book] @listSize(assumedSize: 5)
    newestAdditions(after: ID, limit: Int!): [Book] @listSize(slicingArguments: ["limit"])
  }
  type Book { title: String author: Author publisher: Publisher }
  type Author { name: String }
  type Publisher { name: String address: Address }
  type Address ${costOfAddress} { zipCode: Int! }`

const book = 'title author { name } publisher { name address { zipCode } }'

test("the examples in Apollo's documentation have the documented costs", () => {
  const simple = estimatesFor(books())
  expect(simple.of(`{ book(id: 1) { ${book} } }`)).toBe(4)
  const weighted = estimatesFor(books('@cost(weight: 5)'))
  expect(weighted.of(`{ book(id: 1) { ${book} } }`)).toBe(8)
  expect(weighted.of(`{ bestsellers { ${book} } }`)).toBe(40)
  expect(weighted.of(`{ newestAdditions(limit: 3) { ${book} } }`)).toBe(24)
  expect(weighted.of(`{ newestAdditions(limit: 7) { ${book} } }`)).toBe(56)
  const byVariable = `query ($n: Int!) { newestAdditions(limit: $n) { ${book} } }`
  expect(weighted.of(byVariable, { n: 3 })).toBe(24)
  expect(weighted.of(byVariable, { n: 7 })).toBe(56)
})

const custom = (cost: string, listSize: string) => `
  type Query {
    fieldWithCost: Int @${cost}(weight: 5)
    argWithCost(arg: Int @${cost}(weight: 10)): Int
    enumWithCost: AorB
    inputWithCost(someInput: InputTypeWithCost): Int
    scalarWithCost: ExpensiveInt
    objectWithCost: ExpensiveObject
    fieldWithListSize: [String!] @${listSize}(assumedSize: 2000, requireOneSlicingArgument: false)
    fieldWithDynamicListSize(first: Int = 10): SizedField
      @${listSize}(slicingArguments: ["first"], sizedFields: ["items"])
    byIds(ids: [ID!]!): [A] @${listSize}(slicingArguments: ["ids"])
    search(input: SearchInput!): [A] @${listSize}(slicingArguments: ["input.pagination.first"])
    deep(first: Int = 10): Deep
      @${listSize}(slicingArguments: ["first"], sizedFields: ["page", "results { page }"])
  }
  enum AorB @${cost}(weight: 15) { A B }
  scalar ExpensiveInt @${cost}(weight: 30)
  type ExpensiveObject @${cost}(weight: 40) { id: ID }
  input InputTypeWithCost { somethingWithCost: Int @${cost}(weight: 20) }
  input SearchInput { pagination: Pagination text: String }
  input Pagination { first: Int after: String }
  type SizedField { items: [A] }
  type Deep { page: [A] results: Results total: Int }
  type Results { page: [A] }
  type A { id: ID }`

const customQuery = (more = '', first = '(first: 5)') =>
  `
  query Custom(${more}) {
    fieldWithCost
    argWithCost(arg: 3)
    enumWithCost
    inputWithCost(someInput: ${more ? '$input' : '{ somethingWithCost: 10 }'})
    scalarWithCost
    objectWithCost { id }
    fieldWithListSize
    fieldWithDynamicListSize${first} { ...Items }
  }
  fragment Items on SizedField { items { id } }`.replace('()', '')

const page = 'docs/limits.md'
const [documented] = snippets(page, 'graphql')
const examples = tableRows(page).filter(({ heading }) => heading === 'Cost')

test.each(examples.map(({ cells }) => cells))(`${page}: %s costs %s`, (operation, cost) => {
  // A supergraph links the specification by itself.
  const typeDefs = documented!.text.replace(/extend schema[^]*?\n\n/, '')
  expect(estimatesFor(typeDefs).of(operation!.replaceAll('`', ''))).toBe(Number(cost))
})

const specification = 'https://specs.apollo.dev/cost/v0.1'

test.each([
  ['cost', 'listSize', `import: ["@listSize"]`],
  ['cost', 'listSize', `import: ["@cost", "@listSize"]`],
  ['cost', 'cost__listSize', ''],
  ['price', 'price__listSize', 'as: "price"'],
  [
    'price',
    'long',
    `import: [{ name: "@cost", as: "@price" }, { name: "@listSize", as: "@long" }]`,
  ],
])('what Apollo Router tests of its weights costs the same here: as @%s and @%s', (...names) => {
  const [cost, listSize, options] = names
  const links = `extend schema @link(url: "${specification}", ${options})`
  const { of } = estimatesFor(custom(cost, listSize), { links })
  expect(of(customQuery())).toBe(127)
  expect(of(customQuery('', ''))).toBe(132)
  const byVariables = customQuery('$input: InputTypeWithCost, $n: Int', '(first: $n)')
  expect(of(byVariables, { input: { somethingWithCost: 10 }, n: 5 })).toBe(127)
})

test('directives of these names from elsewhere are others', () => {
  const links = 'extend schema @link(url: "https://example.com/cost/v0.1", import: ["@listSize"])'
  const { of } = estimatesFor(custom('cost', 'listSize'), { links })
  expect(of(customQuery())).toBe(3 + 10)
})

describe('the length of a list', () => {
  const { of } = estimatesFor(custom('cost', 'listSize'))

  test.each<[number | string, string, Record<string, unknown>?]>([
    [3, '{ byIds(ids: [1, 2, 3]) { id } }'],
    [2, 'query ($a: ID!) { byIds(ids: [$a, $a]) { id } }', { a: '1' }],
    [2, 'query ($ids: [ID!]!) { byIds(ids: $ids) { id } }', { ids: ['1', '2'] }],
    [1, 'query ($ids: [ID!]!) { byIds(ids: $ids) { id } }', { ids: '1' }],
    [6, '{ search(input: { pagination: { first: 4 } }) { id } }'],
    [6, 'query ($n: Int) { search(input: { pagination: { first: $n } }) { id } }', { n: 4 }],
    [
      6,
      'query ($p: Pagination) { search(input: { pagination: $p }) { id } }',
      { p: { first: 4, after: 'x' } },
    ],
    [
      6,
      'query ($i: SearchInput!) { search(input: $i) { id } }',
      { i: { pagination: { first: 4 } } },
    ],
    [6, 'query ($i: SearchInput = { pagination: { first: 4 } }) { search(input: $i) { id } }'],
    ['Query.search', '{ search(input: { pagination: { first: null } }) { id } }'],
    ['Query.search', '{ search(input: { text: "a" }) { id } }'],
    ['Query.search', 'query ($i: SearchInput!) { search(input: $i) { id } }', { i: {} }],
    [1 + 3 + 1 + 3, '{ deep(first: 3) { page { id } results { page { id } } total } }'],
    [
      1 + 3,
      '{ deep(first: 3) { ...D } } fragment D on Deep { ... @include(if: true) { page { id } } }',
    ],
    ['Query.deep', '{ deep(first: null) { page { id } } }'],
    [1, '{ deep(first: -5) { page { id } } }'],
    [1, 'query ($n: Int = -5) { deep(first: $n) { page { id } } }'],
    [1 + 2147483647, '{ deep(first: 2147483647) { page { id } } }'],
  ])('is so that the cost is %p: %s', (expected, query, variables = {}) => {
    expect(of(query, variables)).toBe(expected)
  })

  test('an argument that is absent, or undefined by its variable, has its default', () => {
    const query = 'query ($n: Int) { deep(first: $n) { page { id } } }'
    expect(of(query)).toBe(of('{ deep { page { id } } }'))
    expect(of(query)).toBe(11)
    expect(of(query, { n: null })).toBe('Query.deep')
  })
})

describe('one slicing argument', () => {
  const { of } = estimatesFor(`
    type Query {
      either(first: Int, last: Int): [A] @listSize(slicingArguments: ["first", "last"], assumedSize: 7)
      both(first: Int, last: Int): [A]
        @listSize(slicingArguments: ["first", "last"], assumedSize: 7, requireOneSlicingArgument: false)
      byDefault(first: Int = 4, last: Int): [A] @listSize(slicingArguments: ["first", "last"])
    }
    type A { id: ID }`)

  test.each<[number | string, string]>([
    [2, '{ either(first: 2) { id } }'],
    ['Query.either', '{ either { id } }'],
    ['Query.either', '{ either(first: 2, last: 3) { id } }'],
    [3, '{ both(first: 2, last: 3) { id } }'],
    [7, '{ both { id } }'],
    [7, '{ both(first: null) { id } }'],
    [4, '{ byDefault { id } }'],
    [4, '{ byDefault(last: 2) { id } }'],
    [9, '{ byDefault(last: 9) { id } }'],
    ['Query.byDefault', '{ byDefault(first: 1, last: 9) { id } }'],
    // What is not executed needs nothing.
    [0, '{ either @skip(if: true) { id } }'],
  ])('the cost is %p: %s', (expected, query) => {
    expect(of(query)).toBe(expected)
  })
})

describe('objects', () => {
  const { of } = estimatesFor(
    `type Query {
      node: Node
      any: Any
      grid: [[Cell]!]
      row: [[Cell]] @listSize(assumedSize: 2)
      nodes: [Node]
      tags: [Tag]
      me: User
    }
    type Mutation { rename(by: Rename, all: [Rename!], note: String @cost(weight: 4)): User }
    interface Node { id: ID related: [Node!] owner: User }
    type User implements Node @cost(weight: 3) {
      id: ID related: [Node!] @listSize(assumedSize: 20) @cost(weight: 2) owner: User
    }
    type File implements Node { id: ID related: [Node!] owner: User size: Int @cost(weight: 6) }
    type Cell { id: ID }
    union Any = User | File | Cell
    scalar Tag @cost(weight: 2)
    input Rename { name: String more: [Rename!] weighty: Int @cost(weight: 5) }`,
    { listSize: 3 },
  )

  test.each<[number, string, string]>([
    [3, 'the most expensive type of an interface', '{ node { id } }'],
    [7, 'its own fields', '{ node { ... on File { size } } }'],
    [
      7,
      'but not those of all types',
      '{ any { ... on File { size } ... on User { owner { id } } } }',
    ],
    [6, 'the highest of the types', '{ any { ... on User { owner { id } } } }'],
    [9, 'fields of all and of some', '{ node { owner { id } ... on User { owner { id } } } }'],
    [7, 'in fragments', '{ any { ...F } } fragment F on Node { id ... on File { size } }'],
    [
      3,
      'of types that exclude each other',
      '{ node { ... on User { ... on Node { ... on User { id } } } } }',
    ],
    [43, 'what a type says of a field of its interface', '{ node { related { id } } }'],
    [9, 'lists in a list', '{ grid { id } }'],
    [6, 'with a length for the first', '{ row { id } }'],
    [6, 'scalars', '{ tags }'],
    [0, 'what describes the schema', '{ __typename __schema { types { name } } }'],
    [13, 'a mutation', 'mutation { rename { id } }'],
    [17, 'a weighted argument', 'mutation { rename(note: "") { id } }'],
    [13, 'null', 'mutation { rename(note: null, by: null) { id } }'],
    [
      13 + 1 + 5 + 1 + 1,
      'input objects',
      'mutation { rename(by: { weighty: 1, name: "a", more: [{}, { name: "b" }] }) { id } }',
    ],
    [0, 'what is left out', '{ me @include(if: false) { id } }'],
  ])('%d: %s', (expected, _what, query) => {
    expect(of(query)).toBe(expected)
  })

  // A user costs 3, each of its 20 related nodes 2.
  test.each<[number, string, string]>([
    [
      43,
      'a field that two fragments select',
      '{ me { ...A ...B } } fragment A on User { related { id } } fragment B on User { related { id } }',
    ],
    [
      43,
      'an object of which each selects other fields',
      '{ ...A ...B } fragment A on Query { me { related { id } } } fragment B on Query { me { name: id } }',
    ],
    [
      43 + 20 * 3,
      'what each selects of it',
      '{ ...A me { ...B } } fragment A on Query { me { related { owner { id } } } } fragment B on User { related { id } }',
    ],
    [83, 'another response name', '{ me { related { id } again: related { id } } }'],
    [17, 'arguments', 'mutation { rename(note: "") { id } rename(note: "") { id } }'],
    [
      43,
      'the same conditions',
      'query ($yes: Boolean = true) { ...A @include(if: $yes) me @include(if: $yes) { related { id } } } fragment A on Query { me { id } }',
    ],
    [
      46,
      'other conditions',
      'query ($yes: Boolean = true) { me { related { id } } me @include(if: $yes) { id } }',
    ],
    [
      3,
      'conditions that do not hold',
      'query ($yes: Boolean = true) { me { related @skip(if: $yes) { id } } me { id } }',
    ],
    [
      43,
      'within a type condition',
      '{ node { ... on User { related { id } } ... on User { related { id } } } }',
    ],
    [43 + 40, 'in several types', '{ node { related { id } ... on User { related { id } } } }'],
  ])('a field that is executed once costs once: %d, %s', (expected, _what, query) => {
    expect(of(query)).toBe(expected)
  })

  test('fragments that spread each other are merged in as many steps as they select fields', () => {
    const levels = Array.from(
      { length: 40 },
      (_value, level) =>
        `fragment F${level} on User { owner { ...F${level + 1} ...F${level + 1} } ...G${level} } fragment G${level} on User { owner { ...F${level + 1} } }`,
    )
    const query = `{ me { ...F0 ...F0 } } ${levels.join(' ')} fragment F40 on User { id }`
    expect(of(query)).toBe(3 * 41)
  })

  test('input objects in variables cost what they would cost in the document', () => {
    const query = 'mutation ($by: Rename, $all: [Rename!]) { rename(by: $by, all: $all) { id } }'
    expect(of(query, { by: { weighty: 1, more: [{}, { name: 'b' }] } })).toBe(13 + 1 + 5 + 1 + 1)
    expect(of(query, { all: [{ weighty: 1 }, {}] })).toBe(13 + 1 + 5 + 1)
    expect(of(query, { all: { weighty: 1 } })).toBe(13 + 1 + 5)
    expect(of(query, { by: null })).toBe(13)
    expect(of(query, JSON.parse('{ "by": { "__proto__": { "weighty": 1 } } }'))).toBe(14)
  })

  test('@skip and @include count as the variables decide', () => {
    const query =
      'query ($yes: Boolean = true, $no: Boolean!) { me @skip(if: $no) { id } any @include(if: $yes) { __typename } }'
    expect(of(query, { no: false })).toBe(6)
    expect(of(query, { no: true, yes: true })).toBe(3)
    expect(of(query, { no: true, yes: false })).toBe(0)
  })
})

test('a length that comes as text counts in every spelling of a number', () => {
  const { of } = estimatesFor(`
    scalar Long
    type Query { a(first: Long): [A] @listSize(slicingArguments: ["first"], assumedSize: 1) }
    type A { id: ID }`)
  for (const first of ['100', '+100', ' 100', '1e2', '100.0', '0x64']) {
    expect(of(`{ a(first: "${first}") { id } }`)).toBe(100)
    expect(of('query ($n: Long) { a(first: $n) { id } }', { n: first })).toBe(100)
  }
  expect(of(`{ a(first: "${'9'.repeat(400)}") { id } }`)).toBe(Number.MAX_SAFE_INTEGER)
  for (const first of ['', 'many']) expect(of(`{ a(first: "${first}") { id } }`)).toBe('Query.a')
})

test('no list makes a cost infinite, and an empty one makes it no number', () => {
  const { of } = estimatesFor(`
    type Query { a(first: Int!): [A] @listSize(slicingArguments: ["first"]) }
    type A { a(first: Int!): [A] @listSize(slicingArguments: ["first"]) id: ID }`)
  const nested = (first: number, levels: number): string =>
    levels === 0 ? 'id' : `a(first: ${first}) { ${nested(2147483647, levels - 1)} }`
  expect(of(`{ ${nested(2147483647, 50)} }`)).toBe(Number.MAX_SAFE_INTEGER)
  expect(of(`{ ${nested(0, 50)} }`)).toBe(0)
  const byVariable = `query ($n: Int!) { ${nested(2147483647, 50).replaceAll('2147483647', '$n')} }`
  expect(of(byVariable, { n: 2147483647 })).toBe(Number.MAX_SAFE_INTEGER)
  expect(of(byVariable, { n: 0 })).toBe(0)
})

test('a negative weight makes a field cheaper, but never its response', () => {
  const { of } = estimatesFor(`
    type Query { a(filter: String @cost(weight: -3)): [A] free: A @cost(weight: -2) }
    type A { id: ID b: B }
    type B { id: ID }`)
  expect(of('{ a { id } }')).toBe(10)
  expect(of('{ a(filter: "x") { id } }')).toBe(7)
  expect(of('query ($f: String) { a(filter: $f) { id } }', { f: 'x' })).toBe(7)
  expect(of('{ free { id } }')).toBe(0)
  expect(of('{ free { b { id } } a { id } }')).toBe(10)
})

test('each fragment is measured once: a document that expands to 2^60 fields takes no time', () => {
  const { of } = estimatesFor('type Query { a: A } type A { a: A id: ID }')
  const fragments = Array.from(
    { length: 60 },
    (_, n) => `fragment F${n} on A { x: a { ...F${n + 1} } y: a { ...F${n + 1} } }`,
  )
  const document = parse(`{ a { ...F0 } } ${fragments.join(' ')} fragment F60 on A { id }`)
  expect(of(document)).toBe(Number.MAX_SAFE_INTEGER)
})

test('the selections of a list are collected once for all its elements', () => {
  const { ofResponse } = estimatesFor(`
    type Query { all(like: Like): [A] }
    input Like { name: String @cost(weight: 3) }
    type A { id: ID b: B }
    type B @cost(weight: 2) { id: ID }`)
  const document = parse(`
    { all(like: { name: "x" }) { ...Two ...Two } }
    fragment Two on A { id b { id } ...One }
    fragment One on A { id b { other: id } }`)
  let collected = 0
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue
    const { selections } = definition.selectionSet
    const get = () => (collected++, selections)
    Object.defineProperty(definition.selectionSet, 'selections', { get })
  }
  const all = Array.from({ length: 1_000 }, () => ({ id: '1', b: { id: '2', other: '2' } }))
  expect(ofResponse(document, {}, { all })).toBe(3_004)
  expect(collected).toBe(2)
})

test("a weight of IBM's specification is a text; what cannot be read is refused", () => {
  expect(estimatesFor(books('@cost(weight: "5.0")')).of(`{ book(id: 1) { ${book} } }`)).toBe(8)
  const later = `extend schema @link(url: "${specification.replace('v0.1', 'v0.2')}")`
  expect(() => estimatesFor(books(), { links: later })).toThrow(/only v0\.1 is known/)
  expect(() => estimatesFor(books('@cost(weight: "much")'))).toThrow(/of Address is not a number/)
  const sized = 'type Query { a: [Int] @listSize(sizedFields: ["{"]) }'
  expect(() => estimatesFor(sized)).toThrow(/of Query\.a is not a field, or a path to one/)
})

test('no operation costs more than estimated if no list is longer than it is said to be', () => {
  const report = checkHonestLists({ seed: 1, schemas: 4, operations: 40 })
  expect(report.violations).toEqual([])
  expect(report.operations).toBeGreaterThan(100)
  // Estimates that are far too high would prove nothing.
  expect(report.exact).toBeGreaterThan(report.operations / 4)
  expect(report.byVariables).toBeGreaterThan(report.operations / 10)
})
