/** `@defer` over HTTP: which part comes when, and what is in it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { deriveClaimsKey, serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { SubgraphSource } from '../support/compose.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requiresScopes"])'
const productsSdl = `${link}
  type Query { product: Product products: [Product]! one: Product! }
  type Mutation { rename: Product }
  type Product @key(fields: "id") { id: ID! name: String long: String big: Float lost: String! secret: String @requiresScopes(scopes: [["secrets"]]) }
`
const reviewsSdl = `${link}
  type Product @key(fields: "id") { id: ID! stars: Int rating: Int! slow: String }
`

let issuer: TestIssuer
let gateway: RunningGateway
let sources: SubgraphSource[]
let close: () => Promise<void>
let calls: string[] = []
const waiting: (() => void)[] = []
/** Lets all be resolved that selects `slow`. */
const release = () => waiting.splice(0).forEach((resolve) => resolve())

beforeAll(async () => {
  issuer = await startIssuer()
  const { log } = recordedLog()
  const common = { host: '127.0.0.1', port: 0, log }
  const product = (id: string) => ({
    id,
    name: `name ${id}`,
    long: id.repeat(100_000),
    big: 1e21,
    secret: 'hidden',
    lost: null,
  })
  const products = await serveSubgraph({
    ...common,
    name: 'products',
    keys: [deriveClaimsKey(gatewaySecret, 'products')],
    typeDefs: productsSdl,
    resolvers: {
      Query: {
        product() {
          calls.push('product')
          return product('1')
        },
        products() {
          calls.push('products')
          return [product('1'), null, product('2')]
        },
        one: () => product('1'),
      },
      Mutation: {
        rename() {
          calls.push('rename')
          return product('1')
        },
      },
      Product: { __resolveReference: ({ id }: { id: string }) => product(id) },
    },
  })
  const reviews = await serveSubgraph({
    ...common,
    name: 'reviews',
    keys: [deriveClaimsKey(gatewaySecret, 'reviews')],
    typeDefs: reviewsSdl,
    resolvers: {
      Product: {
        __resolveReference: ({ id }: { id: string }) => ({ id, stars: 5 }),
        rating({ id }: { id: string }) {
          if (id === '2') throw new Error('no rating')
          return 4
        },
        slow: () => new Promise((resolve) => waiting.push(() => resolve('at last'))),
      },
    },
  })
  sources = [
    { name: 'products', url: products.url, sdl: productsSdl },
    { name: 'reviews', url: reviews.url, sdl: reviewsSdl },
  ]
  gateway = await runGateway(
    sources,
    `authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
      clock_tolerance: 0s
telemetry: { access_log: { sample: 1, errors: 1 } }
subgraphs: { products: { timeout: 1m }, reviews: { timeout: 1m } }
`,
  )
  close = async () => {
    await gateway.close()
    await Promise.all([products.close(), reviews.close()])
    await issuer.close()
  }
})
afterAll(() => close())

const specs = {
  defer: 'multipart/mixed;deferSpec=20220824, application/json',
  incremental: 'multipart/mixed;incrementalSpec=v0.2, application/json',
}

function post(query: string, accept = specs.defer, more: object = {}, headers = {}) {
  return fetch(gateway.url, {
    method: 'POST',
    headers: { accept, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, ...more }),
  })
}

/** Returns the JSON texts of the parts. */
function textsOf(body: string): string[] {
  expect(body.startsWith('\r\n--graphql\r\n')).toBe(true)
  expect(body.endsWith('\r\n--graphql--\r\n')).toBe(true)
  const parts = body.slice('\r\n--graphql'.length, -'\r\n--graphql--\r\n'.length)
  return parts.split('\r\n--graphql').map((part) => {
    const [head, json] = part.split('\r\n\r\n')
    expect(head).toBe('\r\ncontent-type: application/json')
    return json!
  })
}

async function parts(query: string, accept?: string, more?: object, headers?: object) {
  const response = await post(query, accept, more, headers)
  expect(response.headers.get('content-type')).toMatch(/^multipart\/mixed;boundary="graphql";/)
  return textsOf(await response.text()).map((text) => JSON.parse(text))
}

test('what is fast is sent before what is slow, and nothing is fetched twice', async () => {
  calls = []
  const response = await post('{ product { id name ... @defer { stars slow } } }')
  const reader = response.body!.getReader()
  let text = ''
  const read = async () => {
    const { value, done } = await reader.read()
    text += Buffer.from(value ?? []).toString()
    return done
  }
  while (!text.includes('"hasNext":true}\r\n--graphql')) await read()
  expect(text).toContain('{"data":{"product":{"id":"1","name":"name 1"}},"hasNext":true}')
  await until(() => waiting.length === 1)
  release()
  while (!(await read()));
  expect(JSON.parse(textsOf(text)[1]!)).toEqual({
    incremental: [{ data: { stars: 5, slow: 'at last' }, path: ['product'] }],
    hasNext: false,
  })
  expect(calls).toEqual(['product'])
})

