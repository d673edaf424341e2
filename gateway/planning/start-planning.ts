/** Where plans are found: in this thread, or in one of their own, so that nobody waits for another's. */
import type { QueryPlan } from '@apollo/query-planner'
import { buildASTSchema, parse } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import { GatewayError } from '../errors.ts'
import { runInSlices, yieldToEventLoop } from '../slices.ts'
import { operationPlannerInSlices } from './plan-operation.ts'
import type { OperationToPlan } from './passes.ts'
import type { OperationPlanner } from './plan-operation.ts'
import { effortCost } from './planning-effort.ts'
import { planningPool } from './planning-pool.ts'
import { planningThread, PlanningThreadLost } from './planning-thread.ts'
import type { PlanningThread } from './planning-thread.ts'
import type { SupergraphFacts } from './supergraph-facts.ts'

export interface PlanningOptions {
  /**
   * What threads plan: everything, or, the default, what takes long because the supergraph or the
   * operation is large.
   */
  planningThread?: 'always' | 'when large' | undefined
  /**
   * Whether others are served meanwhile, who must not wait: then a thread also reads a supergraph
   * that is not quite small, which takes it longer than it would take here. Default: nobody is.
   */
  whileServing?: boolean | undefined
  /** The longest that an operation is planned by a thread, in milliseconds; default 3,000. */
  planningTime?: number | undefined
}

export interface Planning {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  readonly facts: SupergraphFacts
  /**
   * Rejects with a GatewayError when the operation is too complex, or when too many are waiting.
   *
   * @param size of the operation's text, in characters
   * @param signal aborted when nobody needs the plan any longer
   */
  plan(operation: OperationToPlan, size: number, signal?: AbortSignal): Promise<QueryPlan>
  /** Ends the threads. */
  close(): Promise<void>
}

/** In characters. Below, a plan takes milliseconds; above, it may hold up everybody else. */
const largeSupergraph = 50_000
const largeOperation = 2_000
/** The same, in steps of the planner's search. */
const largeCost = 200
/** Below, no piece of the work of reading it takes more than some 20 milliseconds. */
const smallSupergraph = 5_000
const defaultPlanningTime = 3_000

/** Returns where the plans for a supergraph are found. Rejects when the supergraph cannot be used. */
export async function startPlanning(
  supergraphSdl: string,
  options: PlanningOptions,
): Promise<Planning> {
  const { planningThread: planned, whileServing = false } = options
  const largest = whileServing ? smallSupergraph : largeSupergraph
  const isAllInThread = planned === 'always' || supergraphSdl.length > largest
  const pool = planningPool({
    startThread: () => planningThread(supergraphSdl),
    timeLimit: options.planningTime ?? defaultPlanningTime,
  })
  let planner: Promise<OperationPlanner> | undefined
  const { apiSchema, facts } = await read().catch(async (cause: unknown) => {
    await pool.close()
    throw cause
  })
  const costOf = effortCost(apiSchema, facts.sources, facts.narrowable)

  return {
    apiSchema,
    facts,
    async plan(operation, size, signal) {
      const cost = costOf(operation.document, operation.operationName)
      if (!isAllInThread && size <= largeOperation && cost <= largeCost) return planHere(operation)
      return pool.plan(operation, { cost, signal }).catch(
        whenLost(() => {
          // Nobody but the thread can be interrupted.
          if (cost > largeCost) throw new GatewayError('SERVICE_UNAVAILABLE')
          return planHere(operation)
        }),
      )
    },
    close: () => pool.close(),
  }

  function read(): Promise<Pick<Planning, 'apiSchema' | 'facts'>> {
    const isReadInThread = isAllInThread && (whileServing || planned === 'always')
    if (isReadInThread) return readInThread(pool).catch(whenLost(plannerHere))
    if (!isAllInThread) return plannerHere()
    // What only threads plan is not made ready for planning here, nor kept. The first starts now.
    pool.read().catch(() => {})
    return runInSlices(operationPlannerInSlices(supergraphSdl, false))
  }

  async function planHere(operation: OperationToPlan): Promise<QueryPlan> {
    return (await plannerHere()).plan(operation)
  }

  function plannerHere(): Promise<OperationPlanner> {
    return (planner ??= runInSlices(operationPlannerInSlices(supergraphSdl)))
  }
}

/** Returns what the thread has read; rejects when the supergraph cannot be used. */
export async function readInThread(
  thread: Pick<PlanningThread, 'read'>,
): Promise<Pick<Planning, 'apiSchema' | 'facts'>> {
  const read = await thread.read()
  if (read.outcome === 'refused') throw new Error(read.reason)
  const document = parse(read.apiSdl, { noLocation: true })
  await yieldToEventLoop()
  // The thread has built it of the same text, and found it valid.
  return {
    apiSchema: buildASTSchema(document, { assumeValid: true, assumeValidSDL: true }),
    facts: read.facts,
  }
}

/** Returns the handler that does without the thread, if it was lost. */
function whenLost<Value>(instead: () => Promise<Value>): (cause: unknown) => Promise<Value> {
  return (cause) => {
    if (cause instanceof PlanningThreadLost) return instead()
    throw cause
  }
}
