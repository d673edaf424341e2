/**
 * The subgraphs of the benchmark: accounts, inventory, products and reviews, as in many comparisons of
 * gateways, and those of a carrier, for the operations `chain`, `wide`, `big` and `big join`.
 */
import { buildSubgraphSchema } from '@apollo/subgraph'
import { parse } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import { carrier } from './carrier-subgraphs.ts'
import type { SubgraphDefinition } from './carrier-subgraphs.ts'

export interface BenchSubgraph {
  readonly name: string
  readonly sdl: string
  /** The same with the guards, for gateways that authorize. */
  readonly guardedSdl: string
  readonly schema: GraphQLSchema
}

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@external", "@requires", "@provides", "@shareable", "@requiresScopes"])
`

/** The scope that no caller of the benchmark has. */
const guard = '@requiresScopes(scopes: [["birthdays"]])'

const users = Array.from({ length: 6 }, (_, index) => ({
  id: String(index + 1),
  name: `Person number ${index + 1}`,
  username: `person${index + 1}`,
  birthday: '1990-01-01',
}))

const products = Array.from({ length: 9 }, (_, index) => ({
  upc: String(index + 1),
  name: `A product with the number ${index + 1}`,
  price: (index + 1) * 111,
  weight: (index + 1) * 100,
}))

const reviews = Array.from({ length: 18 }, (_, index) => ({
  id: String(index + 1),
  body: `A review of the product with the number ${index + 1}`,
  authorId: users[index % 4]!.id,
  upc: products[(index * 2) % 5]!.upc,
}))

const userOf = ({ id }: { id: string }) => users.find((user) => user.id === id)
const productOf = ({ upc }: { upc: string }) => products.find((product) => product.upc === upc)

const definitions: Readonly<Record<string, SubgraphDefinition>> = {
  accounts: {
    sdl: `
      type Query { me: User user(id: ID!): User users: [User] }
      type User @key(fields: "id") { id: ID! name: String username: String @shareable birthday: String ${guard} picture: String }
    `,
    resolvers: {
      Query: {
        me: () => users[0],
        user: (_: unknown, args: { id: string }) => userOf(args),
        users: () => users,
      },
      User: {
        __resolveReference: userOf,
        picture: () => {
          throw new Error('The pictures are not available')
        },
      },
    },
  },
  inventory: {
    sdl: `
      type Product @key(fields: "upc") {
        upc: String!
        weight: Int @external
        price: Int @external
        inStock: Boolean
        shippingEstimate: Int @requires(fields: "price weight")
      }
    `,
    resolvers: {
      Product: {
        __resolveReference: (reference: object) => reference,
        inStock: ({ upc }: { upc: string }) => Number(upc) % 3 !== 0,
        shippingEstimate: ({ price, weight }: { price: number; weight: number }) =>
          price > 1_000 ? 0 : Math.round(weight / 2),
      },
    },
  },
  products: {
    sdl: `
      type Query { topProducts(first: Int = 5): [Product] }
      type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int }
    `,
    resolvers: {
      Query: {
        topProducts: (_: unknown, { first }: { first: number }) => products.slice(0, first),
      },
      Product: { __resolveReference: productOf },
    },
  },
  reviews: {
    sdl: `
      type Mutation { addReview(upc: String!, body: String!): Review }
      type Review @key(fields: "id") { id: ID! body: String author: User @provides(fields: "username") product: Product }
      type User @key(fields: "id") { id: ID! username: String @external numberOfReviews: Int reviews: [Review] }
      type Product @key(fields: "upc") { upc: String! reviews: [Review] }
    `,
    resolvers: {
      Mutation: {
        addReview: (_: unknown, { upc, body }: { upc: string; body: string }) => ({
          id: '12',
          body,
          upc,
          authorId: '1',
        }),
      },
      Review: {
        __resolveReference: ({ id }: { id: string }) => reviews.find((review) => review.id === id),
        author: ({ authorId }: { authorId: string }) => userOf({ id: authorId }),
        product: ({ upc }: { upc: string }) => ({ upc }),
      },
      User: {
        __resolveReference: ({ id }: { id: string }) => userOf({ id }),
        reviews: ({ id }: { id: string }) => reviews.filter(({ authorId }) => authorId === id),
        numberOfReviews: ({ id }: { id: string }) =>
          reviews.filter(({ authorId }) => authorId === id).length,
      },
      Product: {
        __resolveReference: (reference: object) => reference,
        reviews: ({ upc: own }: { upc: string }) => reviews.filter(({ upc }) => upc === own),
      },
    },
  },
  ...carrier,
}

/** Returns the subgraphs with their schemas. */
export function benchSubgraphs(): BenchSubgraph[] {
  return Object.entries(definitions).map(([name, definition]) => {
    const guardedSdl = link + definition.sdl
    const sdl = guardedSdl.replace(guard, '')
    const { resolvers } = definition
    const schema = buildSubgraphSchema({ typeDefs: parse(sdl), resolvers: resolvers as never })
    return { name, sdl, guardedSdl, schema }
  })
}
