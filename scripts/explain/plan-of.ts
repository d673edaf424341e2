import type { DocumentNode } from 'graphql'
import type { GatewayConfig } from '../../gateway/configuration/gateway-config.ts'
import { subgraphSettings } from '../../gateway/configuration/subgraphs.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { ExplainedStep } from '../../gateway/execution/explain-plan.ts'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/**
 * Returns the steps of an operation, by the executor of the gateway: null where nothing is fetched. Rejects with a
 * StartFailure for an operation that is too complex to be planned.
 *
 * @param supergraphSdl the supergraph without guards
 * @param document what remains after authorization
 */
export async function planOf(
  supergraphSdl: string,
  document: DocumentNode,
  operationName: string | undefined,
  config: GatewayConfig | undefined,
): Promise<ExplainedStep | null> {
  const { explain, close } = await nativeExecutor({
    supergraphSdl,
    fetchSubgraph: () => Promise.reject(new Error('nothing is executed')),
    ...(config && {
      planningTime: config.limits.planningTime,
      mayBatch: (name: string) => subgraphSettings(config.subgraphs, name).batchEntityFetches,
    }),
  })
  try {
    return await explain!({ document, operationName })
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause
    throw new StartFailure(
      `the gateway refuses this operation (${cause.reason}): ${cause.message}`,
      {
        cause,
      },
    )
  } finally {
    await close()
  }
}
