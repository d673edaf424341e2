/**
 * The threads that plan operations. The cheapest operation is planned first, and hard operations do not
 * delay the others: a second thread plans them, one at a time. An operation that takes too long is
 * refused, and its thread is replaced, which frees its memory.
 */
import type { QueryPlan } from '@apollo/query-planner'
import { GatewayError } from '../errors.ts'
import type { OperationToPlan } from './passes.ts'
import { planningQueue } from './planning-queue.ts'
import { PlanningThreadLost } from './planning-thread.ts'
import type { PlanningThread } from './planning-thread.ts'

/** How operations are planned. */
export interface PlanningPoolOptions {
  startThread: () => PlanningThread
  /** The longest that an operation is planned, in milliseconds. */
  timeLimit: number
  /** The most operations that wait to be planned. Default 200. */
  queueLimit?: number | undefined
}

/** What is known about the planning of an operation. */
export interface PlanningRequest {
  /** The estimated cost of planning. */
  readonly cost: number
  /** Aborted when no request waits for the plan any longer: the operation leaves the queue. */
  readonly signal?: AbortSignal | undefined
}

interface Task {
  readonly operation: OperationToPlan
  readonly cost: number
  /** Only one hard operation is planned at a time. */
  isHard: boolean
  /** Planning takes so long that the operation counts as hard as soon as no other is hard. */
  isSlow: boolean
  threadsLost: number
  readonly resolve: (plan: QueryPlan) => void
  readonly reject: (cause: unknown) => void
}

/** A thread, and the operation that it plans. */
interface Planner {
  readonly thread: PlanningThread
  isReady: boolean
  task?: Task | undefined
  timers: NodeJS.Timeout[]
}

/** One of them is always available for easy operations. */
const mostThreads = 2
/** An operation is hard when its cost is above, or when planning takes longer, in milliseconds. */
const hardCost = 10_000
const hardTime = 500
/** How long the second thread is kept without work, in milliseconds. */
const idleTime = 30_000
/** A thread is replaced when its heap has grown by more, in bytes. */
const mostHeapGrowth = 128 * 1024 * 1024
/** How often in a row a thread may fail to start. */
const mostFailures = 2

