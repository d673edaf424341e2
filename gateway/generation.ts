/**
 * All that depends on one supergraph: schema, planner, caches, connections to subgraphs. It never
 * changes; another supergraph is another generation, and a request keeps the one it started with.
 */
import { ApolloServer } from '@apollo/server'
import type { ApolloServerOptions, HTTPGraphQLRequest } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled'
import type { Logger } from 'pino'
import type { AuthorizationOptions } from './authorization/authorization-options.ts'
import { guardSupergraph } from './authorization/guard-supergraph.ts'
import type { DecidePolicies } from './authorization/policies.ts'
import { authorizedEngine } from './authorized-engine.ts'
import type { Limits } from './configuration/limits.ts'
import { apolloEngine } from './execution/apollo-engine.ts'
import { subgraphClient } from './execution/subgraph-client.ts'
import type { SubgraphClientOptions } from './execution/subgraph-client.ts'
import { subgraphDataSource } from './execution/subgraph-data-source.ts'
import type { ExecutionContext } from './execution/subgraph-data-source.ts'
import type { SubgraphErrorPolicy } from './execution/subgraph-errors.ts'
import type { ForwardedCaller, SubgraphHeaders } from './execution/subgraph-headers.ts'
import { clientErrorFormatter } from './http/client-errors.ts'
import { depthLimit } from './http/depth-limit.ts'
import type { HttpAnswer } from './http/http-message.ts'
import { oneCredentialField } from './http/one-credential-field.ts'
import { requireOperation } from './http/require-operation.ts'
import { responseStatus } from './http/response-status.ts'
import type { Supergraph } from './supergraph/read-supergraph.ts'

export interface GenerationParts {
  supergraph: Supergraph
  subgraph: (name: string) => SubgraphClientOptions & { errors: SubgraphErrorPolicy }
  headers: (subgraph: string) => SubgraphHeaders
  /** Told of each call to a subgraph, its outcome, and how long it took in seconds. */
  called: (subgraph: string, outcome: string, seconds: number) => void
  authorization: Partial<AuthorizationOptions>
  decidePolicies: DecidePolicies
  explainScope: string | undefined
  limits: Limits
  realm: string
  log: Logger
}

export interface Generation {
  answer(request: HTTPGraphQLRequest, caller: ForwardedCaller): Promise<HttpAnswer>
  /** Lets the requests under way end, then closes the connections to the subgraphs. */
  close(): Promise<void>
}

/** Returns a generation that is ready to answer; it rejects when the supergraph cannot be loaded. */
export async function createGeneration(parts: GenerationParts): Promise<Generation> {
  const { supergraph, limits, log } = parts
  const clients = new Map(
    supergraph.subgraphs.map(({ name, url }) => [name, subgraphClient(url, parts.subgraph(name))]),
  )
  const { loadableSdl, authorizer } = guardSupergraph(supergraph.sdl, parts.authorization)
  const engine = apolloEngine({
    supergraphSdl: loadableSdl,
    dataSource: (name) =>
      subgraphDataSource({
        subgraph: name,
        client: clients.get(name)!,
        headers: parts.headers(name),
        errors: parts.subgraph(name).errors,
        called: (outcome, seconds) => parts.called(name, outcome, seconds),
        log,
      }),
    log,
  })
  const server = new ApolloServer<ExecutionContext>({
    gateway: authorizedEngine({ ...parts, engine, authorizer }),
    ...safeSettings,
    introspection: authorizer.options.introspection !== 'off',
    maxRecursiveSelections: limits.selections,
    parseOptions: { maxTokens: limits.tokens },
    validationRules: [depthLimit(limits.depth), oneCredentialField(limits.credentialFields)],
    logger: log,
    formatError: clientErrorFormatter(log),
    plugins: [...pluginsOff(), requireOperation(), responseStatus(parts.realm)],
  })
  await server.start()
  const underWay = new Set<Promise<unknown>>()

  return {
    answer(request, caller) {
      const answered = server
        .executeHTTPGraphQLRequest({
          httpGraphQLRequest: request,
          context: async () => ({ caller }),
        })
        .then(({ status, headers, body }) => {
          if (body.kind === 'chunked') throw new Error('incremental delivery is not supported')
          return {
            status: status ?? 200,
            headers: { ...Object.fromEntries(headers), 'cache-control': 'no-store' },
            body: body.string,
          }
        })
        .finally(() => underWay.delete(answered))
      underWay.add(answered)
      return answered
    },
    async close() {
      await Promise.allSettled(underWay)
      await server.stop()
      await Promise.all([...clients.values()].map((client) => client.close()))
    },
  }
}

/** Whatever NODE_ENV says: no stack traces, no hints at hidden names, no listeners of its own. */
const safeSettings = {
  includeStacktraceInErrorResponses: false,
  hideSchemaDetailsFromClientErrors: true,
  stopOnTerminationSignals: false,
  allowBatchedHttpRequests: false,
  // Credentials are bearer tokens, which no browser sends by itself, and a GET cannot mutate.
  csrfPrevention: false,
  cache: 'bounded',
  nodeEnv: 'production',
} satisfies Partial<ApolloServerOptions<ExecutionContext>>

function pluginsOff() {
  return [
    ApolloServerPluginCacheControlDisabled(),
    ApolloServerPluginInlineTraceDisabled(),
    ApolloServerPluginLandingPageDisabled(),
    ApolloServerPluginSchemaReportingDisabled(),
    ApolloServerPluginUsageReportingDisabled(),
  ]
}
