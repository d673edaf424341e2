import { parse } from 'graphql'
import type { DocumentNode } from 'graphql'
import type { Engine } from './authorized-engine.ts'
import { GatewayError } from './errors.ts'
import { pipelineError } from './http/client-errors.ts'
import { fieldSources } from './planning/field-sources.ts'
import { planningCost } from './planning/planning-cost.ts'

/** The estimate is rough: what is refused would take half of the limit at least, most often more. */
const stepsPerMillisecond = 20

/**
 * Returns the engine without operations that are estimated to take too long to plan: @apollo/gateway
 * plans on the thread that answers requests, where it cannot be interrupted.
 *
 * @param planningTime the longest that an operation may take to plan, in milliseconds
 */
export function withEstimatedPlanning(
  engine: Engine,
  supergraphSdl: string,
  planningTime: number,
): Engine {
  const sources = fieldSources(parse(supergraphSdl, { noLocation: true }))
  const known = new WeakMap<DocumentNode, Map<string | undefined, number>>()
  let estimate: ReturnType<typeof planningCost> = () => 0

  return {
    onSchemaLoadOrUpdate: (callback) => engine.onSchemaLoadOrUpdate(callback),
    stop: () => engine.stop(),
    async load(options) {
      engine.onSchemaLoadOrUpdate(({ apiSchema }) => (estimate = planningCost(apiSchema, sources)))
      const { executor } = await engine.load(options)
      return {
        async executor(request) {
          const { document, operationName } = request
          if (costOf(document, operationName ?? undefined) > planningTime * stepsPerMillisecond) {
            throw pipelineError(new GatewayError('OPERATION_TOO_COMPLEX'))
          }
          return executor!(request)
        },
      }
    },
  }

  function costOf(document: DocumentNode, operationName: string | undefined): number {
    const costs = known.get(document) ?? new Map<string | undefined, number>()
    const cost = costs.get(operationName) ?? estimate(document, operationName)
    known.set(document, costs.set(operationName, cost))
    return cost
  }
}
