/**
 * The subgraphs of a carrier: a chain of five (parcels, orders, customers, addresses, cities) that an
 * operation passes one after the other, and lists for large responses.
 */

export interface SubgraphDefinition {
  readonly sdl: string
  readonly resolvers: object
}

interface Reference {
  readonly id: string
}

const listOf = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index))

const customers = listOf(2_000, (index) => ({
  id: String(index + 1),
  name: `Customer number ${index + 1}`,
}))

/** Passed on, about 8 MB: numbers of several lengths, and texts with escapes, accents and other scripts. */
const logs = listOf(400, (log) => ({
  id: String(log + 1),
  weights: listOf(1_500, (index) => (((log * 1_500 + index) * 7_919) % 100_003) / 100),
  notes: listOf(110, (index) =>
    index % 10 === 0
      ? `Übergeben an "Säo João" → nächster Halt: 東京, Stück ${log}/${index}, ohne Schaden, zur üblichen Zeit`
      : `Scanned at the depot with the number ${log * index}, no damage, the seal is intact, on to stop ${index}`,
  ),
}))

/** 20,000 nodes that refer to 500 customers. */
const scans = listOf(20_000, (index) => ({
  id: String(index + 1),
  depot: `Depot number ${(index * 31) % 977}`,
  customer: { id: customers[(index * 7) % 500]!.id },
}))

/** Returns the entity that a reference names; all its fields can be computed from the id. */
const sameReference = ({ id }: Reference) => ({ id })

export const carrier: Readonly<Record<string, SubgraphDefinition>> = {
  parcels: {
    sdl: `
      type Query { parcel: Parcel logs: [Log!]! scans: [Scan!]! }
      type Parcel { id: ID! order: Order }
      type Log { id: ID! weights: [Float!]! notes: [String!]! }
      type Scan { id: ID! depot: String customer: Customer }
      type Order @key(fields: "id", resolvable: false) { id: ID! }
      type Customer @key(fields: "id", resolvable: false) { id: ID! }
    `,
    resolvers: {
      Query: {
        parcel: () => ({ id: '1', order: { id: '2' } }),
        logs: () => logs,
        scans: () => scans,
      },
    },
  },
  orders: {
    sdl: `
      type Order @key(fields: "id") { id: ID! number: Int customer: Customer }
      type Customer @key(fields: "id") { id: ID! openOrders: Int }
    `,
    resolvers: {
      Order: {
        __resolveReference: sameReference,
        number: ({ id }: Reference) => 1_000 + Number(id),
        customer: ({ id }: Reference) => ({ id }),
      },
      Customer: {
        __resolveReference: sameReference,
        openOrders: ({ id }: Reference) => Number(id) % 7,
      },
    },
  },
  customers: {
    sdl: `
      type Query { customers: [Customer!]! }
      type Customer @key(fields: "id") { id: ID! name: String address: Address }
      type Address @key(fields: "id", resolvable: false) { id: ID! }
    `,
    resolvers: {
      Query: { customers: () => customers },
      Customer: {
        __resolveReference: ({ id }: Reference) => customers[Number(id) - 1],
        address: ({ id }: Reference) => ({ id }),
      },
    },
  },
  addresses: {
    sdl: `
      type Address @key(fields: "id") { id: ID! street: String city: City }
      type City @key(fields: "id", resolvable: false) { id: ID! }
    `,
    resolvers: {
      Address: {
        __resolveReference: sameReference,
        street: ({ id }: Reference) => `Street number ${id}`,
        city: ({ id }: Reference) => ({ id }),
      },
    },
  },
  cities: {
    sdl: `
      type City @key(fields: "id") { id: ID! name: String }
    `,
    resolvers: {
      City: {
        __resolveReference: sameReference,
        name: ({ id }: Reference) => `City number ${id}`,
      },
    },
  },
}
