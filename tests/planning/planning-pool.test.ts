/** In which order operations are planned, and what happens to those that take too long. */
import { afterEach, expect, test } from '@jest/globals'
import { MessageChannel } from 'node:worker_threads'
import { parse } from 'graphql'
import { planningPool } from '../../gateway/planning/planning-pool.ts'
import type { PlanningPoolOptions } from '../../gateway/planning/planning-pool.ts'
import { PlanningThreadLost } from '../../gateway/planning/planning-thread.ts'
import type { PlanningThread, SupergraphRead } from '../../gateway/planning/planning-thread.ts'
import { until } from '../support/until.ts'

const hard = 1_000_000
const document = parse('{ f }')
const read = { outcome: 'read' } as SupergraphRead

/** A thread that plans until the test decides the outcome. */
interface Controlled {
  planned: string | undefined
  isClosed: boolean
  heap: number
  finish(): void
  lose(cause?: unknown): void
}

const pools: ReturnType<typeof planningPool>[] = []
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())))

function start({
  reads = () => Promise.resolve(read),
  ...options
}: Partial<PlanningPoolOptions> & { reads?: () => Promise<SupergraphRead> } = {}) {
  const threads: Controlled[] = []
  const pool = planningPool({
    timeLimit: 60_000,
    ...options,
    startThread() {
      const thread: Controlled = {
        planned: undefined,
        isClosed: false,
        heap: 0,
        finish: () => {},
        lose: () => {},
      }
      threads.push(thread)
      return {
        read: reads,
        plan: ({ operationName }) =>
          new Promise((resolve, reject) => {
            thread.planned = operationName
            const settled = (settle: () => void) => {
              thread.planned = undefined
              settle()
            }
            thread.finish = () => settled(() => resolve({ kind: 'QueryPlan' }))
            thread.lose = (cause) => settled(() => reject(new PlanningThreadLost(cause)))
          }),
        heapGrowth: () => thread.heap,
        close: async () => void (thread.isClosed = true),
      } satisfies PlanningThread
    },
  })
  pools.push(pool)
  const plan = (operationName: string, cost: number, signal?: AbortSignal) => {
    const outcome = pool.plan({ document, operationName }, { cost, signal }).then(
      () => 'planned',
      (cause: Error & { reason?: string }) => cause.reason ?? cause.name,
    )
    return outcome
  }
  const open = () => threads.filter(({ isClosed }) => !isClosed)
  const planned = () => open().flatMap((thread) => thread.planned ?? [])
  const finish = (name: string) =>
    open()
      .find((thread) => thread.planned === name)!
      .finish()
  return { pool, threads, open, plan, planned, finish }
}

test('the cheapest operation is planned first, by one thread while none is hard', async () => {
  const { plan, planned, finish, threads } = start()
  const outcomes = [plan('first', 9), plan('dear', 8), plan('cheap', 1), plan('middle', 5)]
  for (const name of ['cheap', 'middle', 'dear', 'first']) {
    await until(() => planned().length > 0)
    expect(planned()).toEqual([name])
    finish(name)
  }
  expect(await Promise.all(outcomes)).toEqual(Array(4).fill('planned'))
  expect(threads).toHaveLength(1)
})

test('hard operations are planned one at a time, and easy ones meanwhile', async () => {
  const { plan, planned, finish, open } = start()
  const outcomes = [plan('hard1', hard), plan('hard2', hard + 1), plan('easy1', 1)]
  await until(() => planned().length === 2)
  expect(planned().sort()).toEqual(['easy1', 'hard1'])
  finish('easy1')
  outcomes.push(plan('easy2', 2))
  await until(() => planned().includes('easy2'))
  finish('easy2')
  expect(planned()).toEqual(['hard1'])
  finish('hard1')
  await until(() => planned().includes('hard2'))
  finish('hard2')
  expect(await Promise.all(outcomes)).toEqual(Array(4).fill('planned'))
  expect(open()).toHaveLength(2)
})

