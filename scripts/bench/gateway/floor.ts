/**
 * The floor: a program on bare node:http and undici that knows the operations of the benchmark. Requests,
 * merges, denials and response shapes are written by hand, verified tokens are kept, and GraphQL is
 * never parsed, for documents seen for the first time neither. No gateway on Node can be expected to
 * need less.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { Pool } from 'undici'
import { readSetting } from './setting.ts'

const { subgraphs, issuer, jwksUri, audience } = readSetting()
const keys = createRemoteJWKSet(new URL(jwksUri))

interface Caller {
  readonly subject: string
  readonly scopes: readonly string[]
}

const verified = new Map<string, Caller>()
const pools = new Map(
  Object.entries(subgraphs).map(([name, url]) => [
    name,
    new Pool(new URL(url).origin, { connections: 100 }),
  ]),
)

type Data = Record<string, unknown>

interface Result<T = Data> {
  readonly data: T
  readonly errors?: readonly object[]
}

interface FloorRequest {
  readonly caller: Caller
  readonly query: string
  readonly variables: object
}

async function fetchData<T>(
  subgraph: string,
  subject: string,
  query: string,
  variables: object = {},
): Promise<T> {
  return (await fetchResult<T>(subgraph, subject, query, variables)).data
}

async function fetchResult<T>(
  subgraph: string,
  subject: string,
  query: string,
  variables: object = {},
): Promise<Result<T>> {
  const { body } = await pools.get(subgraph)!.request({
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json', 'x-user-id': subject },
    body: JSON.stringify({ query, variables }),
  })
  return JSON.parse(await body.text()) as Result<T>
}

async function simple(subject: string): Promise<Data> {
  const { me } = await fetchData<{ me: Data }>('accounts', subject, '{me{id name username}}')
  return { me }
}

/** `simple`; the alias is all that differs from request to request. */
async function firstSight(subject: string, document: string): Promise<Data> {
  const { me } = await simple(subject)
  const { id, name, username } = me as Data
  const alias = /(\w+): username/.exec(document)![1]!
  return { me: { id, name, [alias]: username } }
}

async function denied({ subject, scopes }: Caller): Promise<Result> {
  if (scopes.includes('birthdays')) {
    return fetchResult('accounts', subject, '{me{id name username birthday}}')
  }
  const { me } = await simple(subject)
  const error = {
    message: 'You may not see this field',
    path: ['me', 'birthday'],
    extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' },
  }
  return { data: { me: { ...(me as Data), birthday: null } }, errors: [error] }
}

function erroneous(subject: string): Promise<Result> {
  return fetchResult('accounts', subject, '{me{id name username picture}}')
}

async function twoHops(subject: string): Promise<Data> {
  const { me } = await fetchData<{ me: { id: string; name: string } }>(
    'accounts',
    subject,
    '{me{id name}}',
  )
  const query = 'query($r:[_Any!]!){_entities(representations:$r){... on User{reviews{id body}}}}'
  const r = [{ __typename: 'User', id: me.id }]
  const { _entities } = await fetchData<{ _entities: Data[] }>('reviews', subject, query, { r })
  return { me: { id: me.id, name: me.name, reviews: _entities[0]!['reviews'] } }
}

async function mutation(subject: string, variables: object): Promise<Data> {
  const add =
    'mutation($upc:String!,$body:String!){addReview(upc:$upc,body:$body){id body author{id}}}'
  const { addReview } = await fetchData<{ addReview: { id: string; body: string; author: Data } }>(
    'reviews',
    subject,
    add,
    variables,
  )
  const query = 'query($r:[_Any!]!){_entities(representations:$r){... on User{name}}}'
  const r = [{ __typename: 'User', id: addReview.author['id'] }]
  const { _entities } = await fetchData<{ _entities: Data[] }>('accounts', subject, query, { r })
  const { id, body, author } = addReview
  return { addReview: { id, body, author: { id: author['id'], name: _entities[0]!['name'] } } }
}

async function fetchEntities(
  subgraph: string,
  subject: string,
  { type, ids, fields }: { type: string; ids: readonly string[]; fields: string },
): Promise<Data[]> {
  const query = `query($r:[_Any!]!){_entities(representations:$r){... on ${type}{${fields}}}}`
  const r = ids.map((id) => ({ __typename: type, id }))
  const { _entities } = await fetchData<{ _entities: Data[] }>(subgraph, subject, query, { r })
  return _entities
}