test('a list has one item for each of its objects, and numbers keep their digits', async () => {
  const query = '{ products { id ... @defer(label: "L") { big stars } } }'
  const response = await post(query)
  const texts = textsOf(await response.text())
  expect(texts[1]).toContain('"big":1e+21')
  expect(texts.map((text) => JSON.parse(text))).toEqual([
    { data: { products: [{ id: '1' }, null, { id: '2' }] }, hasNext: true },
    {
      incremental: [
        { data: { big: 1e21, stars: 5 }, path: ['products', 0], label: 'L' },
        { data: { big: 1e21, stars: 5 }, path: ['products', 2], label: 'L' },
      ],
      hasNext: false,
    },
  ])
  expect(await parts(query, specs.incremental)).toEqual([
    {
      data: { products: [{ id: '1' }, null, { id: '2' }] },
      pending: [
        { id: '0', path: ['products', 0], label: 'L' },
        { id: '1', path: ['products', 2], label: 'L' },
      ],
      hasNext: true,
    },
    {
      incremental: [
        { id: '0', data: { big: 1e21, stars: 5 } },
        { id: '1', data: { big: 1e21, stars: 5 } },
      ],
      completed: [{ id: '0' }, { id: '1' }],
      hasNext: false,
    },
  ])
})

test('a large response is read by each part', async () => {
  const query = '{ product { id ... @defer { long } ... @defer { name } } }'
  const [first, one, other] = await parts(query)
  expect(first.data).toEqual({ product: { id: '1' } })
  expect(one.incremental[0].data).toEqual({ long: '1'.repeat(100_000) })
  expect(other.incremental[0].data).toEqual({ name: 'name 1' })
})

test('fragments within fragments come after them', async () => {
  const query = `{ product { id ...Outer @defer(label: "outer") } }
    fragment Outer on Product { name ... @defer(label: "inner") { stars } }`
  expect(await parts(query)).toEqual([
    { data: { product: { id: '1' } }, hasNext: true },
    {
      incremental: [{ data: { name: 'name 1' }, path: ['product'], label: 'outer' }],
      hasNext: true,
    },
    { incremental: [{ data: { stars: 5 }, path: ['product'], label: 'inner' }], hasNext: false },
  ])
})

test('a null that reaches the object of a fragment is the end of the fragment only', async () => {
  const query = '{ products { id ... @defer { rating } } }'
  const failed = { message: expect.any(String), path: ['products', 2, 'rating'] }
  const errors = [expect.objectContaining(failed)]
  expect(await parts(query)).toEqual([
    { data: { products: [{ id: '1' }, null, { id: '2' }] }, hasNext: true },
    {
      incremental: [
        { data: { rating: 4 }, path: ['products', 0] },
        { data: null, path: ['products', 2], errors },
      ],
      hasNext: false,
    },
  ])
  const [, later] = await parts(query, specs.incremental)
  expect(later).toEqual({
    incremental: [{ id: '0', data: { rating: 4 } }],
    completed: [{ id: '0' }, { id: '1', errors }],
    hasNext: false,
  })
})

test('a null that reaches an object above a fragment cancels it', async () => {
  expect(await parts('{ product { id lost ... @defer { stars } } }')).toEqual([
    { data: { product: null }, errors: [expect.anything()], hasNext: true },
    { hasNext: false },
  ])
  expect(await parts('{ one { id lost ... @defer { stars } } }', specs.incremental)).toEqual([
    { data: null, errors: [expect.anything()], hasNext: true },
    { hasNext: false },
  ])
})

test('denied fields are null in the part that they belong to', async () => {
  const [first, later] = await parts('{ product { id ... @defer { name secret } } }')
  expect(first).toEqual({ data: { product: { id: '1' } }, hasNext: true })
  expect(later).toEqual({
    incremental: [
      {
        data: { name: 'name 1', secret: null },
        path: ['product'],
        errors: [expect.objectContaining({ path: ['product', 'secret'] })],
      },
    ],
    hasNext: false,
  })
  const other = await parts('{ product { id secret ... @defer { name } } }')
  expect(other).toEqual([
    {
      data: { product: { id: '1', secret: null } },
      errors: [expect.objectContaining({ path: ['product', 'secret'] })],
      hasNext: true,
    },
    { incremental: [{ data: { name: 'name 1' }, path: ['product'] }], hasNext: false },
  ])
})

