/**
 * The first request of an operation, a repeated one, and one with extensions get the same response, to
 * the byte, over real HTTP; and the reference executor responds as ours does.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { GraphQLError, parse } from 'graphql'
import { deriveClaimsKey, requireClaims, serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { SubgraphContext } from '../../subgraphs/kit/index.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'

const shopSdl = /* GraphQL */ `
  extend schema
    @link(
      url: "https://specs.apollo.dev/federation/v2.9"
      import: ["@key", "@authenticated", "@requiresScopes", "@policy"]
    )
  scalar Json
  enum Colour {
    RED
    BLUE
  }
  interface Thing {
    id: ID!
    name: String
  }
  type Book implements Thing @key(fields: "id") {
    id: ID!
    name: String
    pages: Int!
    colour: Colour
  }
  type Pen implements Thing @key(fields: "id") {
    id: ID!
    name: String
    price: Float
  }
  union Any = Book | Pen
  type Query {
    me: String
    things(first: Int = 2, colours: [Colour!]): [Thing]
    any: [Any!]!
    book(id: ID!): Book
    echo(value: Json): Json
    strict: Strict
    fail(code: String): String
    secret: String @authenticated
    salary: Int @requiresScopes(scopes: [["salary:read"]])
    beta: String @policy(policies: [["in the beta"]])
  }
  type Strict {
    never: Int!
    always: Int!
  }
  type Mutation {
    rename(name: String!): Book
    enter(password: String!): String
  }
`
const stockSdl = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query {
    weather: Int!
  }
  type Book @key(fields: "id") {
    id: ID!
    stock: Int
    shelf: String!
  }
`
const books = [
  { __typename: 'Book', id: 'b1', name: 'Sūtra "q" \u2028 \ud83d\ude00', pages: 3, colour: 'RED' },
  { __typename: 'Book', id: 'b2', name: null, pages: 9_007_199_254_740, colour: null },
]
const pen = { __typename: 'Pen', id: 'p1', name: '', price: 1e-7 }

const shop = {
  Query: {
    me: (_: unknown, __: unknown, context: SubgraphContext) => requireClaims(context).name,
    things: (_: unknown, { first }: { first: number }) => [...books, pen, null].slice(0, first),
    any: () => [pen, books[0]],
    book: (_: unknown, { id }: { id: string }) => books.find((book) => book.id === id),
    echo: (_: unknown, { value }: { value: unknown }) => value,
    strict: () => ({ always: 1, never: null }),
    fail: (_: unknown, { code = 'TEAPOT' }: { code?: string }) => {
      throw new GraphQLError('password=hunter2', { extensions: { code } })
    },
    secret: () => 'hush',
    salary: () => 7,
    beta: () => 'new',
  },
  Mutation: {
    rename: (_: unknown, { name }: { name: string }) => ({ ...books[0], name }),
    enter(_: unknown, { password }: { password: string }) {
      if (password !== 'busy') return 'in'
      throw new GraphQLError('queue full', { extensions: { code: 'SERVICE_UNAVAILABLE' } })
    },
  },
}

let issuer: TestIssuer
let subgraph: RunningProcess
let stock: Server
const gateways = new Map<string, RunningGateway>()

/** A subgraph in plain node:http: it has b1 in stock, knows no other book, and wants to set cookies. */
function stockSubgraph(): Promise<Server> {
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { variables, query } = JSON.parse(text)
    const entities = variables?.representations?.map(({ id }: { id: string }) =>
      id === 'b1' ? { __typename: 'Book', stock: 5, shelf: 'A' } : null,
    )
    response.setHeader('content-type', 'application/json')
    response.setHeader('set-cookie', ['basket=1; Path=/; HttpOnly', 'tracking=7'])
    const isEntities = query.includes('_entities')
    const seen = request.headers.cookie ? { weather: request.headers.cookie.length } : {}
    const data = isEntities ? { _entities: entities } : { weather: 20, a: 20, b: 20, ...seen }
    response.end(JSON.stringify({ data }))
  })
  return new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(server)))
}

beforeAll(async () => {
  issuer = await startIssuer()
  stock = await stockSubgraph()
  subgraph = await serveSubgraph({
    name: 'shop',
    typeDefs: parse(shopSdl),
    resolvers: { ...shop, Thing: {}, Any: {} },
    keys: [deriveClaimsKey(gatewaySecret, 'shop')],
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
    log: recordedLog().log,
  })
  const stockUrl = `http://127.0.0.1:${(stock.address() as AddressInfo).port}/`
  const config = (engine: string, more = '') => `engine: ${engine}
authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
claims: { subgraphs: { stock: { cookies: [basket] } } }
limits: { credential_fields: [Mutation.enter] }
authorization:
  ${more}
  policies: { file: '${fileURLToPath(new URL('policies.mjs', import.meta.url))}' }
`
  const start = async (name: string, text: string, url = stockUrl) => {
    const subgraphs = [
      { name: 'shop', url: subgraph.url, sdl: shopSdl },
      { name: 'stock', url, sdl: stockSdl },
    ]
    gateways.set(name, await runGateway(subgraphs, text))
  }
  await start('native', config('native'))
  await start('apollo', config('apollo'))
  await start('stock is down', config('native'), 'http://127.0.0.1:9/')
  await start('dry run', config('native', 'mode: dry_run'))
  await start('extensions', config('native', 'errors: extensions'))
})

