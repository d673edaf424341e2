/** The supergraph of the benchmark of subscriptions, and the configuration of its gateway. */
import { composeServices } from '@apollo/composition'
import { parse } from 'graphql'

const link = (...directives: string[]) =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ${JSON.stringify(['@key', ...directives])})`

const schemas = {
  prices: `${link()}
    type Query { product: Product }
    type Subscription { priceChanged: Product }
    type Product @key(fields: "id") { id: ID! name: String price: Int }`,
  reviews: `${link('@authenticated')}
    type Product @key(fields: "id") { id: ID! stars: Int @authenticated }`,
}

/** What every client subscribes to: each execution of an event fetches an entity. */
export const subscription = 'subscription { priceChanged { name price stars } }'

/** Returns the text of the supergraph. @param origin of both subgraphs */
export function liveSupergraph(origin: string): string {
  const { supergraphSdl, errors } = composeServices(
    Object.entries(schemas).map(([name, sdl]) => ({
      name,
      url: `${origin}/${name}`,
      typeDefs: parse(sdl),
    })),
  )
  if (supergraphSdl === undefined) throw new Error(errors?.map(String).join('\n'))
  return supergraphSdl
}

/** Lines of gateway.yaml that allow as many connections as the benchmark opens. */
export const unlimited = `subscriptions:
  connections: 1000000
  connections_per_caller: 1000000
  init_timeout: 1m
telemetry: { access_log: { sample: 0, errors: 0 } }
`
