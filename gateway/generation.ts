/**
 * All that depends on one supergraph: schema, planner, caches, connections to subgraphs. It never
 * changes; another supergraph is another generation, and a request keeps the one it started with.
 */
import type { HTTPGraphQLRequest } from '@apollo/server'
import type { Logger } from 'pino'
import type { AuthorizationOptions } from './authorization/authorization-options.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import { guardSupergraph } from './authorization/guard-supergraph.ts'
import type { DecidePolicies } from './authorization/policies.ts'
import { authorizedEngine } from './authorized-engine.ts'
import type { Engine, PipelineContext } from './authorized-engine.ts'
import type { Limits } from './configuration/limits.ts'
import { apolloEngine } from './execution/apollo-engine.ts'
import { subgraphCall } from './execution/call-subgraph.ts'
import type { CallSubgraph } from './execution/call-subgraph.ts'
import { subgraphClient } from './execution/subgraph-client.ts'
import type { SubgraphClientOptions } from './execution/subgraph-client.ts'
import { subgraphDataSource } from './execution/subgraph-data-source.ts'
import type { SubgraphErrorPolicy } from './execution/subgraph-errors.ts'
import type { ForwardedCaller, SubgraphHeaders } from './execution/subgraph-headers.ts'
import type { HttpAnswer } from './http/http-message.ts'
import { apolloServerGateway, nativeEngine } from './native-engine.ts'
import { createPipeline } from './pipeline.ts'
import { shortRoad } from './short-road.ts'
import type { ShortRoad } from './short-road.ts'
import type { Supergraph } from './supergraph/read-supergraph.ts'

export interface GenerationParts {
  supergraph: Supergraph
  /** What executes: our own engine, or @apollo/gateway's as the reference. */
  engine: 'native' | 'apollo'
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
  const { supergraph, log } = parts
  const clients = new Map(
    supergraph.subgraphs.map(({ name, url }) => [name, subgraphClient(url, parts.subgraph(name))]),
  )
  const call = (subgraph: string): CallSubgraph =>
    subgraphCall({
      subgraph,
      client: clients.get(subgraph)!,
      headers: parts.headers(subgraph),
      errors: parts.subgraph(subgraph).errors,
      called: (outcome, seconds) => parts.called(subgraph, outcome, seconds),
      log,
    })
  const calls = new Map(supergraph.subgraphs.map(({ name }) => [name, call(name)]))
  const { loadableSdl, authorizer } = guardSupergraph(supergraph.sdl, parts.authorization)
  const { engine, short } = enginesOf(parts.engine, { loadableSdl, authorizer, calls, log })
  const pipeline = await createPipeline({
    ...parts,
    engine: authorizedEngine({ ...parts, engine, authorizer }),
    introspection: authorizer.options.introspection !== 'off',
    onOperation: (...operation) => short?.remember(...operation),
  })
  const underWay = new Set<Promise<unknown>>()

  return {
    answer(request, caller) {
      const answered = answerOf(request, caller).finally(() => underWay.delete(answered))
      underWay.add(answered)
      return answered
    },
    async close() {
      await Promise.allSettled(underWay)
      await pipeline.stop()
      await Promise.all([...clients.values()].map((client) => client.close()))
    },
  }

  async function answerOf(
    request: HTTPGraphQLRequest,
    caller: ForwardedCaller,
  ): Promise<HttpAnswer> {
    const ready = short?.find(request, caller)
    if (!short || !ready) return pipeline.answer(request, { caller })
    const executed = await short.execute(ready, caller)
    return short.answer(ready, executed) ?? pipeline.answer(request, { caller, executed })
  }
}

interface EngineParts {
  loadableSdl: string
  authorizer: Authorizer
  calls: ReadonlyMap<string, CallSubgraph>
  log: Logger
}

function enginesOf(
  name: GenerationParts['engine'],
  { loadableSdl, authorizer, calls, log }: EngineParts,
): { engine: Engine; short?: ShortRoad } {
  if (name === 'apollo') {
    const dataSource = (subgraph: string) => subgraphDataSource(calls.get(subgraph)!)
    return { engine: apolloEngine({ supergraphSdl: loadableSdl, dataSource, log }) }
  }
  const native = nativeEngine<PipelineContext>({
    supergraphSdl: loadableSdl,
    fetchSubgraph: (subgraph, { body }, { caller }) => calls.get(subgraph)!(body, caller),
  })
  // What the short road has executed is not executed again to be told with its errors.
  const executedOnce: typeof native = {
    ...native,
    execute: async (operation) => operation.context.executed ?? native.execute(operation),
  }
  return {
    engine: apolloServerGateway(executedOnce, loadableSdl),
    short: shortRoad({ engine: native, authorizer }),
  }
}