interface Reference {
  readonly id: string
}

async function chain(subject: string): Promise<Data> {
  const entity = async <T>(subgraph: string, type: string, { id }: Reference, fields: string) =>
    (await fetchEntities(subgraph, subject, { type, ids: [id], fields }))[0] as T
  const { parcel } = await fetchData<{ parcel: { id: string; order: Reference } }>(
    'parcels',
    subject,
    '{parcel{id order{id}}}',
  )
  const order = await entity<{ number: number; customer: Reference }>(
    'orders',
    'Order',
    parcel.order,
    'number customer{id}',
  )
  const customer = await entity<{ name: string; address: Reference }>(
    'customers',
    'Customer',
    order.customer,
    'name address{id}',
  )
  const address = await entity<{ street: string; city: Reference }>(
    'addresses',
    'Address',
    customer.address,
    'street city{id}',
  )
  const city = await entity<{ name: string }>('cities', 'City', address.city, 'name')
  return {
    parcel: {
      id: parcel.id,
      order: {
        id: parcel.order.id,
        number: order.number,
        customer: {
          id: order.customer.id,
          name: customer.name,
          address: {
            id: customer.address.id,
            street: address.street,
            city: { id: address.city.id, name: city.name },
          },
        },
      },
    },
  }
}

async function wide(subject: string): Promise<Data> {
  const { customers } = await fetchData<{ customers: { id: string; name: string }[] }>(
    'customers',
    subject,
    '{customers{id name}}',
  )
  const ids = customers.map(({ id }) => id)
  const fields = 'openOrders'
  const entities = await fetchEntities('orders', subject, { type: 'Customer', ids, fields })
  return {
    customers: customers.map(({ id, name }, index) => ({
      id,
      name,
      openOrders: entities[index]!['openOrders'],
    })),
  }
}

function big(subject: string): Promise<Data> {
  return fetchData('parcels', subject, '{logs{id weights notes}}')
}

async function bigJoin(subject: string): Promise<Data> {
  const { scans } = await fetchData<{
    scans: { id: string; depot: string; customer: Reference }[]
  }>('parcels', subject, '{scans{id depot customer{id}}}')
  const ids = [...new Set(scans.map(({ customer }) => customer.id))]
  const fields = 'name'
  const entities = await fetchEntities('customers', subject, { type: 'Customer', ids, fields })
  const nameOf = new Map(ids.map((id, index) => [id, entities[index]!['name']]))
  return {
    scans: scans.map(({ id, depot, customer }) => ({
      id,
      depot,
      customer: { id: customer.id, name: nameOf.get(customer.id) },
    })),
  }
}

interface Product {
  upc: string
  name?: string
  price?: number
  weight?: number
  inStock?: boolean
  shippingEstimate?: number
  reviews?: Review[]
}
interface User {
  id: string
  username: string
  name?: string
  reviews?: Review[]
}
interface Review {
  id: string
  body: string
  author?: User
  product?: Product
}

const inner = 'reviews{id body author{id username reviews{id body product{upc}}}}'

