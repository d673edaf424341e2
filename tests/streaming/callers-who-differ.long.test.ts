/** Whatever is shared: no caller gets what another one would. Random callers, operations, variables and aliases. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { randomNumbers } from '../engine/random-operation.ts'
import { until } from '../support/until.ts'
import { openLiveGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'
import { openListeners } from './open-listeners.ts'

let graph: LiveGraph
beforeAll(async () => {
  graph = await openLiveGraph(`
subgraphs: { products: { deduplicate_subscriptions: true } }
subscriptions: { connections_per_caller: 100 }
claims: { forward: [sub, tenant], subgraphs: { products: { forward: [] }, reviews: { forward: [tenant] } } }
metrics: { port: 0 }
`)
})
afterAll(() => graph.close())

type Random = () => number

const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.floor(random() * values.length)]!

interface RandomCaller {
  readonly authorization: string | undefined
  /** What each subgraph gets of its claims; null: it is anonymous. */
  readonly products: object | null
  readonly reviews: object | null
  readonly maySeeSecrets: boolean
}

async function randomCaller(random: Random): Promise<RandomCaller> {
  if (random() < 0.3) {
    return { authorization: undefined, products: null, reviews: null, maySeeSecrets: false }
  }
  const sub = pick(random, ['1', '2'])
  const tenant = pick(random, ['a', 'b'])
  const maySeeSecrets = random() < 0.5
  const scope = maySeeSecrets ? 'profile secrets' : 'profile'
  const jti = `${random()}`
  return {
    authorization: await graph.authorization({ sub, tenant, scope, jti, sid: jti }),
    products: { sub },
    reviews: { sub, tenant },
    maySeeSecrets,
  }
}

const fields = ['id', 'price', 'secret', 'viewer', 'stars', 'reader', 'audience']

interface RandomSubscription {
  readonly root: string
  readonly selections: readonly { name: string; field: string; isConditional: boolean }[]
  readonly query: string
  readonly variables: { readonly id?: string; readonly more: boolean }
}

function randomSubscription(random: Random): RandomSubscription {
  const root = pick(random, ['priceChanged', 'changed', 'id'])
  const selections = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, number) => {
    const field = pick(random, fields)
    const name = pick(random, [`f${number}`, `${pick(random, fields)}${number}`])
    return { name, field, isConditional: random() < 0.3 }
  })
  const id = pick(random, ['1', '2', undefined])
  const variables = { ...(id ? { id } : {}), more: random() < 0.5 }
  return subscriptionOf({ root, selections, variables })
}

function subscriptionOf(given: Omit<RandomSubscription, 'query'>): RandomSubscription {
  const { root, selections } = given
  const texts = selections.map(
    ({ name, field, isConditional }) =>
      `${name}: ${field}${isConditional ? ' @include(if: $more)' : ''}`,
  )
  const query = `subscription($id: ID, $more: Boolean = false) {
    ${root}: priceChanged(id: $id) { sure: id sometimes: stars @include(if: $more) ${texts.join(' ')} }
  }`
  return { ...given, query }
}

/** What is left of it for a caller without the scope: with its own selection, it has the same plan. */
function withoutSecrets(subscription: RandomSubscription): RandomSubscription {
  const selections = subscription.selections.filter(({ field }) => field !== 'secret')
  return subscriptionOf({ ...subscription, selections })
}

/** With the same operation and other variables. */
function withOther({ variables: { more, ...others }, ...same }: RandomSubscription) {
  return { ...same, variables: { ...others, more: !more } }
}

/** Returns the response to an event, as this caller alone would get it; undefined if it is not for it. */
function expected(
  { root, selections, variables }: RandomSubscription,
  { products, reviews, maySeeSecrets }: RandomCaller,
  { id, price }: { id: string; price: number },
): { data: object; denied: string[] } | undefined {
  if (variables.id !== undefined && variables.id !== id) return undefined
  const values: Record<string, unknown> = {
    id,
    price,
    secret: maySeeSecrets ? 'hidden' : null,
    viewer: JSON.stringify(products),
    stars: 5,
    reader: (reviews as { sub: string } | null)?.sub ?? null,
    audience: JSON.stringify(reviews),
  }
  const included = selections.filter(({ isConditional }) => !isConditional || variables.more)
  const product = {
    sure: id,
    ...Object.fromEntries(included.map(({ name, field }) => [name, values[field]])),
    ...(variables.more ? { sometimes: 5 } : {}),
  }
  const denied = included.filter(({ field }) => field === 'secret' && !maySeeSecrets)
  return { data: { [root]: product }, denied: denied.map(({ name }) => `${root}.${name}`).sort() }
}

test.each([1, 2, 3])('no event crosses between callers, seed %s', async (seed) => {
  const random = randomNumbers(seed)
  const kinds = Array.from({ length: 3 }, () => randomSubscription(random)).flatMap((kind) => [
    kind,
    withoutSecrets(kind),
    withOther(kind),
  ])
  const listeners = await Promise.all(
    Array.from({ length: 24 }, async () => {
      const caller = await randomCaller(random)
      const subscriptions = Array.from({ length: 4 }, () => pick(random, kinds))
      const { received, close } = await openListeners(graph, {
        count: subscriptions.length,
        authorization: caller.authorization,
        payload: (number) => {
          const { query, variables } = subscriptions[number]!
          return { query, variables }
        },
      })
      return { caller, subscriptions, received, close }
    }),
  )
  const all = listeners.flatMap(({ caller, subscriptions, received }) =>
    subscriptions.map((subscription, number) => ({
      caller,
      subscription,
      received: received[number]!,
    })),
  )
  const different = new Set(
    all.map(({ caller: { authorization: _, ...caller }, subscription }) =>
      JSON.stringify([caller, subscription]),
    ),
  )
  await until(async () => (await graph.metric('portcullis_subscriptions')) === all.length)
  const streams = await graph.metric('portcullis_subscription_upstreams')
  await graph.listening(streams)
  expect(streams).toBeLessThanOrEqual(different.size)
  expect(different.size).toBeLessThan(all.length / 1.5)
  const executions = await graph.metric('portcullis_subscription_executions_total')
  const events = Array.from({ length: 12 }, (_, price) => ({ price, id: pick(random, ['1', '2']) }))
  for (const { price, id } of events) graph.changePrice(price, id)
  for (const { caller, subscription, received } of all) {
    const right = events.flatMap((event) => expected(subscription, caller, event) ?? [])
    await until(() => received.length >= right.length).catch(() => {})
    const got = received.map(({ data, errors = [] }) => ({
      data,
      denied: errors.map(({ path }: { path: string[] }) => path.join('.')).sort(),
    }))
    expect({ subscription, caller, got }).toEqual({ subscription, caller, got: right })
  }
  const executed = (await graph.metric('portcullis_subscription_executions_total')) - executions
  expect(executed).toBeLessThanOrEqual(different.size * events.length)
  for (const { close } of listeners) close()
  await graph.listening(0)
})
