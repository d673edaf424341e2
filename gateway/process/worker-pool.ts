/** A fixed number of workers: each that ends is replaced. */
import type { Logger } from 'pino'
import { promptDrain } from '../../subgraphs/kit/process/drain.ts'
import type { DrainTimes } from '../../subgraphs/kit/process/drain.ts'
import type { WorkerCounts } from './worker-counts.ts'
import { startWorkerProcess, stopWorkerProcess } from './worker-process.ts'
import type { SharedProcedures, WorkerProcess } from './worker-process.ts'
import { bringUpToDate } from './worker-reload.ts'
import { endsInARow, isHopeless, pauseBeforeRestart } from './worker-restarts.ts'

export interface WorkerPoolOptions {
  /** The workers that are running: the pool adds and removes them. */
  workers: Set<WorkerProcess>
  procedures: SharedProcedures
  /** Keeps the counts of workers that have ended. */
  counts: WorkerCounts
  /** Called when workers keep ending, so that none serves. */
  giveUp: (sentence: string) => void
  log: Logger
}

/** Returns the workers that serve now. */
export function serving(workers: ReadonlySet<WorkerProcess>): WorkerProcess[] {
  return [...workers].filter(({ isServing }) => isServing)
}

/** Returns a pool without workers. */
export function workerPool(options: WorkerPoolOptions) {
  const { workers, procedures, counts, giveUp, log } = options
  let isStopping = false
  let ends = 0

  return {
    get isStopping() {
      return isStopping
    },
    /** Returns the origin of the workers once that many serve. They start, and warm up, at the same time. */
    async start(count: number): Promise<string> {
      const starting = Array.from({ length: count }, startWorker)
      // The reason of the first one that fails is that of all: it is reported once.
      const [origin] = await Promise.all(starting.map(({ serving }) => serving)).catch(
        async (cause) => {
          if (!isStopping) await stop(promptDrain)
          throw cause
        },
      )
      for (const { worker } of starting) void keepReplaced(worker)
      return origin!
    },
    stop,
  }

  /** `serving` resolves to its origin, once it serves by the current settings. */
  function startWorker() {
    const worker = startWorkerProcess(procedures)
    workers.add(worker)
    void worker.ended.then(() => workers.delete(worker))
    const serving = worker.listening.then(async (origin) => {
      await bringUpToDate(worker, procedures.settings, log)
      worker.isServing = true
      return origin
    })
    serving.catch(() => {})
    return { worker, serving }
  }

  async function keepReplaced(first: WorkerProcess): Promise<void> {
    for (let worker = first; ;) {
      const { code, signal, reason, lifetime } = await worker.ended
      if (isStopping) return
      await counts.keep(worker)
      ends = endsInARow(ends, lifetime)
      const pause = pauseBeforeRestart(ends)
      const details = { worker: worker.pid, code, signal, reason, pause }
      log.error(details, 'a worker has ended: another takes its place')
      if (isHopeless(ends, serving(workers).length)) {
        return giveUp(`no worker is left: ${ends} in a row ended soon after their start`)
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
      if (isStopping) return
      const next = startWorker()
      next.serving.then(
        () => log.info({ worker: next.worker.pid }, 'a worker has taken its place'),
        () => {},
      )
      worker = next.worker
    }
  }

  async function stop(times: DrainTimes): Promise<void> {
    isStopping = true
    await Promise.all([...workers].map((worker) => stopWorkerProcess(worker, times)))
  }
}
