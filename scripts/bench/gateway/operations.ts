/** What the contenders are asked. */

export interface BenchOperation {
  readonly name: string
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
  /** Requests of one measurement. */
  readonly requests: number
}

export const operations: readonly BenchOperation[] = [
  {
    name: 'simple',
    query: 'query Me { me { id name username } }',
    requests: 4_000,
  },
  {
    name: 'two hops',
    query: 'query Mine { me { id name reviews { id body } } }',
    requests: 3_000,
  },
  {
    name: 'nested',
    query: `fragment User on User { id username name }
fragment Review on Review { id body }
fragment Product on Product { inStock name price shippingEstimate upc weight }
query TestQuery {
  users {
    ...User
    reviews {
      ...Review
      product {
        ...Product
        reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } }
      }
    }
  }
  topProducts {
    ...Product
    reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } }
  }
}`,
    requests: 300,
  },
  {
    name: 'mutation',
    query:
      'mutation Add($upc: String!, $body: String!) { addReview(upc: $upc, body: $body) { id body author { id name } } }',
    variables: { upc: '1', body: 'Works as it should' },
    requests: 3_000,
  },
]
