/**
 * All that depends on one supergraph: schema, planner, caches, connections to subgraphs. It never
 * changes; another supergraph is another generation, and a request keeps the one it started with.
 */
import type { Logger } from 'pino'
import type { AuthorizationOptions } from '../authorization/authorization-options.ts'
import { guardSupergraphInSlices } from '../authorization/guard-supergraph.ts'
import type { PolicyDecider } from '../authorization/policies.ts'
import { warnOfUndecidedPolicies } from '../authorization/undecided-policies.ts'
import { authorizedEngine } from '../authorized-engine.ts'
import type { Limits } from '../configuration/limits.ts'
import { engineFor } from '../engine.ts'
import type { EngineName } from '../engine.ts'
import type { ClientRequest } from '../client-request.ts'
import { lastOfEachName } from '../forwarding/cookies.ts'
import type { HttpAnswer } from '../http/http-message.ts'
import type { GraphqlRequest } from '../http/read-graphql-request.ts'
import type { NativeEngine } from './native-executor.ts'
import { createPipeline } from '../pipeline.ts'
import { shortRoad } from '../short-road.ts'
import { connectSubgraphs } from './connect-subgraphs.ts'
import type { SubgraphCalled, SubgraphParts } from './connect-subgraphs.ts'
import type { Supergraph } from './read-supergraph.ts'
import { GatewayError } from '../errors.ts'
import { runInSlices, yieldToEventLoop } from '../slices.ts'
import { warmUp } from './warm-up.ts'

export interface GenerationParts {
  supergraph: Supergraph
  engine: EngineName
  subgraph: (name: string) => SubgraphParts
  called: SubgraphCalled
  authorization: Partial<AuthorizationOptions>
  policies: PolicyDecider
  explainScope: string | undefined
  limits: Limits
  realm: string
  log: Logger
  /**
   * The generation that serves until this one does: what it is asked for is planned beforehand, and
   * its requests do not wait meanwhile.
   */
  previous?: Generation | undefined
}

export interface Generation {
  answer(request: GraphqlRequest, client: ClientRequest): Promise<HttpAnswer>
  /** Lets the requests under way end, then closes the connections to the subgraphs. */
  close(): Promise<void>
  /** What is executed and planned by ourselves. */
  readonly native: NativeEngine<ClientRequest> | undefined
}

/** Returns a generation that is ready to answer; it rejects when the supergraph cannot be loaded. */
export async function createGeneration({
  supergraph,
  previous,
  ...parts
}: GenerationParts): Promise<Generation> {
  const { loadableSdl, authorizer } = await runInSlices(
    guardSupergraphInSlices(supergraph, parts.authorization),
  )
  warnOfUndecidedPolicies(authorizer, parts.policies, parts.log)
  const subgraphs = connectSubgraphs(supergraph.subgraphs, parts)
  const { engine, native } = await engineFor(parts.engine, {
    loadableSdl,
    subgraphs,
    log: parts.log,
    whileServing: previous !== undefined,
    planningTime: parts.limits.planningTime,
  })
  const closeEngine = async () => {
    await native?.close()
    await subgraphs.close()
  }
  await yieldToEventLoop()
  const short = native && shortRoad({ engine: native, authorizer })
  const pipeline = await createPipeline({
    ...parts,
    engine: authorizedEngine({
      ...parts,
      engine,
      authorizer,
      decidePolicies: parts.policies.decide,
    }),
    introspection: authorizer.options.introspection !== 'off',
    onOperation: (...operation) => short?.remember(...operation),
  }).catch(async (cause: unknown) => {
    await closeEngine()
    throw cause
  })
  if (native && previous?.native) await warmUp(native, previous.native)
  let underWay = 0
  let idle = () => {}

  return {
    native,
    async answer(request, client) {
      underWay++
      try {
        const answer = await answerByEitherRoad(request, client)
        if (client.setCookies.length === 0) return answer
        const cookies = lastOfEachName(client.setCookies)
        return { ...answer, headers: { ...answer.headers, 'set-cookie': cookies } }
      } finally {
        if (--underWay === 0) idle()
      }
    },
    async close() {
      if (underWay > 0) await new Promise<void>((ended) => (idle = ended))
      await pipeline.stop()
      await closeEngine()
    },
  }

  async function answerByEitherRoad(
    request: GraphqlRequest,
    client: ClientRequest,
  ): Promise<HttpAnswer> {
    const ready = short?.find(request, client.caller)
    if (!short || !ready) return pipeline.answer(request, client)
    try {
      const executed = await short.execute(ready, client)
      return short.answer(ready, executed) ?? pipeline.answer(request, { ...client, executed })
    } catch (cause) {
      // The pipeline reports what was refused before it was executed.
      if (cause instanceof GatewayError) return pipeline.answer(request, client)
      throw cause
    }
  }
}
