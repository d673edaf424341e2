/** Supergraphs with the awkward parts of federation, each as the schemas of its subgraphs. */
import { composeServices } from '@apollo/composition'
import { Kind, parse, print } from 'graphql'
import type { SubgraphDefinition } from './universe.ts'

export interface Federation {
  readonly name: string
  readonly subgraphs: readonly SubgraphDefinition[]
}

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [
  "@key", "@external", "@requires", "@provides", "@shareable", "@override", "@inaccessible",
  "@interfaceObject", "@context", "@fromContext"
])
`

export function federation(name: string, sdls: Record<string, string>): Federation {
  const subgraphs = Object.entries(sdls).map(([subgraph, sdl]) => ({
    name: subgraph,
    sdl: link + sdl,
  }))
  return { name, subgraphs }
}

/**
 * Returns the federation with the fields of `Query` in `Subscription` as well, without those of several
 * subgraphs: an event comes from one.
 */
export function withSubscriptions({ name, subgraphs }: Federation): Federation {
  return {
    name: `${name}, subscribed to`,
    subgraphs: subgraphs.map((one) => ({ ...one, sdl: subscribable(one.sdl) })),
  }
}

function subscribable(sdl: string): string {
  const fields = parse(sdl).definitions.flatMap((definition) =>
    definition.kind === Kind.OBJECT_TYPE_DEFINITION && definition.name.value === 'Query'
      ? (definition.fields ?? [])
      : [],
  )
  const own = fields.map((field) => print(field)).filter((text) => !text.includes('@shareable'))
  return own.length > 0 ? `${sdl}\ntype Subscription { ${own.join('\n')} }` : sdl
}

/** Returns the supergraph of a federation; throws with all that composition says. */
export function composed({ name, subgraphs }: Federation): string {
  const { supergraphSdl, errors } = composeServices(
    subgraphs.map(({ name: subgraph, sdl }) => ({
      name: subgraph,
      url: `http://${subgraph}.test/graphql`,
      typeDefs: parse(sdl),
    })),
  )
  if (supergraphSdl) return supergraphSdl
  throw new Error(`${name}: ${errors?.map(({ message }) => message).join('\n')}`)
}

/** Entities over several subgraphs, lists of lists, arguments, mutations, failures. */
export const shop = federation('shop', {
  products: `
    type Query {
      products(first: Int = 3, filter: ProductFilter): [Product!]!
      product(upc: ID!): Product
      maybeProduct(n: Int): Product
      shelves: [[Product]]
      tree: Category
      flakyProduct(n: Int): Product
      search(text: String): [SearchResult]
    }
    type Mutation { rename(upc: ID!, name: String!): Product  touch: Touched! }
    type Touched { at: String! product: Product }
    input ProductFilter { name: String weight: Int kinds: [Kind!] nested: ProductFilter }
    enum Kind { BOOK TOY FOOD }
    union SearchResult = Product | Category
    type Product @key(fields: "upc") @key(fields: "sku { code region { id } }") {
      upc: ID!
      sku: Sku!
      name: String
      title(upper: Boolean, lang: String): String!
      weight: Int
      price(currency: String): Float
      kind: Kind
      maybeCategory: Category
      related(first: Int): [Product]
      grid: [[Product!]]
      flakyNote: String
      flakyStrict: String!
    }
    type Sku @shareable { code: ID! region: Region! }
    type Region @shareable { id: ID! name: String }
    type Category @key(fields: "id") { id: ID! name: String maybeParent: Category products: [Product!] }
  `,
  inventory: `
    type Product @key(fields: "upc") {
      upc: ID!
      weight: Int @external
      price(currency: String): Float @external
      inStock: Boolean!
      shippingEstimate: String @requires(fields: "weight")
      costs: String @requires(fields: "price weight")
      warehouses: [Warehouse!]
      flakyStock: Int
    }
    type Warehouse @key(fields: "id") { id: ID! city: String products: [[Product]] }
    type Mutation { restock(upc: ID!): Product  flakyRestock: Product }
  `,
  reviews: `
    type Query { reviews(first: Int): [Review] me: User }
    type Product @key(fields: "sku { code region { id } }") {
      sku: Sku!
      reviews(first: Int): [Review!]
      maybeTopReview: Review
    }
    type Sku @shareable { code: ID! region: Region! }
    type Region @shareable { id: ID! name: String }
    type Review @key(fields: "id") {
      id: ID!
      body: String
      author: User @provides(fields: "username")
      product: Product
      flakyScore: Int!
    }
    type User @key(fields: "id") { id: ID! username: String @external reviews: [Review!] }
  `,
  users: `
    type Query { users: [User!]! }
    type User @key(fields: "id") { id: ID! username: String @shareable email: String friends: [User] maybeBest: User! }
    type Mutation { login(name: String!): User! }
  `,
})

