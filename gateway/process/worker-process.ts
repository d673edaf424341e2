/** One worker from the view of the primary process: its start, its end, and calls to it. */
import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'
import type { DrainTimes } from '../../subgraphs/kit/process/drain.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import type { GatewaySettings } from './configured-gateway.ts'
import { closeHandedConnections } from './handed-connections.ts'
import { memoryEnvironment } from './memory-settings.ts'
import type { ProcessMetrics } from './metrics.ts'
import { probe } from './probe.ts'
import type { ServedCounts } from './served-counts.ts'
import type { PrimaryProcedures, WorkerProcedures } from './worker-protocol.ts'
import { openRpc } from './worker-rpc.ts'
import type { Call, Channel } from './worker-rpc.ts'

export interface WorkerProcess {
  readonly pid: number | undefined
  readonly call: Call<WorkerProcedures>
  /** Its origin, once it accepts connections; rejects when it ends before. */
  readonly listening: Promise<string>
  readonly ended: Promise<WorkerEnd>
  /** Calls that reject when the worker does not respond in time. */
  readonly probes: {
    metrics(): Promise<ProcessMetrics>
    served(): Promise<ServedCounts>
    unreadiness(): Promise<readonly string[]>
    reportUsage(): Promise<void>
  }
  /** The settings that it started with or adopted last. */
  settings: GatewaySettings | undefined
  /** Whether it serves with the current settings. */
  isServing: boolean
}

export interface WorkerEnd {
  readonly code: number | null
  readonly signal: string | null
  /** Why it could not start; undefined if it did. */
  readonly reason: string | undefined
  /** In milliseconds. */
  readonly lifetime: number
}

/** What all workers may call: the procedures of the primary that are not about one worker's start. */
export type SharedProcedures = Omit<PrimaryProcedures, 'listening' | 'failed'>

/** How much longer than it should a worker may take to stop, in milliseconds. */
const stopMargin = 4_000

/** Returns a new worker process. */
export function startWorkerProcess(procedures: SharedProcedures): WorkerProcess {
  const started = Date.now()
  const fork = cluster.fork({ ...memoryEnvironment, ...process.env })
  closeHandedConnections(fork)
  let succeed: (origin: string) => void
  let fail: (sentence: string) => void
  const listening = new Promise<string>((resolve, reject) => {
    succeed = resolve
    fail = (sentence) => reject(new StartFailure(sentence))
  })
  const call = openRpc<WorkerProcedures>(channelTo(fork), {
    ...procedures,
    settings: () => (worker.settings = procedures.settings()),
    listening: (origin: string) => succeed(origin),
    failed: (sentence: string) => fail(sentence),
  })
  const ended = new Promise<WorkerEnd>((resolve) => {
    fork.once('exit', async (code, signal) => {
      const lifetime = Date.now() - started
      worker.isServing = false
      fail(`a worker ended before it was listening (${signal ?? code})`)
      const reason = await listening.then(
        () => undefined,
        (cause: Error) => cause.message,
      )
      resolve({ code, signal, reason, lifetime })
    })
  })
  const worker: WorkerProcess = {
    pid: fork.process.pid,
    call,
    listening,
    ended,
    probes: {
      metrics: probe(() => call('metrics')),
      served: probe(() => call('served')),
      unreadiness: probe(() => call('unreadiness')),
      reportUsage: probe(() => call('reportUsage')),
    },
    settings: undefined,
    isServing: false,
  }
  return worker
}

function channelTo(fork: Worker): Channel {
  return {
    send: (message) => void fork.send(message as object, () => {}),
    onMessage: (listener) => void fork.on('message', listener),
    onClosed: (listener) => void fork.once('disconnect', listener),
  }
}

/** Resolves when the worker has ended: after its last requests, or when it takes too long for them. */
export async function stopWorkerProcess(worker: WorkerProcess, times: DrainTimes): Promise<void> {
  const { pid, call, ended } = worker
  const kill = () => pid !== undefined && process.kill(pid, 'SIGKILL')
  // Calls are lost until the worker has made its first one, for its settings. It has no clients yet.
  if (worker.settings === undefined) {
    kill()
    return void (await ended)
  }
  const timer = setTimeout(kill, times.announce + times.finish + stopMargin)
  call('stop', times).catch(() => {})
  await ended
  clearTimeout(timer)
}
