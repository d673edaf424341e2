/** The operations that the benchmark sends to every contender. */

export interface BenchOperation {
  readonly name: string
  /** What the operation is, for readers of the picture. */
  readonly about: string
  /** The document, or a function that returns a different document for each number. */
  readonly query: string | ((number: number) => string)
  readonly variables?: Readonly<Record<string, unknown>>
  /** The most requests of one measurement; a measurement of an expensive contender ends before. */
  readonly requests: number
  /** How many requests are under way at the same time (default 50): fewer if the responses are large. */
  readonly connections?: number
  /** How many different tokens the requests have, one measurement for each. */
  readonly tokens: readonly number[]
  /** The paths of the errors that every response must have; without it, no response may have errors. */
  readonly errorPaths?: readonly (readonly (string | number)[])[]
  /** Only contenders that authorize fields can execute it. */
  readonly needsAuthorization?: boolean
}

/** The number of access tokens that the benchmark has. */
export const distinctTokens = 10_000

/** For small operations: shows what it costs to remember callers, or to verify each token again. */
const oneAndMany = [1, distinctTokens]

export const operations: readonly BenchOperation[] = [
  {
    name: 'simple',
    about: 'one subgraph',
    query: 'query Me { me { id name username } }',
    requests: 4_000,
    tokens: oneAndMany,
  },
  {
    name: 'two hops',
    about: 'two subgraphs, one after the other',
    query: 'query Mine { me { id name reviews { id body } } }',
    requests: 3_000,
    tokens: oneAndMany,
  },
  {
    name: 'nested',
    about: 'four subgraphs, a response of about 90 KB',
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
    about: 'two subgraphs, one after the other',
    query:
      'mutation Add($upc: String!, $body: String!) { addReview(upc: $upc, body: $body) { id body author { id name } } }',
    variables: { upc: '1', body: 'Works as it should' },
    requests: 3_000,
    tokens: oneAndMany,
  },
  {
    name: 'chain',
    about: 'five subgraphs, one after the other',
    query:
      'query Chain { parcel { id order { id number customer { id name address { id street city { id name } } } } } }',
    requests: 1_500,
    tokens: [distinctTokens],
  },
  {
    name: 'wide',
    about: 'a list of 2,000 entities, each with a field of a second subgraph; about 120 KB',
    query: 'query Wide { customers { id name openOrders } }',
    requests: 200,
    tokens: [distinctTokens],
    connections: 20,
  },
  {
    name: 'big',
    about: 'one subgraph, a response of about 8 MB of lists of numbers and texts',
    query: 'query Big { logs { id weights notes } }',
    requests: 30,
    tokens: [distinctTokens],
    connections: 4,
  },
  {
    name: 'big join',
    about: '20,000 nodes, each with a field of one of 500 entities; about 2 MB',
    query: 'query BigJoin { scans { id depot customer { id name } } }',
    requests: 80,
    tokens: [distinctTokens],
    connections: 8,
  },
  {
    // Each document has another alias, so that no cache can know it.
    name: 'first-sight',
    about: 'like simple, in a document that the gateway has never seen',
    query: (number) => `query FirstSight { me { id name a${number}: username } }`,
    requests: 1_000,
    tokens: [1],
  },
  {
    name: 'denied',
    about: 'like simple, and a field that the caller may not see',
    query: 'query Denied { me { id name username birthday } }',
    requests: 3_000,
    tokens: [1],
    errorPaths: [['me', 'birthday']],
    needsAuthorization: true,
  },
  {
    name: 'erroneous',
    about: 'like simple, and a field for which the subgraph reports an error',
    query: 'query Erroneous { me { id name username picture } }',
    requests: 3_000,
    tokens: [1],
    errorPaths: [['me', 'picture']],
  },
]
