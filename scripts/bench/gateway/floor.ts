/**
 * The floor: bare node:http and undici, with the calls, merges and shapes of these operations written
 * by hand, and verified tokens remembered. No gateway on Node can be expected below it.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { Pool } from 'undici'
import { readSetting } from './setting.ts'

const { subgraphs, issuer, jwksUri, audience } = readSetting()
const keys = createRemoteJWKSet(new URL(jwksUri))
const verified = new Map<string, string>()
const pools = new Map(
  Object.entries(subgraphs).map(([name, url]) => [
    name,
    new Pool(new URL(url).origin, { connections: 100 }),
  ]),
)

type Data = Record<string, unknown>

async function ask<T>(subgraph: string, subject: string, query: string, variables: object = {}) {
  const { body } = await pools.get(subgraph)!.request({
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json', 'x-user-id': subject },
    body: JSON.stringify({ query, variables }),
  })
  return (JSON.parse(await body.text()) as { data: T }).data
}

async function simple(subject: string): Promise<Data> {
  const { me } = await ask<{ me: Data }>('accounts', subject, '{me{id name username}}')
  return { me }
}

async function twoHops(subject: string): Promise<Data> {
  const { me } = await ask<{ me: { id: string; name: string } }>(
    'accounts',
    subject,
    '{me{id name}}',
  )
  const query = 'query($r:[_Any!]!){_entities(representations:$r){... on User{reviews{id body}}}}'
  const r = [{ __typename: 'User', id: me.id }]
  const { _entities } = await ask<{ _entities: Data[] }>('reviews', subject, query, { r })
  return { me: { id: me.id, name: me.name, reviews: _entities[0]!['reviews'] } }
}

async function mutation(subject: string, variables: object): Promise<Data> {
  const add =
    'mutation($upc:String!,$body:String!){addReview(upc:$upc,body:$body){id body author{id}}}'
  const { addReview } = await ask<{ addReview: { id: string; body: string; author: Data } }>(
    'reviews',
    subject,
    add,
    variables,
  )
  const query = 'query($r:[_Any!]!){_entities(representations:$r){... on User{name}}}'
  const r = [{ __typename: 'User', id: addReview.author['id'] }]
  const { _entities } = await ask<{ _entities: Data[] }>('accounts', subject, query, { r })
  const { id, body, author } = addReview
  return { addReview: { id, body, author: { id: author['id'], name: _entities[0]!['name'] } } }
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
    ask<{ users: User[] }>('accounts', subject, '{users{id username name}}'),
    ask<{ topProducts: Product[] }>('products', subject, '{topProducts{upc name price weight}}'),
  ])
  const { u, p } = await ask<{ u: { reviews: Review[] }[]; p: { reviews: Review[] }[] }>(
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
    ask<{ _entities: { name: string }[] }>(
      'accounts',
      subject,
      'query($r:[_Any!]!){_entities(representations:$r){... on User{name}}}',
      representations(ids, 'id', 'User'),
    ),
    ask<{ _entities: { name: string; price: number; weight: number }[] }>(
      'products',
      subject,
      'query($r:[_Any!]!){_entities(representations:$r){... on Product{name price weight}}}',
      representations(upcs, 'upc', 'Product'),
    ),
  ])
  const stock = await ask<{ _entities: { inStock: boolean; shippingEstimate: number }[] }>(
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

const byOperation: Record<string, (subject: string, variables: object) => Promise<Data>> = {
  Me: simple,
  Mine: twoHops,
  TestQuery: nested,
  Add: mutation,
}

async function subjectOf(authorization: string): Promise<string> {
  const known = verified.get(authorization)
  if (known !== undefined) return known
  const token = authorization.slice('Bearer '.length)
  const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['ES256'] })
  verified.set(authorization, payload.sub!)
  return payload.sub!
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', async () => {
    const { query, variables = {} } = JSON.parse(Buffer.concat(chunks).toString()) as {
      query: string
      variables?: object
    }
    const subject = await subjectOf(request.headers.authorization!)
    const name = /(?:query|mutation) (\w+)/.exec(query)![1]!
    const data = await byOperation[name]!(subject, variables)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ data }))
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send!({ listening: `http://127.0.0.1:${port}/graphql` })
})
