/** The graph of the authorization tests: two subgraphs with a guard in every place that can have one. */
import { federationLink } from './guarded-graph.ts'
import type { TestSubgraph } from './guarded-graph.ts'

const ada = {
  __typename: 'User',
  id: '1',
  name: 'Ada',
  email: 'ada@example.com',
  phone: '111',
  nickname: 'countess',
}
const bob = {
  __typename: 'User',
  id: '2',
  name: 'Bob',
  email: 'bob@example.com',
  phone: '222',
  nickname: 'builder',
}
const people = [
  { ...ada, friends: [bob], bestFriend: bob },
  { ...bob, friends: [ada], bestFriend: ada },
]
const book = { __typename: 'Book', id: 'b', title: 'Sketch', pages: 66 }
const film = { __typename: 'Film', id: 'f', title: 'Metropolis' }
const dog = { __typename: 'Dog', id: 'd', name: 'Rex', owner: ada }
const wolf = { __typename: 'Wolf', id: 'w', name: 'Fang', owner: null, howl: 'auuu' }

export const library: Record<string, TestSubgraph> = {
  users: {
    typeDefs: `${federationLink}
      type Query {
        open: String
        echo(text: String): String
        secret(key: String): String @authenticated
        me: User
        users: [User!]!
        level: Level
        stamp: Stamp
        account: Account
        media: [Media!]!
        vaults: [Vault]
        animals: [Animal]
        pet: Animal
        search: [Hit]
        device: Device
        strict: Strict
        ruled: String @policy(policies: [["is adult", "is local"], ["is admin"]])
      }
      type Mutation {
        open: String
        rename(name: String!): User @requiresScopes(scopes: [["write"]])
      }
      type User @key(fields: "id") {
        id: ID!
        name: String
        nickname: String
        email: String @requiresScopes(scopes: [["profile:email"], ["admin", "read"]])
        phone: String @shareable @requiresScopes(scopes: [["phone"]])
        friends: [User!]!
        bestFriend: User @authenticated
      }
      type Account @authenticated { id: ID! balance: Int }
      enum Level @requiresScopes(scopes: [["level"]]) { LOW HIGH }
      scalar Stamp @authenticated
      interface Media { id: ID! title: String }
      type Book implements Media { id: ID! title: String @authenticated pages: Int }
      type Film implements Media { id: ID! title: String }
      interface Vault { id: ID! content: String }
      type Gold implements Vault { id: ID! content: String @authenticated }
      type Silver implements Vault { id: ID! content: String @authenticated }
      interface Animal { id: ID! name: String owner: User }
      type Dog implements Animal { id: ID! name: String owner: User }
      type Wolf implements Animal @authenticated {
        id: ID! name: String owner: User howl: String
      }
      union Hit = User | Wolf | Film
      type Device @key(fields: "serial") {
        serial: ID @requiresScopes(scopes: [["device:serial"]])
        model: String
      }
      type Strict { inner: Inner list: [Inner!] nested: [[Inner!]!] }
      type Inner { id: ID! must: String! @authenticated }`,
    resolvers: {
      Query: {
        open: () => 'open',
        echo: (_: unknown, { text }: { text?: string }) => text,
        secret: () => 'secret',
        me: () => people[0],
        users: () => people,
        level: () => 'HIGH',
        stamp: () => '2026',
        account: () => ({ id: 'a', balance: 7 }),
        media: () => [book, film],
        vaults: () => [
          { __typename: 'Gold', id: 'g', content: 'ring' },
          { __typename: 'Silver', id: 's', content: 'spoon' },
          null,
        ],
        animals: () => [dog, null, wolf],
        pet: () => dog,
        search: () => [people[0], wolf, film],
        device: () => ({ serial: 'SN1', model: 'M' }),
        strict: () => ({
          inner: { id: 'i', must: 'm' },
          list: [{ id: 'i', must: 'm' }],
          nested: [[{ id: 'i', must: 'm' }], []],
        }),
        ruled: () => 'ruled',
      },
      Mutation: {
        open: () => 'opened',
        rename: (_: unknown, { name }: { name: string }) => ({ ...ada, name }),
      },
      User: { __resolveReference: ({ id }: { id: string }) => people.find((one) => one.id === id) },
      Device: { __resolveReference: ({ serial }: { serial: string }) => ({ serial, model: 'M' }) },
    },
  },
  reviews: {
    typeDefs: `${federationLink}
      type Query { reviews: [Review!]! }
      type Review { id: ID! author: User }
      type User @key(fields: "id") {
        id: ID!
        email: String @external
        phone: String @shareable
        reviews: [Review!]!
        greeting: String
          @requires(fields: "email")
          @requiresScopes(scopes: [["profile:email"], ["admin", "read"]])
      }
      type Device @key(fields: "serial") { serial: ID firmware: String }`,
    resolvers: {
      Query: { reviews: () => [{ id: 'r', author: { id: '1', phone: '111' } }] },
      User: {
        __resolveReference: (reference: object) => ({
          ...reference,
          phone: '111',
          reviews: [{ id: 'r' }],
        }),
        greeting: ({ email }: { email: string }) => `Dear ${email}`,
      },
      Device: {
        __resolveReference: (reference: object) => ({ ...reference, firmware: '1.0' }),
      },
    },
  },
}

/**
 * The supergraph as a composer makes it that copies no guard of an implementation to its interfaces,
 * and lets a field require what it is not guarded for itself.
 */
export function asAnotherComposer(sdl: string): string {
  return sdl
    .replace(/interface [^}]*\}/g, (definition) => definition.replace(guards, ''))
    .replace(/greeting: .*/, (line) => line.replace(guards, ''))
}

const guards = /\s*@(authenticated|requiresScopes\(scopes: .*?\]\]\)|policy\(policies: .*?\]\]\))/g