/** Returns the pool. It starts its first thread when it is first used. */
export function planningPool(options: PlanningPoolOptions) {
  const { startThread, timeLimit, queueLimit = 200 } = options
  const queue = planningQueue<Task>(queueLimit)
  /** The oldest first. */
  const planners: Planner[] = []
  const closing = new Set<Promise<void>>()
  let failures = 0
  let isClosed = false

  return {
    /** Returns what the first thread has read of the supergraph. */
    read: () => (planners[0] ?? start()).thread.read(),
    /**
     * Returns the plan. Rejects as planning here would; with a GatewayError when the operation is too
     * complex or the queue is full; with a PlanningThreadLost when no thread can be started, or the pool
     * is closed.
     */
    plan(operation: OperationToPlan, { cost, signal }: PlanningRequest): Promise<QueryPlan> {
      return new Promise((resolve, reject) => {
        if (isClosed) return reject(new PlanningThreadLost())
        if (signal?.aborted) return reject(overloaded())
        const isHard = cost > hardCost
        const task = { operation, cost, isHard, isSlow: false, threadsLost: 0, resolve, reject }
        signal?.addEventListener('abort', () => {
          if (queue.remove(task)) reject(overloaded())
        })
        enqueue(task)
      })
    },
    async close(): Promise<void> {
      isClosed = true
      for (const { reject } of queue.clear()) reject(new PlanningThreadLost())
      for (const planner of [...planners]) end(planner)?.reject(new PlanningThreadLost())
      await Promise.all(closing)
    },
  }

  function enqueue(task: Task): void {
    queue.add(task)?.reject(overloaded())
    distribute()
  }

  /** Starts planning waiting operations in the threads that are free. */
  function distribute(): void {
    if (isClosed) return
    makeRoom()
    if (planners.length === 0 && (queue.hasEasy() || queue.hasHard())) start()
    if (planners.length < mostThreads && (queue.hasHard() || isHardPlanned())) start()
    for (const planner of planners.filter(isFree)) {
      const task = queue.takeEasy()
      if (task) run(planner, task)
    }
    // The oldest thread has planned the most, which has made it fast: it stays free for easy operations.
    const newest = planners.findLast(isFree)
    const isAnotherReady = planners.some((planner) => planner !== newest && planner.isReady)
    const hard = newest && isAnotherReady && !isHardPlanned() ? queue.takeHard() : undefined
    if (newest && hard) run(newest, hard)
  }

  /** A slow operation counts as hard if no other does; else it goes back to the queue for easy ones. */
  function makeRoom(): void {
    const slow = planners.find(({ task }) => task?.isSlow && !task.isHard)
    if (!slow?.task) return
    const isHard = !isHardPlanned()
    if (isHard) slow.task.isHard = true
    else if (queue.hasEasy() && planners.every(({ task }) => task)) {
      const task = end(slow)!
      task.isHard = true
      queue.add(task)?.reject(overloaded())
    }
  }

  function start(): Planner {
    const planner: Planner = { thread: startThread(), isReady: false, timers: [] }
    planners.push(planner)
    planner.thread.read().then(
      ({ outcome }) => (outcome === 'read' ? becomesReady(planner) : failsToStart(planner)),
      (cause: unknown) => failsToStart(planner, cause),
    )
    return planner
  }

  function becomesReady(planner: Planner): void {
    failures = 0
    planner.isReady = true
    endWhenIdle(planner)
    distribute()
  }

  function failsToStart(planner: Planner, cause?: unknown): void {
    if (!planners.includes(planner)) return
    end(planner)
    failures++
    if (failures < mostFailures) return distribute()
    for (const { reject } of queue.clear()) reject(cause ?? new PlanningThreadLost())
  }

  function run(planner: Planner, task: Task): void {
    clearTimers(planner)
    planner.task = task
    planner.timers = [
      // A plan that arrived while this thread was busy is read first.
      setTimeout(() => setImmediate(() => expire(planner, task)), timeLimit),
      setTimeout(() => becomesSlow(task), hardTime),
    ]
    planner.thread.plan(task.operation).then(
      (plan) => settle(planner, task, () => task.resolve(plan)),
      (cause: unknown) => {
        if (cause instanceof PlanningThreadLost) retry(planner, task, cause)
        else settle(planner, task, () => task.reject(cause))
      },
    )
  }

  function becomesSlow(task: Task): void {
    task.isSlow = true
    distribute()
  }

  function expire(planner: Planner, task: Task): void {
    if (planner.task !== task) return
    end(planner)?.reject(new GatewayError('OPERATION_TOO_COMPLEX'))
    distribute()
  }

  function settle(planner: Planner, task: Task, report: () => void): void {
    if (planner.task !== task) return
    clearTimers(planner)
    planner.task = undefined
    report()
    if (planner.thread.heapGrowth() > mostHeapGrowth) end(planner)
    else endWhenIdle(planner)
    distribute()
  }

  /** The thread was lost: another one tries again. */
  function retry(planner: Planner, task: Task, cause: PlanningThreadLost): void {
    if (planner.task !== task) return
    end(planner)
    task.threadsLost++
    if (!cause.isOutOfMemory && task.threadsLost < mostFailures) return enqueue(task)
    task.reject(new GatewayError('OPERATION_TOO_COMPLEX', { cause }))
    distribute()
  }

  function isHardPlanned(): boolean {
    return planners.some(({ task }) => task?.isHard)
  }

  function endWhenIdle(planner: Planner): void {
    const endUnlessAlone = () => {
      if (planners.length > 1) end(planner)
    }
    planner.timers = [setTimeout(endUnlessAlone, idleTime).unref()]
  }

  /** Ends a thread. Returns what it was planning. */
  function end(planner: Planner): Task | undefined {
    const { task } = planner
    clearTimers(planner)
    planner.task = undefined
    planners.splice(planners.indexOf(planner), 1)
    const closed = planner.thread.close().finally(() => closing.delete(closed))
    closing.add(closed)
    return task
  }
}

function isFree({ isReady, task }: Planner): boolean {
  return isReady && !task
}

function clearTimers(planner: Planner): void {
  for (const timer of planner.timers) clearTimeout(timer)
  planner.timers = []
}

function overloaded(): GatewayError {
  return new GatewayError('SERVICE_UNAVAILABLE')
}