/** Interfaces, unions, interface objects and fields that only some types have. */
export const library = federation('library', {
  catalog: `
    type Query { media(first: Int): [Media!] book: Book anything: [Thing] owned: [Owned] node(id: ID): Node }
    interface Node { id: ID! }
    interface Media @key(fields: "id") { id: ID! title: String maybeSequel: Media }
    interface Owned { owner: Person }
    type Book implements Media & Node & Owned @key(fields: "id") { id: ID! title: String maybeSequel: Media pages: Int owner: Person chapters: [Chapter!] }
    type Movie implements Media & Node @key(fields: "id") { id: ID! title: String maybeSequel: Media minutes: Int director: Person }
    type Song implements Media & Node & Owned @key(fields: "id") { id: ID! title: String maybeSequel: Media owner: Person beats: Int! }
    type Chapter { number: Int title: String footnotes: [Note] }
    type Note { text: String about: Thing }
    type Person @key(fields: "id") { id: ID! name: String @shareable }
    union Thing = Book | Movie | Person
  `,
  ratings: `
    type Query { rated: [Media] }
    type Media @key(fields: "id") @interfaceObject {
      id: ID!
      stars(outOf: Int): Int
      title: String @external
      label: String @requires(fields: "title")
      comments: [Comment]
      flakyRating: Int
    }
    type Comment { text: String by: Person on: Media }
    type Person @key(fields: "id") { id: ID! comments: [Comment!] favourite: Media }
  `,
  people: `
    type Query { people: [Person] person: Person }
    type Person @key(fields: "id") { id: ID! name: String @shareable age: Int shelf: [Shelved] maybeFriend: Person }
    union Shelved = Book | Song | Postcard
    type Book @key(fields: "id") { id: ID! signedBy: Person }
    type Song @key(fields: "id") { id: ID! lyrics(line: Int): String }
    type Postcard { text: String from: Person to: RarePlace }
    type RarePlace @key(fields: "id") { id: ID! street: String }
  `,
  places: `
    type RarePlace @key(fields: "id") { id: ID! city: String country: String! }
  `,
})

/** Keys that differ by subgraph, overrides, types known in part, values shared by roots. */
export const mesh = federation('mesh', {
  a: `
    type Query { a: A shared: Shared @shareable list: [A!] old: Moved }
    type A @key(fields: "id") @key(fields: "pid", resolvable: true) { id: ID! pid: ID! name: String b: B! color: Color }
    type B @key(fields: "x y") { x: ID! y: ID! }
    type Shared @shareable { one: String both: String inner: Inner }
    type Inner @shareable { left: String both: Int }
    type Moved @key(fields: "id") { id: ID! kept: String moved: String percent: String }
    enum Color { RED GREEN }
  `,
  b: `
    type Query { shared: Shared @shareable bs(first: Int): [B] }
    type A @key(fields: "pid") { pid: ID! more: String deep: Deep }
    type Deep { a: A bs: [[B!]!] }
    type B @key(fields: "x y") { x: ID! y: ID! value: Int a: A }
    type Shared @shareable { two: String both: String inner: Inner }
    type Inner @shareable { right: String both: Int }
    type Moved @key(fields: "id") { id: ID! moved: String @override(from: "a") }
  `,
  c: `
    type B @key(fields: "x y") @key(fields: "z") { x: ID! y: ID! z: ID! value2: Int @requires(fields: "value") value: Int @external next: B }
    type C @key(fields: "z") { z: ID! }
    type Query { c: C zb: B }
    type Moved @key(fields: "id") { id: ID! percent: String @override(from: "a", label: "percent(50)") extra: String }
  `,
  d: `
    type B @key(fields: "z") { z: ID! last: String chain: String @requires(fields: "value2") value2: Int @external }
    type C @key(fields: "z") { z: ID! b: B names: [String!] secret: String @inaccessible }
  `,
})

