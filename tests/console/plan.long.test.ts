/** How operations are explained: their plan, the requests that were sent, their cost and limits; and the page that draws it. */
import { writeFileSync } from 'node:fs'
import { EventEmitter, on } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient } from 'graphql-ws'
import { parse } from 'graphql'
import type { Browser, Page } from 'playwright-core'
import WebSocket from 'ws'
import { deriveClaimsKey, serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { browserPath, noBrowser, startBrowser } from '../support/browser.ts'
import { compose } from '../support/compose.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startIssuer } from '../support/issuer.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { gatewaySecret } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import { accessibilityFindings, keepPicture, openPage, writeOperation } from './opened-page.ts'

const link = (...names: string[]) =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ${JSON.stringify(names)})`

const schemas = {
  catalog: `${link('@key', '@listSize')}
    type Query {
      products(first: Int = 3): [Product!]! @listSize(slicingArguments: ["first"])
      tags: [String!]
    }
    type Mutation { rename(id: ID!, name: String!): Product }
    type Subscription { priceChanged: Product }
    type Product @key(fields: "id") { id: ID! name: String price: Int weight: Int }`,
  inventory: `${link('@key', '@requires', '@external')}
    type Product @key(fields: "id") {
      id: ID!
      price: Int @external
      weight: Int @external
      inStock: Boolean
      shipping: Int @requires(fields: "price weight")
    }`,
  reviews: `${link('@key')}
    type Query { newest: [Review!]! }
    type Product @key(fields: "id") { id: ID! rating: Int reviews: [Review!]! }
    type Review { text: String author: Person! }
    type Person @key(fields: "login") { login: ID! }`,
  people: `${link('@key', '@requiresScopes')}
    type Query { me: Person }
    type Person @key(fields: "login") {
      login: ID!
      name: String
      age: Int
      email: String @requiresScopes(scopes: [["email"]])
    }`,
}

const product = (id: string) => ({ id, name: `Product ${id}`, price: 10, weight: 2 })
const review = { text: 'Good', author: { login: 'ann' } }
const prices = new EventEmitter()
const called: string[] = []

const resolvers = {
  catalog: {
    Query: {
      products: (_: unknown, { first }: { first: number }) =>
        Array.from({ length: Math.min(first, 2) }, (_, at) => product(String(at + 1))),
      tags: () => ['one'],
    },
    Mutation: {
      rename(_: unknown, { id }: { id: string }) {
        called.push('rename')
        return product(id)
      },
    },
    Product: { __resolveReference: ({ id }: { id: string }) => product(id) },
  },
  inventory: {
    Product: {
      __resolveReference: (reference: object) => reference,
      inStock: () => true,
      shipping: ({ price, weight }: { price: number; weight: number }) => price * weight,
    },
  },
  reviews: {
    Query: { newest: () => [review] },
    Product: {
      __resolveReference: (reference: object) => reference,
      rating: () => 5,
      reviews: () => [review],
    },
  },
  people: {
    Query: { me: () => ({ login: 'ann' }) },
    Person: {
      __resolveReference: (reference: object) => reference,
      name: ({ login }: { login: string }) => login.toUpperCase(),
      age: () => 40,
      email: () => 'ann@example.com',
    },
  },
}
type Name = keyof typeof schemas

const limits = `
limits:
  aliases: 30
  root_fields: 1
  measure: [root_fields]
  cost: { max: 500, by_scope: { partner: 5000 } }
`

const folder = scratchFolder()
const subgraphs: RunningProcess[] = []
const gateways = new Map<'development' | 'production', GatewayProcess>()
let issuer: Awaited<ReturnType<typeof startIssuer>>

beforeAll(async () => {
  issuer = await startIssuer()
  const { log } = recordedLog()
  for (const name of Object.keys(schemas) as Name[]) {
    subgraphs.push(
      await serveSubgraph({
        name,
        typeDefs: parse(schemas[name]),
        resolvers: resolvers[name],
        keys: [deriveClaimsKey(gatewaySecret, name)],
        ...(name === 'catalog' && {
          subscriptions: {
            async *priceChanged(_parent, _args, { signal }) {
              for await (const [changed] of on(prices, 'price', { signal })) yield changed
            },
          },
        }),
        host: '127.0.0.1',
        port: 0,
        portSetting: 'PORT',
        log,
      }),
    )
  }
  const supergraph = join(folder, 'supergraph.graphql')
  const sources = (Object.keys(schemas) as Name[]).map((name, at) => ({
    name,
    url: subgraphs[at]!.url,
    sdl: schemas[name],
  }))
  writeFileSync(supergraph, compose(sources))
  const config = `
authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
authorization: { explain_scope: explain }
${limits}`
  const environments = { development: {}, production: { NODE_ENV: 'production' } }
  await Promise.all(
    Object.entries(environments).map(async ([name, environment]) => {
      const secrets = { GATEWAY_SECRET: gatewaySecret, DATA_DIR: folder }
      const options = { folder, config, supergraph, environment: { ...secrets, ...environment } }
      gateways.set(name as keyof typeof environments, await startGatewayProcess(options))
    }),
  )
})
afterAll(async () => {
  for (const { child } of gateways.values()) child.kill('SIGTERM')
  await Promise.all([...gateways.values()].map(({ ended }) => ended))
  await Promise.all(subgraphs.map((subgraph) => subgraph.close()))
  await issuer?.close()
})

const origin = (name: 'development' | 'production' = 'development') => gateways.get(name)!.origin

async function post(
  body: object,
  { at = 'development', token, accept = 'application/graphql-response+json' }: PostOptions = {},
) {
  const response = await fetch(`${origin(at)}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

interface PostOptions {
  readonly at?: 'development' | 'production'
  readonly token?: string
  readonly accept?: string
}

async function extensionsOf(body: object, options?: PostOptions): Promise<Record<string, any>> {
  const { status, text } = await post(body, options)
  expect(status).toBe(200)
  return (JSON.parse(text) as { extensions?: Record<string, any> }).extensions ?? {}
}

const shop = `
  query Shop($reviews: Boolean!) {
    products(first: 3) {
      name
      inStock
      reviews @include(if: $reviews) { text author { name email } }
    }
  }`

/** People are at two places of it. */
const batching = '{ products { reviews { author { name } } } newest { text author { age } } }'

const later = `
  query Later {
    products {
      name
      ... @defer(label: "shipping") { shipping }
      ... @defer(label: "reviews") { reviews { author { name } } }
    }
  }`

