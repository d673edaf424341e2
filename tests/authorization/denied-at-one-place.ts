/** A field that is denied of an interface and allowed of an object: both places select one value. */
import { describe, expect, test } from '@jest/globals'
import { federationLink, guardedGraph, ownEngine } from './support/guarded-graph.ts'
import type { TestSubgraph } from './support/guarded-graph.ts'

const dog = { __typename: 'Dog', id: 'd', name: 'Rex', bark: 'wuff' }
const subgraphs: Record<string, TestSubgraph> = {
  zoo: {
    typeDefs: `${federationLink}
      type Query { home: Home }
      interface Home { pet: Pet pets: [Pet!]! }
      type House implements Home { pet: Pet pets: [Pet!]! }
      type Castle implements Home { pet: Pet @authenticated pets: [Pet!]! @authenticated }
      interface Pet { id: ID! name: String }
      type Dog implements Pet { id: ID! name: String bark: String }
      type Cat implements Pet { id: ID! name: String }`,
    resolvers: { Query: { home: () => ({ __typename: 'House', pet: dog, pets: [dog] }) } },
  },
}

describe.each([
  ['the own engine', ownEngine],
  ['the reference engine', undefined],
])('with %s, the object is there with what', (_name, engine) => {
  test.each([
    ['the denied place selects of its type', '... on Dog { bark }', { bark: null, name: 'Rex' }],
    ['the denied place does not select of its type', '... on Cat { id }', { name: 'Rex' }],
    ['its type is', '__typename', { __typename: 'Dog', name: 'Rex' }],
  ])('%s', async (_what, denied, pet) => {
    const graph = await guardedGraph(subgraphs, {}, undefined, engine)
    const { data, errors } = await graph.ask(
      `{ home { pet { ${denied} } pets { ${denied} } ... on House { pet { name } pets { name } } } }`,
    )
    expect(data).toEqual({ home: { pet, pets: [pet] } })
    const paths = errors.map(({ path }) => path.join('.'))
    expect(paths).toEqual('bark' in pet ? ['home.pet.bark', 'home.pets.0.bark'] : [])
  })
})

test('a value is there whose denied place has the same arguments in another order', async () => {
  const film = { __typename: 'Film', id: 'f' }
  const rate = (_: unknown, { a, b }: { a: number; b: number }) => a * 10 + b
  const media: Record<string, TestSubgraph> = {
    films: {
      typeDefs: `${federationLink}
        type Query { media: Media film: Film }
        interface Media @key(fields: "id") { id: ID! rate(a: Int, b: Int): Int }
        type Film implements Media @key(fields: "id") { id: ID! rate(a: Int, b: Int): Int }
        type Book implements Media @key(fields: "id") {
          id: ID!
          rate(a: Int, b: Int): Int @authenticated
        }`,
      resolvers: {
        Query: { media: () => film, film: () => film },
        Media: { __resolveReference: () => film },
        Film: { rate },
      },
    },
    // An interface object: its calls under one response name are fetched under several.
    scores: {
      typeDefs: `${federationLink}
        type Media @key(fields: "id") @interfaceObject { id: ID! score: Int }`,
    },
  }
  const graph = await guardedGraph(media, {}, undefined, ownEngine)
  const { data, errors } = await graph.ask(`{
    media { rate(b: 2, a: 1) ... on Film { rate(a: 1, b: 2) } }
    film { rate(b: 2, a: 1) }
  }`)
  expect(data).toEqual({ media: { rate: 12 }, film: { rate: 12 } })
  expect(errors).toEqual([])
})
