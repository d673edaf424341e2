/** A complete subgraph process: schema, `/graphql` behind the claims header, `/health`, `/ready`. */
import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled'
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled'
import { buildSubgraphSchema } from '@apollo/subgraph'
import express from 'express'
import type { Express } from 'express'
import { parse } from 'graphql'
import type {
  DocumentNode,
  GraphQLFieldResolver,
  GraphQLScalarType,
  GraphQLSchema,
  ValidationRule,
} from 'graphql'
import type { ClaimsKeys } from './claims-keys.ts'
import type { SubgraphContext } from './guards.ts'
import { addSubscriptionSources, eventStreams } from './event-streams.ts'
import type { EventStreams, SubscriptionSource } from './event-streams.ts'
import { addGetRoute } from './get-route.ts'
import { subgraphHandler } from './graphql-handler.ts'
import { unforeseenErrors } from './unforeseen-errors.ts'
import type { DrainTimes } from './process/drain.ts'
import { requestIdFrom, requestIdHeader, withRequestId } from './request-id.ts'
import { recordedTraceId } from './trace-id.ts'
import type { SubgraphLog } from './subgraph-log.ts'
import { listen } from './process/listen.ts'
import type { ListenOptions } from './process/listen.ts'
import { processLog } from './process/log.ts'
import type { RunningProcess } from './process/run-process.ts'

/** Resolvers by type and field; entities may have `__resolveReference`. */
export type SubgraphResolvers = Record<
  string,
  GraphQLScalarType | Record<string, GraphQLFieldResolver<any, SubgraphContext, any>>
>

export interface SubgraphOptions extends Pick<ListenOptions, 'host' | 'port'> {
  /** The subgraph's name in supergraph.yaml. */
  name: string
  /** The schema, as text or parsed. */
  typeDefs: string | DocumentNode
  resolvers: SubgraphResolvers
  /**
   * The events of each field of `Subscription`: `{ priceChanged: (_parent, args, context) => events }`,
   * where `events` is an async iterator of the field's values. Left out: subscriptions are refused.
   */
  subscriptions?: Readonly<Record<string, SubscriptionSource>>
  /** Verifies the claims header: `process.env.CLAIMS_KEY` as it is, or see ClaimsKeys. */
  keys: ClaimsKeys
  /** The setting for another port, for the message if this one is taken. */
  portSetting?: string
  /** Resolves when the subgraph can serve; a rejection makes `/ready` respond with 503. */
  ready?: () => Promise<unknown>
  /**
   * Returns whether an error of a resolver or a route means that something the subgraph needs, such as
   * its database, is unavailable: the caller then gets SERVICE_UNAVAILABLE and is asked to retry.
   */
  isUnavailable?: (error: unknown) => boolean
  /** The largest request body, in bytes; default: 10 MB, enough for long lists of representations. */
  bodyLimit?: number
  /** Validation rules in addition to those of GraphQL. */
  validationRules?: readonly ValidationRule[]
  /** Adds routes besides `/graphql`. */
  routes?: (app: Express) => void
  /** How the process stops, in milliseconds; default: `{ announce: 0, finish: 25_000 }`. */
  drain?: DrainTimes
  /** Default: JSON on standard error, one object per line. */
  log?: SubgraphLog
  /** Called after the response to the last request. */
  onClose?: () => Promise<void>
}

/** Starts a subgraph and returns once it accepts connections. */
export async function serveSubgraph(options: SubgraphOptions): Promise<RunningProcess> {
  const log = options.log ?? processLog(options.name)
  const errors = unforeseenErrors(log, options.isUnavailable)
  const schema = buildSubgraphSchema([{ typeDefs: parsed(options), resolvers: options.resolvers }])
  const events = options.subscriptions && subscribable(schema, options.subscriptions)
  const server = new ApolloServer<SubgraphContext>({
    schema,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    introspection: true,
    validationRules: [...(options.validationRules ?? [])],
    // The claims header is the CSRF protection here: no browser can send it.
    csrfPrevention: false,
    stopOnTerminationSignals: false,
    plugins: [ApolloServerPluginInlineTraceDisabled(), ApolloServerPluginLandingPageDisabled()],
    formatError: (formatted, error) => errors.format(formatted, error),
  })
  await server.start()

  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use((request, response, next) => {
    const id = requestIdFrom(request.headers[requestIdHeader])
    response.setHeader(requestIdHeader, id)
    withRequestId(id, recordedTraceId(request.headers.traceparent), next)
  })
  const requests = { answered: 0, refused: 0 }
  addGetRoute(
    app,
    '/health',
    (_request, response) => void response.json({ status: 'alive', requests }),
  )
  let isStopping = false
  addGetRoute(app, '/ready', async (_request, response) => {
    if (isStopping) return void response.status(503).json({ status: 'stopping' })
    const ready = await Promise.resolve(options.ready?.()).then(
      () => true,
      () => false,
    )
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready' })
  })
  options.routes?.(app)
  app.use(
    '/graphql',
    subgraphHandler(server, {
      subgraph: options.name,
      keys: options.keys,
      ...(options.bodyLimit === undefined ? {} : { bodyLimit: options.bodyLimit }),
      ...(events ? { events } : {}),
      onAccepted: () => void requests.answered++,
      onRefused: (reason) => {
        requests.refused++
        log.warn({ reason: reason.message }, 'request refused')
      },
    }),
  )

  app.use(errors.notFound, errors.handle)

  const { host, port, portSetting = '`port`' } = options
  const listening = await listen(app, { host, port, portSetting })
  return {
    url: `${listening.origin}/graphql`,
    async close() {
      isStopping = true
      events?.close()
      await listening.close(options.drain)
      await server.stop()
      await options.onClose?.()
    },
  }

  function subscribable(
    schema: GraphQLSchema,
    sources: Readonly<Record<string, SubscriptionSource>>,
  ): EventStreams {
    addSubscriptionSources(schema, sources)
    const { validationRules } = options
    return eventStreams({ schema, validationRules, formatError: errors.format })
  }
}

function parsed({ typeDefs }: SubgraphOptions): DocumentNode {
  return typeof typeDefs === 'string' ? parse(typeDefs) : typeDefs
}
