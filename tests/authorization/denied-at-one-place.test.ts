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
