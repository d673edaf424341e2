/** The operations that the benchmark sends to every contender. */

export interface BenchOperation {
  readonly name: string
  /** The document, or a function that returns a different document for each number. */
  readonly query: string | ((number: number) => string)
  readonly variables?: Readonly<Record<string, unknown>>
  /** Requests of one measurement. */
  readonly requests: number
  /** How many different tokens the requests have, one measurement for each. */
  readonly tokens: readonly number[]
  /** The paths of the errors that every response must have; without it, no response may have errors. */
  readonly errorPaths?: readonly (readonly (string | number)[])[]
  /** Only contenders that authorize fields can execute it. */
  readonly needsAuthorization?: boolean
}

/** The number of access tokens that the benchmark has. */
export const distinctTokens = 10_000

/** The cost of remembering callers is measured with these operations. */
const oneAndMany = [1, distinctTokens]

export const operations: readonly BenchOperation[] = [
  {
    name: 'simple',
    query: 'query Me { me { id name username } }',
    requests: 4_000,
    tokens: oneAndMany,
  },
  {
    name: 'two hops',
    query: 'query Mine { me { id name reviews { id body } } }',
    requests: 3_000,
    tokens: oneAndMany,
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
    tokens: oneAndMany,
  },
  {
    name: 'mutation',
    query:
      'mutation Add($upc: String!, $body: String!) { addReview(upc: $upc, body: $body) { id body author { id name } } }',
    variables: { upc: '1', body: 'Works as it should' },
    requests: 3_000,
    tokens: oneAndMany,
  },
  {
    // `simple`, but no cache can know the document: each has another alias.
    name: 'first-sight',
    query: (number) => `query FirstSight { me { id name a${number}: username } }`,
    requests: 1_000,
    tokens: [1],
  },
  {
    // `simple`, and a field that the caller may not see.
    name: 'denied',
    query: 'query Denied { me { id name username birthday } }',
    requests: 3_000,
    tokens: [1],
    errorPaths: [['me', 'birthday']],
    needsAuthorization: true,
  },
  {
    // `simple`, and a field for which the subgraph reports an error.
    name: 'erroneous',
    query: 'query Erroneous { me { id name username picture } }',
    requests: 3_000,
    tokens: [1],
    errorPaths: [['me', 'picture']],
  },
]
