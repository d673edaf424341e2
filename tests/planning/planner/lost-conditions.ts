import { expect, test } from '@jest/globals'
import { federation, overlaps, values } from '../../engine/federations.ts'
import { enginesOf, nativeIsRight } from '../../engine/only-native-is-right.ts'
import { operation } from '../../engine/two-engines.ts'

const objects = federation('interface objects under conditions', {
  staff: `
    type Query { media: [Media] }
    interface Media @key(fields: "id") { id: ID! title: String }
    type Book implements Media @key(fields: "id") { id: ID! title: String pages: Int }
    type Song implements Media @key(fields: "id") { id: ID! title: String beats: Int }
  `,
  ratings: `
    type Query { top: [Media!] }
    type Media @key(fields: "id") @interfaceObject {
      id: ID! stars: Int title: String @external label: String @requires(fields: "title") next: Media!
      likes: Int tag: String @requires(fields: "title")
    }
  `,
})

const contexts = federation('contexts under conditions', {
  users: `
    type Query { readers: [User!]! }
    type User @key(fields: "id") @context(name: "reader") { id: ID! far: String @external texts: [Post!]! }
    type Post @key(fields: "id") {
      id: ID! plain: String remote(far: String @fromContext(field: "$reader { far }")): String
    }
  `,
  places: `type User @key(fields: "id") { id: ID! far: String }`,
})

const settings = [
  {},
  { no: true },
  { no: false },
  { yes: false },
  { no: true, yes: false },
  { no: false, yes: false },
]

function inLinks(selections: string): string {
  return `query ($yes: Boolean = true, $no: Boolean = false) { any { ${selections} } }`
}

test.each([
  '... on Item { strictLink { summary ... @skip(if: $yes) { shape } } }',
  '... on Item { strictLink { shape ... @include(if: $no) { ... on Item { summary } } } }',
  '... on Item { strictLink { count summary ... @skip(if: $yes) { ... @include(if: $no) { shape } } } }',
  '... on Item { strictLink { ... @skip(if: $yes) { ... @skip(if: $no) { shape } } summary } }',
  '... on Item { strictLink @skip(if: $yes) { shape } strictLink @include(if: $no) { summary } }',
  '... on Item { strictLink { ... @skip(if: $no) { summary ... @skip(if: $yes) { shape } } } }',
  '... on Item { strictLink { ... @skip(if: $yes) { ... @skip(if: $no) { shape } } ... @skip(if: $no) { summary } } }',
  '... on Item { strictLink { link { summary } ... @skip(if: $yes) { link { shape } } } }',
  '... on Item { strictLink { ... @skip(if: $yes) { link { shape } } link { summary } } }',
  '... on Item { strictLink { summary ... @skip(if: $yes) { shape } } part { item { summary } } }',
  '... on Item { strictLink { floats parts { text mood blob } ... @skip(if: $yes) { shape } } }',
  '... on Item { strictLink { floats parts { text mood blob } ... @skip(if: $no) { ... @include(if: $yes) { shape } } } }',
  '... on Item { strictLink @skip(if: $yes) { shape } strictLink { floats parts { text mood blob } } }',
])(
  'of fields that require something, those that are included are fetched, with their inputs: %s',
  async (selections) => {
    for (const variables of settings) await nativeIsRight(values, inLinks(selections), variables)
  },
)

test.each([
  '... on Item { link { a ... @skip(if: $yes) { b } } }',
  '... on Item { link { b ... @skip(if: $yes) { a } } }',
  '... on Item { link { b plain ... @skip(if: $yes) { a c { id } } } }',
  '... on Item { link { c { a ... @skip(if: $yes) { b } } ... @include(if: $no) { b } } }',
  '... on Item { link { a ... @skip(if: $yes) { b } } } ... on Leaf { link { b ... @skip(if: $no) { a } } }',
  '... on Item { link { a ... @skip(if: $yes) { b } } } ... on Leaf { link { b } }',
  '... on Item { link { ... @skip(if: $yes) { c { c { b } } } c { a } } } ... on Leaf { link { c { b } } }',
])('fields may require parts of one input: %s', async (selections) => {
  for (const variables of settings) await nativeIsRight(overlaps, inLinks(selections), variables)
})

test.each([
  'next { label ... @skip(if: $yes) { tag } }',
  'next { ... on Song { label } ... @skip(if: $yes) { ... on Song { likes } } }',
  'next { ... @include(if: $no) { ... on Book { next { label likes } } } ... on Media { next { tag } } }',
  'next { stars ... @skip(if: $yes) { ... on Song { beats tag } } ... @skip(if: $no) { ... on Book { pages label } } }',
  'next { ... @skip(if: $yes) { ... @skip(if: $no) { ... on Song { label } } } ... @skip(if: $yes) { tag } }',
  'title next { title ... @skip(if: $yes) { label } }',
  'next { id title label ... @skip(if: $yes) { tag } }',
  'next { title next { label } ... @skip(if: $yes) { next { tag } } }',
  'next { title ... on Song { title ... @skip(if: $yes) { tag } } }',
  'next { title ... @skip(if: $yes) { ... on Song { likes } } ... on Song { stars } }',
  'next { title ... @skip(if: $yes) { ... on Song { likes } } }',
])(
  'of interface objects, too, what is included is fetched, with its inputs: %s',
  async (selections) => {
    const text = `query ($yes: Boolean = true, $no: Boolean = false) { top { ${selections} } }`
    for (const variables of settings) await nativeIsRight(objects, text, variables)
  },
)

test('a field with a context is not fetched where it is skipped', async () => {
  const { native } = await enginesOf(contexts)
  const text = `query ($yes: Boolean!) { readers { far texts { plain ... @skip(if: $yes) { remote } } } }`
  for (const yes of [true, false]) {
    const { errors, calls } = await native(operation(text, { yes }))
    expect(errors).toEqual([])
    expect(calls.join().includes('remote')).toBe(!yes)
  }
})
