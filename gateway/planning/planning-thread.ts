/**
 * A thread that plans: to find a plan can take long, and so can making a planner; nobody else shall
 * wait for it. It holds a planner of its own, for one supergraph.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { QueryPlan } from '@apollo/query-planner'
import { GraphQLError, print } from 'graphql'
import type { OperationToPlan } from './plan-operation.ts'
import type { SupergraphFacts } from './supergraph-facts.ts'

export interface PlanningThread {
  /** What the thread has read of the supergraph; rejects when it was lost, with a PlanningThreadLost. */
  read(): Promise<SupergraphRead>
  /** Rejects as planning here would; when the thread is lost, with a PlanningThreadLost. */
  plan(operation: OperationToPlan): Promise<QueryPlan>
  close(): Promise<void>
}

export class PlanningThreadLost extends Error {
  override name = 'PlanningThreadLost'
}

/** What the thread tells first. */
export type SupergraphRead =
  | {
      readonly outcome: 'read'
      /** The text of the schema that clients see: it is valid. */
      readonly apiSdl: string
      readonly facts: SupergraphFacts
    }
  | { readonly outcome: 'refused'; readonly reason: string }

/** What the thread is asked. */
export interface PlanningTask {
  readonly id: number
  readonly text: string
  readonly operationName: string | undefined
  readonly overrideLabels: readonly string[]
}

/** What it answers to that. */
export type PlanningResult =
  | { readonly id: number; readonly plan: QueryPlan }
  | { readonly id: number; readonly refusal: string; readonly isGraphqlError: boolean }

interface Waiting<Value> {
  readonly resolve: (value: Value) => void
  readonly reject: (cause: Error) => void
}

/** Starts the thread for a supergraph. */
export function planningThread(supergraphSdl: string): PlanningThread {
  const worker = startWorker(supergraphSdl)
  const waiting = new Map<number, Waiting<QueryPlan>>()
  const readers: Waiting<SupergraphRead>[] = []
  let supergraph: SupergraphRead | undefined
  let tasks = 0
  let isLost = false
  worker.unref()
  worker.once('message', (read: SupergraphRead) => {
    supergraph = read
    for (const { resolve } of readers.splice(0)) resolve(read)
    unrefWhenIdle()
    worker.on('message', settle)
  })
  worker.on('error', lose)
  worker.on('exit', lose)

  return {
    read() {
      if (supergraph) return Promise.resolve(supergraph)
      if (isLost) return Promise.reject(new PlanningThreadLost())
      return new Promise((resolve, reject) => {
        readers.push({ resolve, reject })
        worker.ref()
      })
    },
    plan({ document, operationName, overrideLabels = [] }) {
      if (isLost) return Promise.reject(new PlanningThreadLost())
      const id = tasks++
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        worker.ref()
        const task: PlanningTask = { id, text: print(document), operationName, overrideLabels }
        worker.postMessage(task)
      })
    },
    close: async () => void (await worker.terminate()),
  }

  function settle(result: PlanningResult): void {
    const task = waiting.get(result.id)
    waiting.delete(result.id)
    unrefWhenIdle()
    if ('plan' in result) task?.resolve(result.plan)
    else task?.reject(refusalOf(result))
  }

  /** Nobody has to stay for a thread of which nothing is expected. */
  function unrefWhenIdle(): void {
    if (waiting.size === 0 && readers.length === 0) worker.unref()
  }

  function lose(): void {
    isLost = true
    for (const { reject } of [...waiting.values(), ...readers]) reject(new PlanningThreadLost())
    waiting.clear()
    readers.length = 0
  }
}

function refusalOf({ refusal, isGraphqlError }: Extract<PlanningResult, { refusal: string }>) {
  return isGraphqlError ? new GraphQLError(refusal) : new Error(refusal)
}

function startWorker(workerData: string): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('plan-in-thread.js', import.meta.url), { workerData })
  }
  // In development: tsx does not reach into threads by itself on Node 20.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))
  const loader = JSON.stringify(new URL('dist/esm/api/index.mjs', tsx).href)
  const module = JSON.stringify(new URL('plan-in-thread.ts', import.meta.url).href)
  const code = `import(${loader}).then((tsx) => { tsx.register(); return import(${module}) })`
  return new Worker(code, { eval: true, workerData })
}
