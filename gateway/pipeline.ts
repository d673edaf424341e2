/** The long road: Apollo Server's whole pipeline, for everything that is not an operation seen before. */
import { ApolloServer, HeaderMap } from '@apollo/server'
import type { ApolloServerOptions, HTTPGraphQLRequest } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled'
import type { DocumentNode } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { Engine, PipelineContext } from './authorized-engine.ts'
import type { Limits } from './configuration/limits.ts'
import { clientErrorFormatter } from './http/client-errors.ts'
import { depthLimit } from './operations/depth-limit.ts'
import { finiteNumbers } from './operations/finite-numbers.ts'
import type { HttpAnswer } from './http/http-message.ts'
import { refusePersistedQuery } from './http/persisted-query.ts'
import { refuseDeepDocument } from './http/refuse-unbounded.ts'
import { reservedAlias } from './operations/reserved-alias.ts'
import { introspectionLimit } from './operations/introspection-limit.ts'
import { noIntrospection } from './operations/no-introspection.ts'
import { oneCredentialField } from './operations/one-credential-field.ts'
import type { GraphqlRequest } from './http/read-graphql-request.ts'
import { requireOperation } from './http/require-operation.ts'
import { responseStatus } from './http/response-status.ts'
import { mostOperations, operationBudget, operationWeight } from './operations/operation-weight.ts'

export interface PipelineParts {
  engine: Engine
  introspection: boolean
  limits: Limits
  realm: string
  /** Told of each operation that has passed validation. */
  onOperation: (text: string, operationName: string | undefined, document: DocumentNode) => void
  log: Logger
}

export interface Pipeline {
  answer(request: GraphqlRequest, context: PipelineContext): Promise<HttpAnswer>
  stop(): Promise<void>
}

/** Returns a pipeline that is ready to answer; it rejects when the engine cannot load the supergraph. */
export async function createPipeline(parts: PipelineParts): Promise<Pipeline> {
  const { limits, log } = parts
  const server = new ApolloServer<PipelineContext>({
    ...safeSettings,
    gateway: parts.engine,
    introspection: true,
    maxRecursiveSelections: limits.selections,
    parseOptions: { maxTokens: limits.tokens },
    validationRules: [
      parts.introspection ? introspectionLimit : noIntrospection,
      reservedAlias,
      finiteNumbers,
      depthLimit(limits.depth),
      oneCredentialField(limits.credentialFields),
    ],
    documentStore: documentStore(),
    logger: log,
    formatError: clientErrorFormatter(log),
    plugins: [...pluginsOff(), requireOperation(parts.onOperation), responseStatus(parts.realm)],
  })
  await server.start()

  return {
    async answer(request, context) {
      const { query, extensions } = request.asked
      refusePersistedQuery(query, extensions)
      if (typeof query === 'string') refuseDeepDocument(query, limits.depth)
      const { status, headers, body } = await server.executeHTTPGraphQLRequest({
        httpGraphQLRequest: forApollo(request),
        context: async () => context,
      })
      if (body.kind === 'chunked') throw new Error('incremental delivery is not supported')
      return {
        status: status ?? 200,
        headers: { ...Object.fromEntries(headers), 'cache-control': 'no-store' },
        body: body.string,
      }
    },
    stop: () => server.stop(),
  }
}

/** The documents that have passed validation, by the hash of their text. */
function documentStore(): NonNullable<ApolloServerOptions<PipelineContext>['documentStore']> {
  const documents = new LRUCache<string, DocumentNode>({
    max: mostOperations,
    maxSize: operationBudget(),
    sizeCalculation: operationWeight,
  })
  return {
    get: async (hash) => documents.get(hash),
    set: async (hash, document) => void documents.set(hash, document),
    delete: async (hash) => documents.delete(hash),
  }
}

function forApollo({ accept, contentType, ...request }: GraphqlRequest): HTTPGraphQLRequest {
  const headers = new HeaderMap()
  if (accept !== undefined) headers.set('accept', accept)
  if (contentType !== undefined) headers.set('content-type', contentType)
  const { method, search, body } = withoutPersistedQuery(request)
  return { method, search, body, headers }
}

/** A hash beside its text has been checked; Apollo Server would refuse it all the same. */
function withoutPersistedQuery(
  request: Pick<GraphqlRequest, 'method' | 'search' | 'body' | 'asked'>,
) {
  const { method, search, body, asked } = request
  const given = asked.extensions as { persistedQuery?: unknown } | null | undefined
  if (!given?.persistedQuery) return request
  const { persistedQuery: _, ...extensions } = given
  if (body) return { method, search, body: { ...body, extensions } }
  const parameters = new URLSearchParams(search)
  parameters.set('extensions', JSON.stringify(extensions))
  return { method, search: `?${parameters}`, body }
}

/** Whatever NODE_ENV says: no stack traces, no hints at hidden names, no listeners of its own. */
const safeSettings = {
  includeStacktraceInErrorResponses: false,
  hideSchemaDetailsFromClientErrors: true,
  stopOnTerminationSignals: false,
  allowBatchedHttpRequests: false,
  // Credentials are bearer tokens, which no browser sends by itself, and a GET cannot mutate.
  csrfPrevention: false,
  persistedQueries: false,
  nodeEnv: 'production',
} satisfies Partial<ApolloServerOptions<PipelineContext>>

function pluginsOff() {
  return [
    ApolloServerPluginCacheControlDisabled(),
    ApolloServerPluginInlineTraceDisabled(),
    ApolloServerPluginLandingPageDisabled(),
    ApolloServerPluginSchemaReportingDisabled(),
    ApolloServerPluginUsageReportingDisabled(),
  ]
}
