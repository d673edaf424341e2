/**
 * A thread that plans operations of one supergraph, with a planner of its own. Making a planner and
 * finding a plan can take long: other requests do not wait for it.
 */
import type { QueryPlan } from '@apollo/query-planner'
import { GraphQLError, print } from 'graphql'
import { ownThread } from '../../subgraphs/kit/process/own-thread.ts'
import { GatewayError } from '../errors.ts'
import type { OperationToPlan } from './passes.ts'
import type { SupergraphFacts } from './supergraph-facts.ts'

/** A thread with a planner. */
export interface PlanningThread {
  /** Returns what the thread has read of the supergraph. Rejects with a PlanningThreadLost. */
  read(): Promise<SupergraphRead>
  /** Returns the plan. Rejects as planning here would; when the thread is lost, with a PlanningThreadLost. */
  plan(operation: OperationToPlan): Promise<QueryPlan>
  /** Returns how much the thread's heap has grown since it read the supergraph, in bytes. */
  heapGrowth(): number
  close(): Promise<void>
}

/** The thread has ended before it had a result. */
export class PlanningThreadLost extends Error {
  override name = 'PlanningThreadLost'
  /** Whether the thread ended because its heap was full. */
  readonly isOutOfMemory: boolean

  constructor(cause?: unknown) {
    super('A planning thread ended', { cause })
    this.isOutOfMemory = (cause as NodeJS.ErrnoException)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
  }
}

/** The first message of the thread: what it has read of the supergraph. */
export type SupergraphRead =
  | {
      readonly outcome: 'read'
      /** The text of the schema that clients see: it is valid. */
      readonly apiSdl: string
      readonly facts: SupergraphFacts
      /** The size of the thread's heap, in bytes. */
      readonly heap: number
    }
  | { readonly outcome: 'refused'; readonly reason: string }

/** A message to the thread: an operation to plan. */
export interface PlanningTask {
  readonly id: number
  readonly text: string
  readonly operationName: string | undefined
  readonly overrideLabels: readonly string[]
}

/** The message of the thread about a task. */
export type PlanningResult = PlanningOutcome & {
  readonly id: number
  /** The size of the thread's heap, in bytes. */
  readonly heap: number
}

export type PlanningOutcome = { readonly plan: QueryPlan } | PlanningRefusal

export interface PlanningRefusal {
  readonly refusal: string
  readonly kind: 'too complex' | 'GraphQL' | 'other'
}

interface Waiting<Value> {
  readonly resolve: (value: Value) => void
  readonly reject: (cause: Error) => void
}

/** Starts the thread for a supergraph. */
export function planningThread(supergraphSdl: string): PlanningThread {
  const worker = ownThread('./plan-in-thread', import.meta.url, {
    workerData: supergraphSdl,
    resourceLimits: heapLimits(supergraphSdl),
  })
  const waiting = new Map<number, Waiting<QueryPlan>>()
  const readers: Waiting<SupergraphRead>[] = []
  let supergraph: SupergraphRead | undefined
  let tasks = 0
  let lost: PlanningThreadLost | undefined
  let heapAtFirst = 0
  let heapNow = 0
  worker.unref()
  worker.once('message', (read: SupergraphRead) => {
    supergraph = read
    if (read.outcome === 'read') heapAtFirst = heapNow = read.heap
    for (const { resolve } of readers.splice(0)) resolve(read)
    unrefWhenIdle()
    worker.on('message', settle)
  })
  worker.on('error', lose)
  worker.on('exit', lose)

  return {
    read() {
      if (supergraph) return Promise.resolve(supergraph)
      if (lost) return Promise.reject(lost)
      return new Promise((resolve, reject) => {
        readers.push({ resolve, reject })
        worker.ref()
      })
    },
    plan({ document, operationName, overrideLabels = [] }) {
      if (lost) return Promise.reject(lost)
      const id = tasks++
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        worker.ref()
        const task: PlanningTask = { id, text: print(document), operationName, overrideLabels }
        worker.postMessage(task)
      })
    },
    heapGrowth: () => heapNow - heapAtFirst,
    close: async () => void (await worker.terminate()),
  }

  function settle(result: PlanningResult): void {
    const task = waiting.get(result.id)
    waiting.delete(result.id)
    heapNow = result.heap
    unrefWhenIdle()
    if ('plan' in result) task?.resolve(result.plan)
    else task?.reject(refusalOf(result))
  }

  /** The process may end while no result of the thread is expected. */
  function unrefWhenIdle(): void {
    if (waiting.size === 0 && readers.length === 0) worker.unref()
  }

  function lose(cause: unknown): void {
    lost ??= new PlanningThreadLost(cause)
    for (const { reject } of [...waiting.values(), ...readers]) reject(lost)
    waiting.clear()
    readers.length = 0
  }
}

function refusalOf({ refusal, kind }: PlanningRefusal): Error {
  if (kind === 'too complex') return new GatewayError('OPERATION_TOO_COMPLEX')
  return kind === 'GraphQL' ? new GraphQLError(refusal) : new Error(refusal)
}

/** A planner takes less than 1 KB for each character of the supergraph; planning takes the rest. */
function heapLimits(supergraphSdl: string) {
  return {
    maxOldGenerationSizeMb: 256 + Math.ceil(supergraphSdl.length / 1024),
    maxYoungGenerationSizeMb: 48,
  }
}