/** Contexts, chains of requirements, requirements over fragments, provided paths. */
export const office = federation('office', {
  staff: `
    type Query { companies: [Company!]! employee: Employee staff: [Worker] }
    type Company @key(fields: "id") { id: ID! name: String locale: String! employees: [Employee] boss: Worker contact: Contact }
    interface Worker { id: ID! nick: String }
    type Employee implements Worker @key(fields: "id") { id: ID! nick: String first: String last: String contact: Contact desk: Desk boss: Employee }
    type Robot implements Worker @key(fields: "id") { id: ID! nick: String model: String desk: Desk }
    type Desk { room: String floor: Int neighbour: Worker }
    union Contact = Mail | Phone
    type Mail @shareable { address: String verified: Boolean }
    type Phone @shareable { number: String }
  `,
  payroll: `
    type Employee @key(fields: "id") {
      id: ID!
      first: String @external
      last: String @external
      contact: Contact @external
      full: String @requires(fields: "first last")
      reach: String @requires(fields: "contact { ... on Mail { address } ... on Phone { number } }")
      grade: Int @shareable
    }
    union Contact = Mail | Phone
    type Mail @shareable { address: String }
    type Phone @shareable { number: String }
  `,
  badges: `
    type Query { badges: [Badge] }
    type Employee @key(fields: "id") { id: ID! full: String @external grade: Int @external badge: Badge badgeText: String @requires(fields: "full grade") }
    type Badge @key(fields: "id") { id: ID! color: String holder: Employee @provides(fields: "grade") }
    type Robot @key(fields: "id") { id: ID! battery: Float! maybeOwner: Employee }
  `,
})

