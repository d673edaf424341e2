/** What runs in a planning thread: see planning-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { assertValidSchema, GraphQLError, parse } from 'graphql'
import { operationPlanner } from './plan-operation.ts'
import type { OperationPlanner } from './plan-operation.ts'
import type { PlanningResult, PlanningTask, SupergraphRead } from './planning-thread.ts'

const port = parentPort!
const planner = readSupergraph(workerData as string)
if (planner) port.on('message', (task: PlanningTask) => port.postMessage(resultOf(planner, task)))

/** Tells what was read of the supergraph, or why it cannot be used: then the thread ends. */
function readSupergraph(supergraphSdl: string): OperationPlanner | undefined {
  try {
    const planner = operationPlanner(supergraphSdl)
    assertValidSchema(planner.apiSchema)
    tell({ outcome: 'read', apiSdl: planner.apiSdl(), facts: planner.facts })
    return planner
  } catch (cause) {
    tell({ outcome: 'refused', reason: (cause as Error).message })
    return undefined
  }
}

function tell(read: SupergraphRead): void {
  port.postMessage(read)
}

function resultOf(
  planner: OperationPlanner,
  { id, text, operationName, overrideLabels }: PlanningTask,
): PlanningResult {
  try {
    const document = parse(text, { noLocation: true })
    // As JSON: a plan is plain data, but for undefined fields.
    const plan = planner.plan({ document, operationName, overrideLabels })
    return { id, plan: JSON.parse(JSON.stringify(plan)) as typeof plan }
  } catch (cause) {
    return { id, refusal: (cause as Error).message, isGraphqlError: cause instanceof GraphQLError }
  }
}
