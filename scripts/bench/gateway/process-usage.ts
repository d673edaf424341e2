/** Reads from Linux what a process has used. The process takes no part in it, in whatever language it is written. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { StartFailure } from '../../../subgraphs/kit/process/start-failure.ts'

export interface ProcessUsage {
  /** Microseconds of CPU time so far, of all threads. */
  readonly cpu: number
  /** Resident bytes now. */
  readonly memory: number
  /** The most resident bytes since `restartPeak`. */
  readonly peak: number
}

export interface UsageReader {
  read(): ProcessUsage
  /** The peak of memory starts again at what is resident now. */
  restartPeak(): void
}

/**
 * Returns the reader of the usage of a process. The CPU time is the scheduler's own count in nanoseconds
 * (/proc/PID/task/TID/schedstat); that of /proc/PID/stat has steps of 10 ms.
 */
export function usageReader(pid: number): UsageReader {
  const folder = `/proc/${pid}`
  /** Nanoseconds by thread; threads that have ended keep theirs. */
  const threads = new Map<string, number>()
  return {
    read() {
      for (const thread of readdirSync(`${folder}/task`)) {
        const count = countOf(`${folder}/task/${thread}/schedstat`)
        if (count !== undefined) threads.set(thread, count)
      }
      const status = readFileSync(`${folder}/status`, 'utf8')
      return {
        cpu: [...threads.values()].reduce((sum, count) => sum + count, 0) / 1_000,
        memory: bytesOf(status, 'VmRSS'),
        peak: bytesOf(status, 'VmHWM'),
      }
    },
    restartPeak: () => writeFileSync(`${folder}/clear_refs`, '5'),
  }
}

/** Throws if this system does not say what processes use. */
export function requireProcessUsage(): void {
  if (countOf('/proc/self/schedstat') !== undefined) return
  throw new StartFailure(
    'this system has no /proc/PID/schedstat, from which the CPU time of each gateway is read: run the benchmark on Linux',
  )
}

/** Returns undefined if the thread has ended meanwhile. */
function countOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8').split(' ')[0])
  } catch {
    return undefined
  }
}

function bytesOf(status: string, line: string): number {
  return Number(new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(status)![1]) * 1_024
}
