/** The code of a planning thread: see planning-thread.ts. */
import { getHeapStatistics } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { assertValidSchema, GraphQLError, parse } from 'graphql'
import { GatewayError } from '../errors.ts'
import { operationPlanner } from './plan-operation.ts'
import type { OperationPlanner } from './plan-operation.ts'
import type {
  PlanningOutcome,
  PlanningRefusal,
  PlanningResult,
  PlanningTask,
  SupergraphRead,
} from './planning-thread.ts'

const port = parentPort!
const planner = readSupergraph(workerData as string)
if (planner) port.on('message', (task: PlanningTask) => port.postMessage(resultOf(planner, task)))

/** Reports what was read of the supergraph, or why it cannot be used: then the thread ends. */
function readSupergraph(supergraphSdl: string): OperationPlanner | undefined {
  try {
    const planner = operationPlanner(supergraphSdl)
    assertValidSchema(planner.apiSchema)
    report({ outcome: 'read', apiSdl: planner.apiSdl(), facts: planner.facts, heap: heapSize() })
    return planner
  } catch (cause) {
    report({ outcome: 'refused', reason: (cause as Error).message })
    return undefined
  }
}

function report(read: SupergraphRead): void {
  port.postMessage(read)
}

function resultOf(planner: OperationPlanner, task: PlanningTask): PlanningResult {
  const outcome = planOrRefusal(planner, task)
  return { id: task.id, heap: heapSize(), ...outcome }
}

function planOrRefusal(
  planner: OperationPlanner,
  { text, operationName, overrideLabels }: PlanningTask,
): PlanningOutcome {
  try {
    const document = parse(text, { noLocation: true })
    // As JSON: a plan is plain data, but for undefined fields.
    const plan = planner.plan({ document, operationName, overrideLabels })
    return { plan: JSON.parse(JSON.stringify(plan)) as typeof plan }
  } catch (cause) {
    return { refusal: (cause as Error).message, kind: kindOf(cause) }
  }
}

function kindOf(cause: unknown): PlanningRefusal['kind'] {
  if (cause instanceof GatewayError && cause.reason === 'OPERATION_TOO_COMPLEX') {
    return 'too complex'
  }
  return cause instanceof GraphQLError ? 'GraphQL' : 'other'
}

function heapSize(): number {
  return getHeapStatistics().total_heap_size
}