/** An interface whose other fields come from a subgraph with an interface object. */
export const media = federation('media', {
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

/** Fields that require fields that require fields, of several subgraphs. */
export const chains = federation('chains', {
  first: `
    type Query { list: [B] one: B }
    type B @key(fields: "x") { x: ID! value: Int }
  `,
  middle: `
    type Query { lines: [[B!]] }
    type B @key(fields: "x") @key(fields: "z") {
      x: ID! z: ID! value: Int @external value2: Int @requires(fields: "value")
    }
  `,
  last: `
    type B @key(fields: "z") { z: ID! value2: Int @external chain: String @requires(fields: "value2") }
  `,
  other: `
    type B @key(fields: "z") {
      z: ID! value2: Int @external chain2: String @requires(fields: "value2") below: B
    }
  `,
  end: `
    type B @key(fields: "x") {
      x: ID! value2: Int @external chain: String @external end: String @requires(fields: "value2 chain")
    }
  `,
})

/** Values of all kinds, in lists of lists, in types that differ by object, and required. */
export const values = federation('values', {
  store: `
    scalar Json
    enum Mood { CALM WILD }
    type Query {
      item: Item items: [Item!] grid: [[Item]] any: [Any!] node: Node nodes: [[Node!]]
      matrix: [[[Int!]]!] blob: Json moods: [[Mood!]!] parts: [Part!]! maybePart: Part!
    }
    union Any = Item | Leaf | Part
    interface Node { id: ID! label: String part: Part maybeNext: Node }
    type Leaf implements Node { id: ID! label: String part: Part maybeNext: Leaf weight: Int! }
    type Branch implements Node @key(fields: "id") {
      id: ID! label: String! part: Part! maybeNext: Node nodes: [Node!] any: [[Any]]
    }
    type Item @key(fields: "id") {
      id: ID! blob: Json blobs: [Json!] mood: Mood moods: [[Mood!]!] ints: [[Int]] floats: [Float!]!
      good: Boolean flags: [Boolean!] part: Part parts: [[Part!]!]! strict: Int! maybeItem: Item
      related: [Item!]! node: Node
    }
    type Part {
      text: String! mood: Mood! blob: Json maybeInner: Part item: Item size(unit: String): Float
      note: String! tone: Mood! score: Int! ticks: [[Int!]!] other: Part!
    }
  `,
  facts: `
    scalar Json
    enum Mood { CALM WILD }
    type Item @key(fields: "id") {
      id: ID! blob: Json @external mood: Mood @external part: Part @external floats: [Float!]! @external
      parts: [[Part!]!]! @external
      summary: String @requires(fields: "blob mood part { text maybeInner { mood } }")
      shape: Json @requires(fields: "floats parts { text mood blob }")
      more: [[Json]] link: Item any: [Any] count: Int! tones: [Mood!] strictLink: Item!
    }
    type Part { text: String! @external mood: Mood! @external blob: Json @external maybeInner: Part @external }
    union Any = Item | Branch
    type Branch @key(fields: "id") { id: ID! twigs: [[Int!]] item: Item score: Int! sharp: Boolean! }
  `,
})

/** Each of `a`, `b` and `c` requires another part of the same input. */
export const overlaps = federation('overlaps', {
  store: `
    type Query { item: Item any: [Any!] }
    union Any = Item | Leaf
    type Leaf @key(fields: "id") { id: ID! text: String }
    type Item @key(fields: "id") @key(fields: "part { id }") { id: ID! part: Part! other: Part! }
    type Part { id: ID! text: String! mood: String! inner: Part! }
  `,
  facts: `
    type Item @key(fields: "id") {
      id: ID! part: Part! @external link: Item! plain: Int!
      a: String! @requires(fields: "part { text }")
      b: String! @requires(fields: "part { mood inner { text } }")
      c: Item @requires(fields: "part { inner { mood } }")
    }
    type Leaf @key(fields: "id") { id: ID! link: Item! }
    type Part { text: String! @external mood: String! @external inner: Part! @external }
  `,
})

/** Arguments come from the objects above. */
export const contexts = federation('contexts', {
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

/** What fields require comes from entities inside of theirs, which other subgraphs have. */
export const inside = federation('inside', {
  items: `
    type Query { item: Item items: [Item!]! maybeItem(n: Int): Item any: [Any] }
    union Any = Item | Person | Place
    type Item @key(fields: "id") {
      id: ID! owner: Person maybeOwner: Person owners: [Person!] rows: [[Person!]]! thing: Thing spot: Spot!
    }
    union Thing = Person | Place
    type Person @key(fields: "id") { id: ID! favourite: Item }
    type Place @key(fields: "id") { id: ID! }
    type Spot { place: Place! note: String }
  `,
  people: `
    type Query { people: [Person!] }
    type Person @key(fields: "id") { id: ID! name: String size: Int! maybeBoss: Person }
  `,
  places: `
    type Place @key(fields: "id") { id: ID! town: String! keeper: Person }
    type Person @key(fields: "id", resolvable: false) { id: ID! }
  `,
  labels: `
    type Item @key(fields: "id") {
      id: ID! weight: Int @external owner: Person @external maybeOwner: Person @external
      owners: [Person!] @external rows: [[Person!]]! @external thing: Thing @external spot: Spot! @external
      plain: Int
      label: String @requires(fields: "owner { name }")
      maybeLabel: String! @requires(fields: "maybeOwner { name size }")
      listed: String @requires(fields: "owners { name } rows { size }")
      kind: String @requires(fields: "thing { ... on Person { name } ... on Place { town } }")
      address: String! @requires(fields: "spot { note place { town keeper { name } } }")
      tag: Item @requires(fields: "weight owner { maybeBoss { name } }")
      load: Int @requires(fields: "weight")
    }
    union Thing = Person | Place
    type Person @key(fields: "id", resolvable: false) {
      id: ID! name: String @external size: Int! @external maybeBoss: Person @external
    }
    type Place @key(fields: "id", resolvable: false) { id: ID! town: String! @external keeper: Person @external }
    type Spot { place: Place! @external note: String @external }
  `,
  weights: `type Item @key(fields: "id") { id: ID! weight: Int }`,
})

export const federations: readonly Federation[] = [
  shop,
  library,
  mesh,
  office,
  chains,
  values,
  overlaps,
  inside,
]