test('an operation that turns out to be hard makes room for easy ones', async () => {
  const { plan, planned, finish } = start()
  const outcomes = [plan('hard', hard), plan('slow', 1)]
  await until(() => planned().length === 2)
  outcomes.push(plan('easy', 2))
  await until(() => planned().includes('easy'))
  expect(planned().sort()).toEqual(['easy', 'hard'])
  finish('easy')
  finish('hard')
  await until(() => planned().includes('slow'))
  finish('slow')
  expect(await Promise.all(outcomes)).toEqual(Array(3).fill('planned'))
})

test('an operation that takes longer than the limit is refused, and its thread is replaced', async () => {
  const { plan, planned, finish, threads } = start({ timeLimit: 50 })
  expect(await plan('endless', 1)).toBe('OPERATION_TOO_COMPLEX')
  expect(threads[0]!.isClosed).toBe(true)
  const next = plan('next', 1)
  await until(() => planned().includes('next'))
  finish('next')
  expect(await next).toBe('planned')
})

test('a plan that arrived while the event loop was busy counts, however late it is read', async () => {
  const { plan, planned, threads } = start({ timeLimit: 300 })
  const outcome = plan('late', 1)
  await until(() => planned().length === 1)
  const { port1, port2 } = new MessageChannel()
  port2.once('message', () => threads[0]!.finish())
  setImmediate(() => port1.postMessage('planned'))
  // After this, the event loop comes to its timers first, and to messages after them.
  setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500))
  expect(await outcome).toBe('planned')
  port1.close()
})

test('of too many operations, the most expensive one is refused', async () => {
  const { plan, planned, finish } = start({ queueLimit: 2 })
  const first = plan('first', 1)
  await until(() => planned().length === 1)
  const outcomes = [plan('a', 5), plan('dear', 9), plan('b', 3)]
  expect(await outcomes[1]).toBe('SERVICE_UNAVAILABLE')
  for (const name of ['first', 'b', 'a']) {
    await until(() => planned().includes(name))
    finish(name)
  }
  expect(await Promise.all([first, ...outcomes])).toEqual([
    'planned',
    'planned',
    'SERVICE_UNAVAILABLE',
    'planned',
  ])
})

test('an operation that no request waits for any longer leaves the queue', async () => {
  const { plan, planned, finish } = start()
  const first = plan('first', 1)
  await until(() => planned().length === 1)
  const client = new AbortController()
  const abandoned = plan('abandoned', 1, client.signal)
  const last = plan('last', 2)
  client.abort()
  expect(await abandoned).toBe('SERVICE_UNAVAILABLE')
  for (const name of ['first', 'last']) {
    await until(() => planned().includes(name))
    finish(name)
  }
  expect(await Promise.all([first, last])).toEqual(['planned', 'planned'])
})

test('a thread whose heap has grown is replaced', async () => {
  const { plan, planned, finish, threads } = start()
  const first = plan('first', 1)
  await until(() => planned().length === 1)
  threads[0]!.heap = 500 * 1024 * 1024
  finish('first')
  expect(await first).toBe('planned')
  expect(threads[0]!.isClosed).toBe(true)
})

test('when a thread is lost, another one plans; one that ran out of memory is not tried again', async () => {
  const { plan, planned, finish, open } = start()
  const outcome = plan('unlucky', 1)
  await until(() => planned().length === 1)
  open()[0]!.lose()
  await until(() => planned().length === 1)
  finish('unlucky')
  expect(await outcome).toBe('planned')

  const large = plan('large', 1)
  await until(() => planned().length === 1)
  open()[0]!.lose(Object.assign(new Error(), { code: 'ERR_WORKER_OUT_OF_MEMORY' }))
  expect(await large).toBe('OPERATION_TOO_COMPLEX')
})

test('when no thread can be started, operations are not left waiting', async () => {
  const reads = () => Promise.reject(new PlanningThreadLost())
  const { plan, threads } = start({ reads })
  expect(await plan('any', 1)).toBe('PlanningThreadLost')
  expect(threads).toHaveLength(2)
  expect(threads.every(({ isClosed }) => isClosed)).toBe(true)
})
