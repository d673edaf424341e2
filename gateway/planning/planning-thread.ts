/**
 * A thread that plans: finding a plan can take long, and nobody else shall wait for it. It holds a
 * planner of its own, for one supergraph.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { QueryPlan } from '@apollo/query-planner'
import { GraphQLError, print } from 'graphql'
import type { OperationToPlan } from './plan-operation.ts'

export interface PlanningThread {
  /** Rejects as planning here would; when the thread is lost, with a PlanningThreadLost. */
  plan(operation: OperationToPlan): Promise<QueryPlan>
  close(): Promise<void>
}

export class PlanningThreadLost extends Error {
  override name = 'PlanningThreadLost'
}

/** What the thread is asked. */
export interface PlanningTask {
  readonly id: number
  readonly text: string
  readonly operationName: string | undefined
  readonly overrideLabels: readonly string[]
}

/** What it answers. */
export type PlanningResult =
  | { readonly id: number; readonly plan: QueryPlan }
  | { readonly id: number; readonly refusal: string; readonly isGraphqlError: boolean }

interface Waiting {
  readonly resolve: (plan: QueryPlan) => void
  readonly reject: (cause: Error) => void
}

/** Starts the thread for a supergraph. */
export function planningThread(supergraphSdl: string): PlanningThread {
  const worker = startWorker(supergraphSdl)
  const waiting = new Map<number, Waiting>()
  let tasks = 0
  let isLost = false
  worker.unref()
  worker.on('message', settle)
  worker.on('error', lose)
  worker.on('exit', lose)

  return {
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
    if (waiting.size === 0) worker.unref()
    if ('plan' in result) task?.resolve(result.plan)
    else task?.reject(refusalOf(result))
  }

  function lose(): void {
    isLost = true
    for (const { reject } of waiting.values()) reject(new PlanningThreadLost())
    waiting.clear()
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
  const { resolve } = createRequire(import.meta.url)
  const loader = JSON.stringify(pathToFileURL(resolve('tsx/esm/api')).href)
  const module = JSON.stringify(new URL('plan-in-thread.ts', import.meta.url).href)
  const code = `import(${loader}).then((tsx) => { tsx.register(); return import(${module}) })`
  return new Worker(code, { eval: true, workerData })
}
