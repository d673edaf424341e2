/** The engine that a configuration names, as Apollo Server takes it. */
import type { Logger } from 'pino'
import type { Engine, PipelineContext } from './authorized-engine.ts'
import { checkingVariables } from './checking-variables.ts'
import { withEstimatedPlanning } from './estimated-planning.ts'
import type { ClientRequest } from './client-request.ts'
import { subgraphDataSource } from './execution/subgraph-data-source.ts'
import { reportingMisshapenResponses } from './misshapen-responses.ts'
import { apolloServerGateway, nativeEngine } from './supergraph/native-executor.ts'
import type { NativeEngine } from './supergraph/native-executor.ts'
import './planning/collect-variables.ts'
import type { SubgraphCalls } from './supergraph/connect-subgraphs.ts'

/** Our own engine, or @apollo/gateway's as the reference. */
export type EngineName = 'native' | 'apollo'

export interface EngineParts {
  /** The supergraph without guards: what comes back must stand behind the authorizer. */
  loadableSdl: string
  subgraphs: SubgraphCalls
  log: Logger
  /** Whether others are served meanwhile, who must not wait. */
  whileServing: boolean
  /** The longest that an operation is planned, in milliseconds. */
  planningTime: number
}

export async function engineFor(
  name: EngineName,
  { loadableSdl, subgraphs, log, whileServing, planningTime }: EngineParts,
): Promise<{ engine: Engine; native?: NativeEngine<ClientRequest> }> {
  if (name === 'apollo') {
    // It takes a third of a second to load, for who does not use it.
    const { apolloEngine } = await import('./execution/apollo-engine.ts')
    const dataSource = (subgraph: string) =>
      subgraphDataSource((request, client) => subgraphs.fetch(subgraph, request, client))
    const engine = apolloEngine({ supergraphSdl: loadableSdl, dataSource, log })
    const checked = checkingVariables(reportingMisshapenResponses(engine))
    return { engine: withEstimatedPlanning(checked, loadableSdl, planningTime) }
  }
  const native = await nativeEngine<ClientRequest>({
    supergraphSdl: loadableSdl,
    fetchSubgraph: subgraphs.fetch,
    mayJoin: subgraphs.mayJoin,
    planningThread: 'when large',
    whileServing,
    planningTime,
    onTooComplex: (operationName) =>
      log.warn({ operationName }, 'an operation takes longer to plan than limits.planning_time'),
  })
  // What the short road has executed is not executed again to be told with its errors.
  const executedOnce: NativeEngine<PipelineContext> = {
    ...native,
    async execute(operation) {
      const { executed, signal } = operation.context
      return executed ?? native.execute({ ...operation, signal })
    },
  }
  return { engine: apolloServerGateway(executedOnce, loadableSdl), native }
}
