/** What runs in a planning thread: see planning-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { GraphQLError, parse } from 'graphql'
import { operationPlanner } from './plan-operation.ts'
import type { PlanningResult, PlanningTask } from './planning-thread.ts'

const planner = operationPlanner(workerData as string)

parentPort!.on('message', (task: PlanningTask) => parentPort!.postMessage(resultOf(task)))

function resultOf({ id, text, operationName, overrideLabels }: PlanningTask): PlanningResult {
  try {
    const document = parse(text, { noLocation: true })
    // As JSON: a plan is plain data, but for undefined fields.
    const plan = planner.plan({ document, operationName, overrideLabels })
    return { id, plan: JSON.parse(JSON.stringify(plan)) as typeof plan }
  } catch (cause) {
    return { id, refusal: (cause as Error).message, isGraphqlError: cause instanceof GraphQLError }
  }
}