describe('sent at once', () => {
  const data = { product: { id: '1', name: 'name 1' } }
  test.each<[string, string, object]>([
    ['a fragment that is not deferred', '{ product { id ... @defer(if: false) { name } } }', {}],
    [
      'one whose variable says so',
      'query ($later: Boolean!) { product { id ... @defer(if: $later) { name } } }',
      { variables: { later: false } },
    ],
    ['one without which nothing is left', '{ product { ... @defer { id name } } }', {}],
    ['too many of them', `{ product { id ${'... @defer { name } '.repeat(21)} } }`, {}],
  ])('%s', async (_, query, more) => {
    const response = await post(query, specs.defer, more)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await response.json()).toEqual({ data })
  })

  test('a mutation, which is executed once', async () => {
    calls = []
    const response = await post('mutation { rename { id ... @defer { name } } }')
    expect(await response.json()).toEqual({ data: { rename: data.product } })
    expect(calls).toEqual(['rename'])
  })

  test('in one part for a client that accepts nothing else', async () => {
    const accept = 'multipart/mixed;deferSpec=20220824'
    expect(await parts('{ product { id name } }', accept)).toEqual([{ data, hasNext: false }])
  })
})

test('an access token that expires meanwhile ends the response', async () => {
  const exp = Math.floor(Date.now() / 1000) + 2
  const authorization = `Bearer ${await issuer.accessToken({ exp })}`
  const query = '{ product { id ... @defer { slow } } }'
  const responses = [specs.defer, specs.incremental].map((accept) =>
    parts(query, accept, {}, { authorization }),
  )
  await until(() => waiting.length === 2 && Date.now() > exp * 1000)
  release()
  const errors = [
    {
      message: 'The access token has expired: request a new one',
      extensions: { code: 'DEFERRED_RESPONSE_JWT_EXPIRED', reason: 'TOKEN_EXPIRED' },
    },
  ]
  const [one, other] = await Promise.all(responses)
  expect(one![1]).toEqual({ errors, hasNext: false })
  expect(other![1]).toEqual({ completed: [{ id: '0', errors }], hasNext: false })
})

test('a client that leaves between two parts ends the calls for the others', async () => {
  const leaving = new AbortController()
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { accept: specs.defer, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ product { id ... @defer { slow } ... @defer { stars } } }' }),
    signal: leaving.signal,
  })
  expect(response.status).toBe(200)
  await until(() => waiting.length === 1)
  const cancelled = () => gateway.log.filter((line) => line.includes('subgraph call cancelled'))
  expect(cancelled()).toEqual([])
  leaving.abort()
  const [line] = await until(() => cancelled().length > 0 && cancelled())
  expect(JSON.parse(line!)).toMatchObject({ subgraph: 'reviews' })
  release()
  // The schema version does not wait for anything of it.
  await serveField('afterLeaving')
  await until(() => gateway.log.some((line) => line.includes('serving the new supergraph')))
  const faults = gateway.log.filter((line) => (JSON.parse(line) as { level: number }).level > 40)
  expect(faults).toEqual([])
})

test('the access log has a line for the last part', async () => {
  const linesOf = async (query: string, after = async () => {}) => {
    const from = gateway.accessLog.length
    const response = await post(query)
    await after()
    await response.text()
    return until(() => {
      const lines = gateway.accessLog.slice(from).map((line) => JSON.parse(line))
      return lines.length === 2 && lines
    })
  }
  const slow = async () => {
    await until(() => waiting.length === 1)
    release()
  }
  const [begun, ended] = await linesOf('query Slow { product { id ... @defer { slow } } }', slow)
  expect(begun).toMatchObject({ operation: 'Slow', status: 200, outcome: 'ok' })
  const { requestId, hash } = begun
  const common = { operation: 'Slow', type: 'query', requestId, hash }
  expect(ended).toMatchObject({ ...common, outcome: 'ended', reason: 'completed', parts: 2 })
  const [, failed] = await linesOf('{ products { id ... @defer { rating } } }')
  expect(failed).toMatchObject({ reason: 'SUBGRAPH_ERROR', parts: 2 })
})

test('a new supergraph between two parts changes nothing of the response', async () => {
  const responses = [specs.defer, specs.incremental].map((accept) =>
    parts('{ product { id ... @defer { slow } ... @defer { stars } } }', accept),
  )
  await until(() => waiting.length === 2)
  await serveField('meanwhile')
  release()
  const [one, other] = await Promise.all(responses)
  const first = { data: { product: { id: '1' } }, hasNext: true }
  expect(one).toEqual([
    first,
    { incremental: [{ data: { slow: 'at last' }, path: ['product'] }], hasNext: true },
    { incremental: [{ data: { stars: 5 }, path: ['product'] }], hasNext: false },
  ])
  expect(other!.flatMap(({ incremental = [] }) => incremental)).toEqual([
    { id: '0', data: { slow: 'at last' } },
    { id: '1', data: { stars: 5 } },
  ])
})

/** Serves the supergraph with another field of Query; resolves when it serves. */
async function serveField(field: string): Promise<void> {
  const [products, reviews] = sources
  const sdl = products!.sdl.replace('type Query {', `type Query { ${field}: Int `)
  gateway.replaceSupergraph([{ ...products!, sdl }, reviews!])
  await until(async () => {
    const response = await post('{ __type(name: "Query") { fields { name } } }', 'application/json')
    return (await response.text()).includes(`"${field}"`)
  })
}
