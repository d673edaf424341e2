/** What @apollo/gateway is known to answer wrongly: each is answered rightly here. */
import { afterAll, expect, test } from '@jest/globals'
import { federation } from './federations.ts'
import type { Federation } from './federations.ts'
import { operation, twoEngines } from './two-engines.ts'
import type { TwoEngines } from './two-engines.ts'

const running = new Map<Federation, Promise<TwoEngines>>()

afterAll(async () => {
  for (const engines of running.values()) await (await engines).stop()
})

/** Each federation is composed once. */
function enginesOf(one: Federation): Promise<TwoEngines> {
  const engines = running.get(one) ?? twoEngines(one)
  running.set(one, engines)
  return engines
}

/** Asserts that the native engine is right and @apollo/gateway is not; returns the right answer. */
async function onlyNativeIsRight(one: Federation, text: string): Promise<unknown> {
  const { native, apollo, truth } = await enginesOf(one)
  const [own, other, right] = await Promise.all([
    native(operation(text)),
    apollo(operation(text)),
    truth(operation(text)),
  ])
  expect(own).toMatchObject({ data: right.data, errors: right.errors })
  expect({ ...other, calls: [] }).not.toMatchObject({ data: right.data, errors: right.errors })
  return own.data
}

const keys = federation('keys', {
  names: `type A @key(fields: "id") { id: ID! pid: ID! @shareable name: String }`,
  lists: `
    type Query { list: [A] }
    type A @key(fields: "pid", resolvable: false) @key(fields: "id") {
      id: ID! pid: ID! name: String @external nameInB: String @requires(fields: "name")
    }
  `,
})

test('@requires re-enters a subgraph through a key that it resolves, whichever key comes first', async () => {
  await onlyNativeIsRight(keys, '{ list { nameInB } }')
})

const hollow = federation('hollow', {
  a: `
    type Query { a: Node product: Product }
    interface Node @key(fields: "id") { id: ID! }
    type Product { id: ID! }
  `,
  b: `
    type Query { b: Node }
    type Node @key(fields: "id") @interfaceObject { id: ID! field: String }
  `,
})

test('a field whose type has no object type is an error when anything under it is asked for', async () => {
  const { native, apollo } = await enginesOf(hollow)
  const own = await native(operation('{ a { field } }'))
  expect(own.data).toBeNull()
  expect(own.errors).toMatchObject([{ path: 'a', code: 'UNRESOLVABLE_FIELD' }])
  expect((await apollo(operation('{ a { field } }'))).errors).toEqual([])
})

test('it is an error also when only that part of the plan came out empty', async () => {
  const { native, apollo } = await enginesOf(hollow)
  const own = await native(operation('{ product { id } a { field } }'))
  expect(own.data).toEqual({ product: { id: expect.any(String) }, a: null })
  expect(own.errors).toMatchObject([{ path: 'a' }])
  expect((await apollo(operation('{ product { id } a { field } }'))).errors).toEqual([])
})