afterAll(async () => {
  await Promise.all([...gateways.values()].map((gateway) => gateway.close()))
  await subgraph?.close()
  stock?.closeAllConnections()
  stock?.close()
  await issuer?.close()
})

interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  text: string
}

/** Sends with node:http: every header as it came, the body as bytes. */
function post(gateway: string, body: object, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(gateways.get(gateway)!.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    })
    sent.on('error', reject).on('response', async (response) => {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      const { date: _date, 'x-request-id': _id, ...rest } = response.headers
      resolve({ status: response.statusCode, headers: rest, text })
    })
    sent.end(JSON.stringify(body))
  })
}

interface Case {
  body: { query: string; variables?: unknown; operationName?: unknown }
  headers?: Record<string, string>
  /** Scopes of the caller; anonymous without. */
  scope?: string
  gateway?: string
}

const thingFields =
  'fragment F on Thing { id name ... on Book { pages colour } ... on Pen { price } }'
const graphqlResponse = { accept: 'application/graphql-response+json' }

const cases: Record<string, Case> = {
  'a field': { body: { query: '{ weather }' } },
  'two hops': { body: { query: '{ book(id: "b1") { id name stock shelf } }' } },
  'an entity that the other subgraph does not know': {
    body: { query: '{ book(id: "b2") { id stock } }' },
  },
  'a null where none may be, from an unknown entity': {
    body: { query: '{ book(id: "b2") { id shelf } weather }' },
  },
  'null bubbling from a field error': { body: { query: '{ strict { always never } weather }' } },
  'text of every kind, fragments, types': {
    body: {
      query: `{ things(first: 4) { __typename ...F } any { ... on Pen { id } } } ${thingFields}`,
    },
  },
  'aliases, one field twice': {
    body: { query: '{ a: weather b: weather weather book(id: "b1") { n: name } }' },
  },
  'a query with a known caller': { body: { query: '{ me secret }' }, scope: 'profile' },
  variables: {
    body: {
      query: 'query ($id: ID!, $n: Int = 1) { book(id: $id) { id } things(first: $n) { id } }',
      variables: { id: 'b1' },
    },
  },
  'a number as an ID': {
    body: { query: 'query ($id: ID!) { book(id: $id) { id } }', variables: { id: 7 } },
  },
  'variables that nobody declared': {
    body: { query: 'query ($id: ID!) { book(id: $id) { id } }', variables: { id: 'b2', x: 1 } },
  },
  'variables: null': { body: { query: '{ weather }', variables: null } },
  'a JSON scalar with everything in it': {
    body: {
      query: 'query ($v: Json) { echo(value: $v) }',
      variables: {
        v: { b: [1, 2.5, -0, 1e21, 1e-9, null, 'é\u2028\ud800'], a: { '': true, 2: 1, 1: 2 } },
      },
    },
  },
  'an enum list': {
    body: {
      query: 'query ($c: [Colour!]) { things(colours: $c) { id } }',
      variables: { c: 'RED' },
    },
  },
  '@skip and @include': {
    body: {
      query: `query ($y: Boolean!, $n: Boolean = false) {
        weather @skip(if: $y) book(id: "b1") @include(if: $y) { id name @skip(if: $n) stock @include(if: $n) }
      }`,
      variables: { y: true },
    },
  },
  'everything skipped': {
    body: { query: 'query ($y: Boolean!) { weather @skip(if: $y) }', variables: { y: true } },
  },
  'a variable of the wrong type': {
    body: { query: 'query ($id: ID!) { book(id: $id) { id } }', variables: { id: [1] } },
  },
  'a variable that is missing': { body: { query: 'query ($id: ID!) { book(id: $id) { id } }' } },
  'an enum value that does not exist': {
    body: {
      query: 'query ($c: [Colour!]) { things(colours: $c) { id } }',
      variables: { c: ['GREEN'] },
    },
    headers: graphqlResponse,
  },
  'operationName: null': { body: { query: 'query A { weather }', operationName: null } },
  'an empty operationName': {
    body: { query: 'query A { weather }', operationName: '' },
  },
  'one of two operations': {
    body: { query: 'query A { weather } query B { me }', operationName: 'A' },
  },
  'an operation that does not exist': {
    body: { query: 'query A { weather } query B { me }', operationName: 'C' },
  },
  'none of two operations named': {
    body: { query: 'query A { weather } query B { me }' },
  },
  'a field error, redacted': { body: { query: '{ fail weather }' } },
  'a field error and nothing else': { body: { query: '{ fail }' }, headers: graphqlResponse },
  'an anonymous caller where the subgraph wants a known one': { body: { query: '{ me weather }' } },
  'a denied field': { body: { query: '{ secret weather }' } },
  'nothing but a denied field': {
    body: { query: '{ secret }' },
    headers: graphqlResponse,
  },
  'a missing scope': {
    body: { query: '{ salary }' },
    scope: 'profile',
    headers: graphqlResponse,
  },
  'the scope that it takes': { body: { query: '{ salary me }' }, scope: 'salary:read profile' },
  'a denied field in a dry run': {
    body: { query: '{ secret weather }' },
    gateway: 'dry run',
  },
  'a denied field told in extensions': {
    body: { query: '{ secret weather }' },
    gateway: 'extensions',
  },
  'a policy': { body: { query: '{ beta }' }, scope: 'profile' },
  introspection: { body: { query: '{ __schema { queryType { name } } weather }' } },
  __typename: { body: { query: '{ __typename }' } },
  'a mutation': { body: { query: 'mutation { rename(name: "new") { name stock } }' } },
  'two mutations': {
    body: { query: 'mutation { a: rename(name: "a") { name } b: rename(name: "b") { name } }' },
  },
  'nothing but "try again"': { body: { query: 'mutation { enter(password: "busy") }' } },
  'two credential fields': {
    body: { query: 'mutation { a: enter(password: "x") b: enter(password: "y") }' },
  },
  'a subgraph that is down': {
    body: { query: '{ book(id: "b1") { id stock } }' },
    gateway: 'stock is down',
  },
  'a subgraph that is down, and no data': {
    body: { query: '{ weather }' },
    gateway: 'stock is down',
    headers: graphqlResponse,
  },
  'the new media type': { body: { query: '{ weather }' }, headers: graphqlResponse },
  'a list of media types': {
    body: { query: '{ weather }' },
    headers: {
      accept: 'text/html, application/graphql-response+json;q=0.9, application/json;q=0.8',
    },
  },
  'a media type that we do not have': {
    body: { query: '{ weather }' },
    headers: { accept: 'text/html' },
  },
  'an Accept header of nonsense': {
    body: { query: '{ weather }' },
    headers: { accept: ';;' },
  },
  'a cookie for the subgraph that gets it': {
    body: { query: '{ weather }' },
    headers: { cookie: 'other=1; basket=abc; basket2=2' },
  },
  'a syntax error': { body: { query: '{ weather' } },
  'an unknown field': { body: { query: '{ wether }' } },
  'white space and comments': { body: { query: '\ufeff#x\n{ , weather\t}\r\n' } },
}