describe('a plan', () => {
  test('has the order of the requests, what each finds by which key, and the conditions', async () => {
    const { plan, fetches } = await extensionsOf({
      query: shop,
      variables: { reviews: true },
      extensions: { plan: true, fetches: true },
    })
    expect(plan.deferred).toEqual([])
    const [root, rest] = plan.steps.steps
    expect(plan.steps.kind).toBe('Sequence')
    expect(root).toMatchObject({
      kind: 'Fetch',
      subgraph: 'catalog',
      operationKind: 'query',
      path: [],
      representations: [],
      variables: [],
    })
    expect(rest.kind).toBe('Parallel')
    const stock = rest.steps.find(({ subgraph }: { subgraph?: string }) => subgraph === 'inventory')
    expect(stock).toMatchObject({
      path: ['products', '@'],
      representations: [{ type: 'Product', fields: 'id' }],
    })
    const conditional = rest.steps.find(({ kind }: { kind: string }) => kind === 'Condition')
    expect(conditional).toMatchObject({ variable: 'reviews', otherwise: null })
    expect(conditional.then).toMatchObject({
      kind: 'Sequence',
      steps: [
        { subgraph: 'reviews', path: ['products', '@'] },
        {
          subgraph: 'people',
          path: ['products', '@', 'reviews', '@', 'author'],
          representations: [{ type: 'Person', fields: 'login' }],
        },
      ],
    })
    // What was denied is in no step.
    expect(JSON.stringify(plan)).not.toContain('email')
    const sent = fetches.map(({ subgraph, query }: any) => `${subgraph} ${query}`)
    const planned = [root, stock, ...conditional.then.steps]
    expect(planned.map(({ subgraph, operation }) => `${subgraph} ${operation}`).sort()).toEqual(
      sent.sort(),
    )
  })

  test('names what a field requires of other subgraphs, and what is fetched in one request', async () => {
    const { plan } = await extensionsOf({
      query: '{ products { shipping } }',
      extensions: { plan: true },
    })
    expect(plan.steps.steps[1]).toMatchObject({
      subgraph: 'inventory',
      representations: [{ type: 'Product', fields: 'id price weight' }],
      isBatched: false,
    })
    const batched = await extensionsOf({
      query: batching,
      extensions: { plan: true, fetches: true },
    })
    expect(batched['plan'].steps.steps.at(-1)).toMatchObject({
      kind: 'Parallel',
      steps: [
        { subgraph: 'people', isBatched: true },
        { subgraph: 'people', isBatched: true },
      ],
    })
    expect(batched['fetches']).toHaveLength(4)
  })

  test('is made without execution for `"plan": "only"`', async () => {
    called.length = 0
    const query = 'mutation { rename(id: 1, name: "x") { name rating } }'
    const { status, text } = await post({ query, extensions: { plan: 'only', fetches: true } })
    expect(status).toBe(200)
    const { data, errors, extensions } = JSON.parse(text) as Record<string, any>
    expect({ data, errors }).toEqual({ data: null, errors: undefined })
    expect(extensions.plan.steps.steps).toMatchObject([
      { subgraph: 'catalog', operationKind: 'mutation' },
      { subgraph: 'reviews', operationKind: 'query' },
    ])
    expect(called).toEqual([])
    const subscription = { query: 'subscription { priceChanged { name rating } }' }
    const planned = await extensionsOf({ ...subscription, extensions: { plan: 'only' } })
    expect(planned['plan'].steps.steps).toMatchObject([
      { subgraph: 'catalog', operationKind: 'subscription' },
      { subgraph: 'reviews', operationKind: 'query' },
    ])
  })

  test('of an operation of which nothing is left has no steps', async () => {
    const query = '{ me { email } }'
    const { extensions } = JSON.parse(
      (await post({ query, extensions: { plan: 'only' } })).text,
    ) as Record<string, any>
    expect(JSON.stringify(extensions.plan)).not.toContain('email')
  })

  test('has the fragments that are sent later, for clients that accept parts', async () => {
    const accept = 'multipart/mixed;deferSpec=20220824, application/json'
    const body = { query: later, extensions: { plan: 'only' } }
    const { plan } = await extensionsOf(body, { accept })
    expect(plan.steps).toMatchObject({ kind: 'Fetch', subgraph: 'catalog' })
    expect(plan.deferred).toMatchObject([
      { label: 'shipping', path: ['products'], steps: { kind: 'Sequence' } },
      { label: 'reviews', path: ['products'], steps: { kind: 'Sequence' } },
    ])
    expect((await extensionsOf(body))['plan'].deferred).toEqual([])
    const { text } = await post(
      { query: later, extensions: { plan: true, fetches: true, authorization: true } },
      { accept },
    )
    const parts = text
      .split('\r\n--graphql')
      .flatMap((part) => part.split('\r\n\r\n')[1] ?? [])
      .map((part) => JSON.parse(part) as Record<string, any>)
    const [first, ...more] = parts.map(({ extensions }) => extensions)
    expect(first.plan).toEqual(plan)
    expect(first.authorization.map(({ coordinate }: any) => coordinate)).toContain(
      'Product.shipping',
    )
    const names = ({ fetches }: any) => fetches.map(({ subgraph }: any) => subgraph)
    expect(names(first)).toEqual(['catalog'])
    expect(more.map(names).flat().sort()).toEqual(['inventory', 'people', 'reviews'])
    expect(more.every(({ authorization, plan }) => !authorization && !plan)).toBe(true)
    for (const { fetches } of more) {
      expect(fetches[0]).toMatchObject({ outcome: 'answered', claimsHeader: { claims: null } })
      expect(fetches[0].start).toBeGreaterThan(0)
    }
  })

  test('is explained in production to callers with the scope alone', async () => {
    const at = 'production'
    const [token, other] = await Promise.all(
      ['explain', 'other'].map((scope) => issuer.accessToken({ scope })),
    )
    const body = { query: '{ tags }', extensions: { plan: true, limits: true, fetches: true } }
    expect(Object.keys(await extensionsOf(body, { at, token: token! }))).toEqual([
      'plan',
      'limits',
      'fetches',
    ])
    expect(await extensionsOf(body, { at, token: other! })).toEqual({})
    expect(await extensionsOf(body, { at })).toEqual({})
    const only = { query: '{ tags }', extensions: { plan: 'only' } }
    const refused = await post(only, { at, token: other! })
    expect(refused.status).toBe(403)
    expect(refused.text).toContain('send the operation without `extensions.plan`')
    expect((await post(only, { at })).status).toBe(401)
  })
})

