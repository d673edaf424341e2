/** `npm run explain` for subscriptions: which subgraph sends the events, and what each of them causes. */
import { afterAll, expect, test } from '@jest/globals'
import { projectFolder } from '../scripts/support/project-folder.ts'
import { startProcess } from '../scripts/support/run-script.ts'
import { productsSdl, reviewsSdl } from '../streaming/live-graph.ts'
import { compose } from '../support/compose.ts'
import { runCompiled } from '../support/run-compiled.ts'

const folder = projectFolder({
  'supergraph.graphql': compose([
    { name: 'products', url: 'http://products', sdl: productsSdl },
    { name: 'reviews', url: 'http://reviews', sdl: reviewsSdl },
  ]),
  'prices.graphql': 'subscription Prices { priceChanged { price secret stars } }',
  'gateway.yaml': `authentication:
  issuers: [{ issuer: https://login.example.com, jwks_uri: https://login.example.com/keys, audiences: [portcullis], algorithms: [ES256] }]
subgraphs: { products: { deduplicate_subscriptions: true, subscription_protocol: websocket } }
claims: { subgraphs: { products: { anonymous: true }, reviews: { forward: [scope], client_headers: true } } }
`,
  'alone.yaml': `authentication:
  issuers: [{ issuer: https://login.example.com, jwks_uri: https://login.example.com/keys, audiences: [portcullis], algorithms: [ES256] }]
`,
  'stars.graphql':
    'query Stars($with: Boolean!) { me products { name stars @include(if: $with) } reviews }',
  'counter.graphql': 'subscription { counter(to: 3) }',
})
afterAll(() => folder.remove())

async function explain(operation: string, ...words: string[]) {
  const run = startProcess(
    runCompiled('scripts/explain', '--operation', operation, ...words),
    folder.path,
    {},
  )
  expect({ exitCode: await run.ended, stderr: run.stderr }).toEqual({ exitCode: 0, stderr: '' })
  return run.stdout.trim()
}

test('the subgraph that sends the events, without denied fields, and the fetches for each', async () => {
  expect(await explain('prices.graphql')).toMatch(/secret +denied[^]*Decision: reduced[^]*/)
  expect((await explain('prices.graphql')).split('Subscription: ')[1])
    .toBe(`products sends the events, and is asked for them by this operation:

subscription Prices__products__0 {
  priceChanged {
    __typename
    id
    price
  }
}

For each event, the caller is checked and authorized again, as above. Then the other fields are fetched:

from reviews, for priceChanged:

query Prices__reviews__1($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on Product {
      stars
    }
  }
}

Cost: 1
Limits: depth 2 of 200, selections 4 of 20000, tokens 10 of 10000`)
})

test('the plan of a query: what waits for what, by which key, under which condition', async () => {
  const text = (await explain('stars.graphql')).split('Plan:\n\n')[1]!
  const lines = text.split('\n').filter((line) => /:$|elements|^(Cost|Limits)/.test(line))
  expect(lines.join('\n')).toBe(`at the same time:
- 1. products:
  2. if $with is true:
       reviews, for products.@, each Product by id:
- reviews:
Cost: 10
  Query.products: 10 elements, by limits.cost.list_size
Limits: depth 2 of 200, selections 5 of 20000, tokens 26 of 10000`)
})

test('events that need nothing else', async () => {
  const { subscription } = JSON.parse(await explain('counter.graphql', '--format', 'json'))
  expect(subscription).toEqual({
    subgraph: 'products',
    protocol: null,
    operation: 'subscription{counter(to:3)}',
    fetches: [],
    sharing: null,
  })
})

test('by which protocol, and which clients share a stream and its executions', async () => {
  expect(await explain('prices.graphql', '--config', 'gateway.yaml')).toMatch(
    /products sends the events \(websocket\), .*Sharing: one stream of products .*:\n  products: nothing\n  reviews: sub, scope, address and agent of the client\n/s,
  )
  expect(await explain('prices.graphql', '--config', 'alone.yaml')).toMatch(
    /Sharing: none, each client has a stream of its own at products, /,
  )
})