test('what an interface object of such a type resolves by itself is answered', async () => {
  const { native } = await enginesOf(hollow)
  const own = await native(operation('{ b { id field } }'))
  expect(own.errors).toEqual([])
  expect(own.data).toEqual({ b: { id: expect.stringMatching(/^id#/), field: expect.any(String) } })
})

const posts = federation('posts', {
  feed: `type Query { feed: [Post] } type Post @key(fields: "id") { id: ID! }`,
  authors: `
    type Post @key(fields: "id") {
      id: ID!
      author: String @requires(fields: "comments(limit: 3) { authorId }")
      comments(limit: Int!): [Comment]
    }
    type Comment @key(fields: "id") { id: ID! authorId: ID @external }
  `,
  comments: `type Comment @key(fields: "id") { id: ID! authorId: ID text: String }`,
})

test('the arguments of a required field and those of the client do not mix', async () => {
  await onlyNativeIsRight(posts, '{ feed { author comments(limit: 1) { id } } }')
  await onlyNativeIsRight(posts, '{ feed { comments(limit: 2) { text } author } }')
})

const prices = federation('prices', {
  products: `
    type Query { products: [Product] }
    type Product @key(fields: "upc") { upc: ID! name: String weight: Int price(currency: String): Float }
  `,
  shipping: `
    type Product @key(fields: "upc") {
      upc: ID!
      weight: Int @external
      price(currency: String): Float @external
      inDollars: String @requires(fields: "price(currency: \\"USD\\")")
      inEuros: String @requires(fields: "price(currency: \\"EUR\\")")
      shippingEstimate: String @requires(fields: "weight")
      plain: Int
    }
  `,
})

test('two @requires of one field with different arguments each get their own', async () => {
  await onlyNativeIsRight(prices, '{ products { inDollars inEuros plain } }')
  await onlyNativeIsRight(prices, '{ products { inEuros price(currency: "CHF") inDollars } }')
})

test('an alias may be the name of a field that @requires or @key needs', async () => {
  await onlyNativeIsRight(prices, '{ products { weight: name shippingEstimate } }')
  await onlyNativeIsRight(prices, '{ products { upc: name shippingEstimate } }')
})

const offices = federation('offices', {
  staff: `
    type Query { media: [Media] book: Book }
    interface Media @key(fields: "id") { id: ID! title: String }
    type Book implements Media @key(fields: "id") { id: ID! title: String pages: Int }
    type Song implements Media @key(fields: "id") { id: ID! title: String beats: Int }
  `,
  ratings: `
    type Media @key(fields: "id") @interfaceObject {
      id: ID! stars(outOf: Int): Int title: String @external label: String @requires(fields: "title")
    }
  `,
})

test('an interface object does not take the type from an object', async () => {
  await onlyNativeIsRight(offices, '{ book { __typename one: label label two: label title } }')
})

test('what is required for some types of an interface object leaves the other types alone', async () => {
  await onlyNativeIsRight(offices, '{ media { ... on Song { label } stars } }')
})

test('one alias stands for different arguments on different types of an interface object', async () => {
  const text = '{ media { ... on Song { x: stars(outOf: 1) } ... on Book { x: stars(outOf: 2) } } }'
  await onlyNativeIsRight(offices, text)
})

const chains = federation('chains', {
  middle: `
    type Query { list: [B] }
    type B @key(fields: "x") @key(fields: "z") {
      x: ID! z: ID! value: Int @external value2: Int @requires(fields: "value")
    }
  `,
  first: `type B @key(fields: "x") { x: ID! value: Int }`,
  last: `type B @key(fields: "z") { z: ID! value2: Int @external chain: String @requires(fields: "value2") }`,
})

test('what a required field requires is fetched, also when all started in its subgraph', async () => {
  await onlyNativeIsRight(chains, '{ list { chain } }')
  await onlyNativeIsRight(chains, '{ list { other: value2 chain value2 } }')
})

const conditions = federation('conditions', {
  first: `type Query { list: [B] } type B @key(fields: "x") { x: ID! value: Int }`,
  middle: `
    type B @key(fields: "x") @key(fields: "z") {
      x: ID! z: ID! value: Int @external value2: Int @requires(fields: "value")
    }
  `,
  last: `type B @key(fields: "z") { z: ID! value2: Int @external chain: String @requires(fields: "value2") }`,
})

test('what a required field requires is fetched, also when the client asks for it under a condition', async () => {
  for (const isSkipped of [true, false]) {
    const { native, truth } = await enginesOf(conditions)
    const asked = operation('query ($no: Boolean!) { list { chain value2 @skip(if: $no) } }', {
      no: isSkipped,
    })
    const [own, right] = await Promise.all([native(asked), truth(asked)])
    expect(own).toMatchObject({ data: right.data, errors: right.errors })
    expect(JSON.stringify(own.data)).toContain('chain#')
    // Who has the field already is not asked again.
    const asking = own.calls.filter((call) => call.startsWith('middle') && call.includes('value2'))
    expect(asking).toHaveLength(1)
  }
})

test('a mutation whose result has only fields that are left out is carried out', async () => {
  const one = federation('touched', {
    a: `type Query { x: Int } type Mutation { touch: Touched! } type Touched { at: String }`,
    b: `type Query { y: Int } type Mutation { other: Int }`,
  })
  const { native } = await enginesOf(one)
  const text = 'mutation ($on: Boolean!) { touch @include(if: $on) { at @skip(if: $on) } }'
  const answer = await native(operation(text, { on: true }))
  expect(answer).toMatchObject({ data: { touch: {} }, errors: [] })
  expect(answer.calls).toHaveLength(1)
})

const contexts = federation('contexts', {
  users: `
    type Query { readers: [User!]! }
    type User @key(fields: "id") @context(name: "reader") {
      id: ID! locale: String! far: String @external texts: [Post!]!
    }
    type Post @key(fields: "id") {
      id: ID!
      text(locale: String @fromContext(field: "$reader { locale }")): String
      remote(far: String @fromContext(field: "$reader { far }")): String
    }
  `,
  places: `type User @key(fields: "id") { id: ID! far: String }`,
})

test('@fromContext gives each entity the value of its own context', async () => {
  const { native } = await enginesOf(contexts)
  const answer = await native(operation('{ readers { locale texts { id text remote } } }'))
  expect(answer.errors).toEqual([])
  const { readers } = answer.data as {
    readers: { locale: string; texts: { id: string; text: string; remote: string }[] }[]
  }
  expect(readers.flatMap(({ texts }) => texts).length).toBeGreaterThan(2)
  for (const { locale, texts } of readers) {
    const number = locale.split('#')[1]!
    for (const { text, remote } of texts) {
      expect(text).toContain(`{"locale":"${locale}"}`)
      expect(remote).toContain(`{"far":"far#${number}"}`)
    }
  }
})