async function headersOf({ headers = {}, scope }: Case): Promise<Record<string, string>> {
  if (scope === undefined) return headers
  return { ...headers, authorization: `Bearer ${await issuer.accessToken({ scope })}` }
}

describe('the first request, a repeated one and one with extensions get the same bytes', () => {
  test.each(Object.entries(cases))('%s', async (_name, each) => {
    const { body, gateway = 'native' } = each
    const headers = await headersOf(each)
    const first = await post(gateway, body, headers)
    const second = await post(gateway, body, headers)
    const withExtensions = await post(gateway, { ...body, extensions: {} }, headers)

    expect(second).toEqual(first)
    expect(withExtensions).toEqual(first)
    expect(first.text).not.toMatch(/hunter2|stack|node_modules/)
    expect(first.text).toMatch(/^\{[^]*\}\n$/)
  })
})

describe('the reference executor responds as ours does', () => {
  const compared = Object.entries(cases).filter(
    ([, { gateway = 'native' }]) => gateway === 'native',
  )
  test.each(compared)('%s', async (_name, each) => {
    const headers = await headersOf(each)
    const [native, apollo] = await Promise.all(
      ['native', 'apollo'].map((gateway) => post(gateway, each.body, headers)),
    )
    expect(native).toEqual(apollo)
  })
})

test('the cookies of a subgraph reach the client where it may set them, and no others', async () => {
  const { headers } = await post('native', { query: '{ weather }' }, {})
  expect(headers['set-cookie']).toEqual(['basket=1; Path=/; HttpOnly'])
  const shopOnly = await post('native', { query: '{ any { __typename } }' }, {})
  expect(shopOnly.headers['set-cookie']).toBeUndefined()
})

test('a subgraph gets the cookies that it is configured to have, and no others', async () => {
  const cookie = 'other=1; basket=abc; basket2=2'
  const { text } = await post('native', { query: '{ weather }' }, { cookie })
  expect(JSON.parse(text).data.weather).toBe('basket=abc'.length)
})