describe('the requests of a subscription', () => {
  test('are listed with each event', async () => {
    const client = createClient({
      url: `${origin().replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
    })
    const events: Record<string, any>[] = []
    client.subscribe(
      {
        query: 'subscription { priceChanged { price rating } }',
        extensions: { fetches: true, authorization: true },
      },
      { next: (event) => void events.push(event), error() {}, complete() {} },
    )
    await until(() => prices.listenerCount('price') === 1)
    prices.emit('price', product('1'))
    await until(() => events.length === 1)
    prices.emit('price', product('2'))
    await until(() => events.length === 2)
    for (const [at, { data, extensions }] of events.entries()) {
      expect(data).toEqual({ priceChanged: { price: 10, rating: 5 } })
      expect(extensions.fetches).toMatchObject([
        {
          subgraph: 'reviews',
          start: 0,
          outcome: 'answered',
          variables: { representations: [{ __typename: 'Product', id: String(at + 1) }] },
          claimsHeader: { aud: 'reviews', claims: null },
        },
      ])
      expect(extensions.authorization).toHaveLength(3)
    }
    await client.dispose()
  })
})

describe('limits', () => {
  test('are explained with what the operation has of each, and its cost', async () => {
    const query = 'query A($n: Int) { a: products(first: $n) { name reviews { text } } tags }'
    const variables = { n: 4 }
    const { limits } = await extensionsOf({ query, variables, extensions: { limits: true } })
    const of = (name: string) => limits.operation.find(({ limit }: any) => limit === name)
    expect(of('aliases')).toEqual({ limit: 'aliases', value: 1, max: 30, mode: 'enforce' })
    expect(of('root_fields')).toEqual({ limit: 'root_fields', value: 2, max: 1, mode: 'measure' })
    expect(of('depth')).toEqual({ limit: 'depth', value: 3, max: 200, mode: 'enforce' })
    expect(of('directives')).toEqual({ limit: 'directives', value: 0, max: null, mode: null })
    expect(of('tokens')).toMatchObject({ value: 27, max: 10_000 })
    expect(of('variables_size')).toMatchObject({ value: 7, max: null })
    expect(limits.cost).toEqual({
      // 4 products with 10 reviews each; really 2 with 1.
      estimated: 44,
      actual: 4,
      max: 500,
      mode: 'enforce',
      lists: [
        { coordinate: 'Query.products', length: 4, by: 'schema' },
        { coordinate: 'Product.reviews', length: 10, by: 'setting' },
        { coordinate: 'Query.tags', length: 10, by: 'setting' },
      ],
    })
    const token = await issuer.accessToken({ scope: 'partner' })
    const body = { query, variables, extensions: { limits: true, plan: 'only' } }
    const planned = await extensionsOf(body, { token })
    expect(planned['limits'].cost).toMatchObject({ estimated: 44, actual: null, max: 5000 })
  })
})

if (browserPath === undefined) console.log(noBrowser)
const describeInBrowser = browserPath === undefined ? describe.skip : describe

describeInBrowser('the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterAll(() => browser?.close())

  const sizes = [
    { name: 'wide', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
    { name: 'narrow', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  ] as const

  async function openPlan(query: string, options: (typeof sizes)[number]) {
    const opened = await openPage(browser, `${origin()}/`, options)
    const { page } = opened
    await page.setViewportSize(options.viewport)
    await writeOperation(page, query)
    await page.getByRole('tab', { name: 'Plan' }).click()
    return opened
  }

  /** By how much the page is wider than its window, in pixels. */
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
  const panel = (page: Page) => page.getByRole('tabpanel', { name: 'Plan' })

  test.each(sizes)('draws a plan before and after the run: $name', async (size) => {
    const { page, complaints, close } = await openPlan(shop, size)
    await page.getByLabel('Variables, as JSON').fill('{ "reviews": true }')
    await page.getByRole('button', { name: 'Plan without running' }).click()
    const drawing = panel(page).locator('figure')
    await drawing.getByText('4 steps, 4 subgraphs').waitFor()
    await page.getByText('planned, not run').waitFor()
    await drawing.getByText('finds each Person by login').waitFor()
    await drawing.getByText('If $reviews is true').waitFor()
    expect(await drawing.getByText('responded in').count()).toBe(0)
    expect(await panel(page).getByText('Requests that were sent').count()).toBe(0)
    const measured = panel(page).getByRole('row', { name: /^root fields/ })
    expect(await measured.textContent()).toBe('root fields11 (only reported)')
    expect(await accessibilityFindings(page)).toEqual([])
    await keepPicture(page, `plan-before-${size.name}`)

    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await drawing.getByText('responded in').nth(3).waitFor()
    await drawing.locator('summary', { hasText: 'Request to people' }).click()
    const header = page.getByRole('region', { name: 'Claims header of step 3 for people' })
    expect(await header.textContent()).toContain('"aud": "people"')
    const operation = page.getByRole('region', { name: 'Operation of step 3 for people' })
    expect(await operation.textContent()).toContain('... on Person {\n')
    expect(await accessibilityFindings(page)).toEqual([])
    expect(await page.evaluate(overflow)).toBe(0)
    await keepPicture(page, `plan-after-${size.name}`)
    expect(complaints).toEqual([])
    await close()
  })

  test.each(sizes)('draws what is sent later: $name', async (size) => {
    const { page, complaints, close } = await openPlan(later, size)
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    const shipping = panel(page).getByRole('region', { name: 'Sent later: shipping' })
    await shipping.getByText('finds each Product by id price weight').waitFor()
    await shipping.getByText('as above, not sent again').first().waitFor()
    await panel(page).locator('.steps').getByText('people responded in').waitFor()
    expect(await page.locator('.cm-lintRange').count()).toBe(0)
    expect(await page.evaluate(overflow)).toBe(0)
    expect(await accessibilityFindings(page)).toEqual([])
    await keepPicture(page, `plan-later-${size.name}`)
    expect(complaints).toEqual([])
    await close()
  })

  test('plans again for another identity, and shows nobody a step for what is denied', async () => {
    const { page, complaints, close } = await openPlan('{ me { email } }', sizes[0])
    await page.getByRole('button', { name: 'Plan without running' }).click()
    await page.getByText('denied: needs a token, and the scope email').waitFor()
    expect(await panel(page).locator('figure').textContent()).not.toContain('email')

    await page.locator('summary', { hasText: 'Use a token' }).click()
    await page.getByLabel('Token or key').fill(await issuer.accessToken({ scope: 'email' }))
    await page.getByRole('button', { name: 'Use it' }).click()
    await page.getByText(/^token of .*: planned, not run/).waitFor()
    await panel(page).locator('summary', { hasText: 'Request to people' }).click()
    const operation = page.getByRole('region', { name: 'Operation of step 1 for people' })
    expect(await operation.textContent()).toContain('email')
    expect(await panel(page).getByText('Requests that were sent').count()).toBe(0)
    expect(complaints).toEqual([])
    await close()
  })

  test('draws a request for several steps', async () => {
    const { page, complaints, close } = await openPlan(batching, sizes[0])
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    const together = panel(page).getByText('In one request with the steps beside it to people.')
    await until(async () => (await together.count()) === 2)
    await panel(page).getByText('for step 4 and 5').waitFor()
    expect(await panel(page).getByText('Not sent.').count()).toBe(0)
    await panel(page).locator('.steps summary', { hasText: 'Request to people' }).click()
    const operation = page.getByRole('region', { name: 'Operation of request 4 to people' })
    expect((await operation.textContent())!.match(/_entities/g)).toHaveLength(2)
    expect(await accessibilityFindings(page)).toEqual([])
    await keepPicture(page, 'plan-batched')
    expect(complaints).toEqual([])
    await close()
  })

  test('shows the requests of each event as it comes', async () => {
    const query = 'subscription { priceChanged { name rating } }'
    const { page, complaints, close } = await openPlan(query, sizes[0])
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await panel(page).getByText('sends the events').waitFor()
    await until(() => prices.listenerCount('price') === 1)
    prices.emit('price', product('1'))
    const step = panel(page).locator('.fetch', { hasText: 'reviews' })
    await step.getByText('responded in').waitFor()
    prices.emit('price', product('2'))
    const events = panel(page).getByLabel('What is sent for')
    await until(async () => (await events.locator('option').count()) === 2)
    await step.locator('summary').click()
    const variables = page.getByRole('region', { name: 'Variables of step 2 for reviews' })
    await variables.getByText('"id": "2"').waitFor()
    await events.selectOption('the last event but 1')
    await variables.getByText('"id": "1"').waitFor()
    expect(await accessibilityFindings(page)).toEqual([])
    await keepPicture(page, 'plan-of-events')
    await page.getByRole('button', { name: 'Stop' }).click()
    expect(complaints).toEqual([])
    await close()
  })
})
