/** Where plans are found: in this thread, or in one of their own, so that nobody waits for another's. */
import type { QueryPlan } from '@apollo/query-planner'
import { buildASTSchema, parse } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import { inTurns, nextTurn } from '../turns.ts'
import { operationPlannerInTurns } from './plan-operation.ts'
import type { OperationPlanner, OperationToPlan } from './plan-operation.ts'
import { planningThread, PlanningThreadLost } from './planning-thread.ts'
import type { PlanningThread } from './planning-thread.ts'
import type { SupergraphFacts } from './supergraph-facts.ts'

export interface PlanningOptions {
  /**
   * What a thread of its own plans: everything, what takes long because the supergraph or the
   * operation is large, or, the default, nothing.
   */
  planningThread?: 'always' | 'when large' | undefined
  /**
   * Whether others are served meanwhile, who must not wait: then the thread also reads a supergraph
   * that is not quite small, which takes it longer than it would take here. Default: nobody is.
   */
  whileServing?: boolean | undefined
}

export interface Planning {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  readonly facts: SupergraphFacts
  /** @param size of the operation's text, in characters */
  plan(operation: OperationToPlan, size: number): Promise<QueryPlan>
  /** Ends the thread. */
  close(): Promise<void>
}

/** In characters. Below, a plan takes milliseconds; above, it may hold up everybody else. */
const largeSupergraph = 50_000
const largeOperation = 2_000
/** Below, no piece of the work of reading it takes more than some 20 milliseconds. */
const smallSupergraph = 5_000

/** Returns where the plans for a supergraph are found. Rejects when the supergraph cannot be used. */
export async function startPlanning(
  supergraphSdl: string,
  options: PlanningOptions,
): Promise<Planning> {
  const { whileServing = false } = options
  const largest = whileServing ? smallSupergraph : largeSupergraph
  const isAllInThread =
    options.planningThread === 'always' ||
    (options.planningThread === 'when large' && supergraphSdl.length > largest)
  let thread = isAllInThread ? planningThread(supergraphSdl) : undefined
  let planner: Promise<OperationPlanner> | undefined
  const { apiSchema, facts } = await read().catch(async (cause: unknown) => {
    await thread?.close()
    throw cause
  })

  return {
    apiSchema,
    facts,
    async plan(operation, size) {
      const isInThread = isAllInThread || (options.planningThread && size > largeOperation)
      if (!isInThread) return planHere(operation)
      thread ??= planningThread(supergraphSdl)
      return thread.plan(operation).catch(whenLost(() => planHere(operation)))
    },
    close: async () => thread?.close(),
  }

  function read(): Promise<Pick<Planning, 'apiSchema' | 'facts'>> {
    const isReadInThread = whileServing || options.planningThread === 'always'
    if (thread && isReadInThread) return readInThread(thread).catch(whenLost(plannerHere))
    // What only the thread plans is not made ready for planning here, nor kept.
    return thread ? inTurns(operationPlannerInTurns(supergraphSdl, false)) : plannerHere()
  }

  async function planHere(operation: OperationToPlan): Promise<QueryPlan> {
    return (await plannerHere()).plan(operation)
  }

  function plannerHere(): Promise<OperationPlanner> {
    return (planner ??= inTurns(operationPlannerInTurns(supergraphSdl)))
  }
}

/** Returns what the thread has read; rejects when the supergraph cannot be used. */
export async function readInThread(
  thread: Pick<PlanningThread, 'read'>,
): Promise<Pick<Planning, 'apiSchema' | 'facts'>> {
  const read = await thread.read()
  if (read.outcome === 'refused') throw new Error(read.reason)
  const document = parse(read.apiSdl, { noLocation: true })
  await nextTurn()
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
