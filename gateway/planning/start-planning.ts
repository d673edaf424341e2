/** Plans operations in this thread, or in a thread of their own where planning would delay other requests. */
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

/** Where and how long operations are planned. */
export interface PlanningOptions {
  /**
   * What is planned in a thread: everything, or, by default, what takes long because the supergraph or
   * the operation is large.
   */
  planningThread?: 'always' | 'when large' | undefined
  /**
   * Whether requests are served meanwhile, which must not wait: then a thread also reads a supergraph of
   * medium size, although that takes longer than reading it here. Default: false.
   */
  whileServing?: boolean | undefined
  /** The longest that an operation is planned by a thread, in milliseconds; default 3,000. */
  planningTime?: number | undefined
}

/** The planning of one supergraph. */
export interface Planning {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  readonly facts: SupergraphFacts
  /**
   * Returns the plan. Rejects with a GatewayError when the operation is too complex, or when too many
   * are waiting.
   *
   * @param size of the operation's text, in characters
   * @param signal aborted when no request waits for the plan any longer
   */
  plan(operation: OperationToPlan, size: number, signal?: AbortSignal): Promise<QueryPlan>
  /** Ends the threads. */
  close(): Promise<void>
}

/** In characters. Below, a plan takes milliseconds; above, it may delay all other requests. */
const largeSupergraph = 50_000
const largeOperation = 2_000
/** The same, in steps of the planner's search. */
const largeCost = 200
/** Below, no slice of the work of reading it takes more than some 20 milliseconds. */
const smallSupergraph = 5_000
const defaultPlanningTime = 3_000

/** Returns the planning of a supergraph. Rejects when the supergraph cannot be used. */
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
          // Only a thread can be interrupted.
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
    // Where only threads plan, no planner is made or kept here. The first thread starts now.
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

/** Returns what the thread has read; rejects if the supergraph cannot be used. */
export async function readInThread(
  thread: Pick<PlanningThread, 'read'>,
): Promise<Pick<Planning, 'apiSchema' | 'facts'>> {
  const read = await thread.read()
  if (read.outcome === 'refused') throw new Error(read.reason)
  const document = parse(read.apiSdl, { noLocation: true })
  await yieldToEventLoop()
  // The thread has built the schema from the same text, and found it valid.
  return {
    apiSchema: buildASTSchema(document, { assumeValid: true, assumeValidSDL: true }),
    facts: read.facts,
  }
}

/** Returns the handler of a rejection that plans without the thread if the thread was lost. */
function whenLost<Value>(instead: () => Promise<Value>): (cause: unknown) => Promise<Value> {
  return (cause) => {
    if (cause instanceof PlanningThreadLost) return instead()
    throw cause
  }
}