async function nested(subject: string): Promise<Data> {
  const [{ users }, { topProducts }] = await Promise.all([
    fetchData<{ users: User[] }>('accounts', subject, '{users{id username name}}'),
    fetchData<{ topProducts: Product[] }>(
      'products',
      subject,
      '{topProducts{upc name price weight}}',
    ),
  ])
  const { u, p } = await fetchData<{ u: { reviews: Review[] }[]; p: { reviews: Review[] }[] }>(
    'reviews',
    subject,
    `query($u:[_Any!]!,$p:[_Any!]!){u:_entities(representations:$u){... on User{reviews{id body product{upc ${inner}}}}}p:_entities(representations:$p){... on Product{${inner}}}}`,
    {
      u: users.map(({ id }) => ({ __typename: 'User', id })),
      p: topProducts.map(({ upc }) => ({ __typename: 'Product', upc })),
    },
  )
  users.forEach((user, index) => (user.reviews = u[index]!.reviews))
  topProducts.forEach((product, index) => (product.reviews = p[index]!.reviews))

  const allUsers: User[] = []
  const allProducts: Product[] = [...topProducts]
  const walk = (reviews: Review[]) => {
    for (const { author, product } of reviews) {
      if (author) {
        allUsers.push(author)
        if (author.reviews) walk(author.reviews)
      }
      if (product) {
        allProducts.push(product)
        if (product.reviews) walk(product.reviews)
      }
    }
  }
  for (const { reviews } of [...users, ...topProducts]) walk(reviews!)

  const ids = [...new Set(allUsers.map(({ id }) => id))]
  const upcs = [...new Set(allProducts.map(({ upc }) => upc))]
  const representations = (names: string[], key: string, type: string) => ({
    r: names.map((name) => ({ __typename: type, [key]: name })),
  })
  const [names, details] = await Promise.all([
    fetchData<{ _entities: { name: string }[] }>(
      'accounts',
      subject,
      'query($r:[_Any!]!){_entities(representations:$r){... on User{name}}}',
      representations(ids, 'id', 'User'),
    ),
    fetchData<{ _entities: { name: string; price: number; weight: number }[] }>(
      'products',
      subject,
      'query($r:[_Any!]!){_entities(representations:$r){... on Product{name price weight}}}',
      representations(upcs, 'upc', 'Product'),
    ),
  ])
  const stock = await fetchData<{ _entities: { inStock: boolean; shippingEstimate: number }[] }>(
    'inventory',
    subject,
    'query($r:[_Any!]!){_entities(representations:$r){... on Product{inStock shippingEstimate}}}',
    {
      r: upcs.map((upc, index) => {
        const { price, weight } = details._entities[index]!
        return { __typename: 'Product', upc, price, weight }
      }),
    },
  )
  const nameOf = new Map(ids.map((id, index) => [id, names._entities[index]!.name]))
  const productOf = new Map(
    upcs.map((upc, index) => [upc, { ...details._entities[index]!, ...stock._entities[index]! }]),
  )
  for (const user of allUsers) user.name = nameOf.get(user.id)!
  for (const product of allProducts) Object.assign(product, productOf.get(product.upc))
  return { users: users.map(shapeUser), topProducts: topProducts.map(shapeProduct) }
}

function shapeUser({ id, username, name, reviews }: User): Data {
  return { id, username, name, ...(reviews ? { reviews: reviews.map(shapeReview) } : {}) }
}

function shapeReview({ id, body, author, product }: Review): Data {
  return {
    id,
    body,
    ...(author ? { author: shapeUser(author) } : {}),
    ...(product ? { product: shapeProduct(product) } : {}),
  }
}

function shapeProduct({ inStock, name, price, shippingEstimate, upc, weight, reviews }: Product) {
  const shaped: Data = { inStock, name, price, shippingEstimate, upc, weight }
  if (reviews) shaped['reviews'] = reviews.map(shapeReview)
  return shaped
}

const byOperation: Record<string, (request: FloorRequest) => Promise<Result>> = {
  Me: async ({ caller }) => ({ data: await simple(caller.subject) }),
  Mine: async ({ caller }) => ({ data: await twoHops(caller.subject) }),
  TestQuery: async ({ caller }) => ({ data: await nested(caller.subject) }),
  Add: async ({ caller, variables }) => ({ data: await mutation(caller.subject, variables) }),
  Chain: async ({ caller }) => ({ data: await chain(caller.subject) }),
  Wide: async ({ caller }) => ({ data: await wide(caller.subject) }),
  Big: async ({ caller }) => ({ data: await big(caller.subject) }),
  BigJoin: async ({ caller }) => ({ data: await bigJoin(caller.subject) }),
  FirstSight: async ({ caller, query }) => ({ data: await firstSight(caller.subject, query) }),
  Denied: ({ caller }) => denied(caller),
  Erroneous: ({ caller }) => erroneous(caller.subject),
}

async function callerOf(authorization: string): Promise<Caller> {
  const known = verified.get(authorization)
  if (known !== undefined) return known
  const token = authorization.slice('Bearer '.length)
  const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['ES256'] })
  const caller = { subject: payload.sub!, scopes: String(payload['scope'] ?? '').split(' ') }
  verified.set(authorization, caller)
  return caller
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', async () => {
    const { query, variables = {} } = JSON.parse(Buffer.concat(chunks).toString()) as {
      query: string
      variables?: object
    }
    const caller = await callerOf(request.headers.authorization!)
    const name = /(?:query|mutation) (\w+)/.exec(query)![1]!
    const result = await byOperation[name]!({ caller, query, variables })
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(result))
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send!({ listening: `http://127.0.0.1:${port}/graphql` })
})
