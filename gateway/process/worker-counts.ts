/** What all workers together have counted and measured, those that have ended included. */
import { addedUp, lastingCounts } from './metrics.ts'
import type { ProcessMetrics } from './metrics.ts'
import { nothingServed, sumOfCounts } from './served-counts.ts'
import type { ServedCounts } from './served-counts.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface WorkerCounts {
  /** Returns the metrics of these workers and of the primary as those of one process, as Prometheus reads them. */
  metrics(workers: readonly WorkerProcess[], ofPrimary: ProcessMetrics): Promise<string>
  /** Returns the sum of what they have served. */
  served(workers: readonly WorkerProcess[]): Promise<ServedCounts>
  /** Returns how many workers have ended unexpectedly. */
  ended(): number
  /** Keeps the counts of a worker that has ended, as they were last read. */
  keep(worker: WorkerProcess): Promise<void>
}

/** Returns the initial counts. */
export function workerCounts(): WorkerCounts {
  const lastMetrics = new WeakMap<WorkerProcess, ProcessMetrics>()
  const lastServed = new WeakMap<WorkerProcess, ServedCounts>()
  let metricsOfEnded: ProcessMetrics = []
  let servedByEnded = nothingServed()
  let ended = 0

  return {
    async metrics(workers, ofPrimary) {
      const current = await Promise.all(workers.map((worker) => readMetrics(worker)))
      return addedUp([ofPrimary, metricsOfEnded, ...current]).metrics()
    },
    async served(workers) {
      const current = await Promise.all(workers.map((worker) => readServed(worker)))
      return current.reduce(sumOfCounts, servedByEnded)
    },
    ended: () => ended,
    async keep(worker) {
      ended++
      servedByEnded = sumOfCounts(servedByEnded, lastServed.get(worker) ?? nothingServed())
      metricsOfEnded = await lastingCounts([metricsOfEnded, lastMetrics.get(worker) ?? []])
    },
  }

  async function readMetrics(worker: WorkerProcess): Promise<ProcessMetrics> {
    const last = () => lastMetrics.get(worker) ?? []
    const metrics = await worker.probes.metrics().catch(last)
    lastMetrics.set(worker, metrics)
    return metrics
  }

  async function readServed(worker: WorkerProcess): Promise<ServedCounts> {
    const last = () => lastServed.get(worker) ?? nothingServed()
    const served = await worker.probes.served().catch(last)
    lastServed.set(worker, served)
    return served
  }
}
