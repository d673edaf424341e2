import type { GraphQLError } from 'graphql'
import { overloaded } from '../../kit/retry-later.ts'

export interface HashingQueueOptions {
  /** How many hashes are computed in parallel. */
  parallel: number
  /** How many may wait; further ones are refused with a SERVICE_OVERLOADED error. */
  waiting: number
}

export type HashingQueue = <T>(task: () => Promise<T>) => Promise<T>

/**
 * Returns a function that runs tasks in order, a limited number in parallel. A flood of logins fills
 * this queue, but does not block the rest of the process.
 */
export function hashingQueue({ parallel, waiting }: HashingQueueOptions): HashingQueue {
  const queue: (() => void)[] = []
  let running = 0

  return async (task) => {
    if (running >= parallel) {
      if (queue.length >= waiting) throw tooBusy()
      await new Promise<void>((resolve) => queue.push(resolve))
    } else {
      running++
    }
    try {
      return await task()
    } finally {
      // The slot goes to the next task in the queue, so that no new one can take it.
      const next = queue.shift()
      if (next) next()
      else running--
    }
  }
}

/** Returns the error of a full queue: it has room again within a second. */
export function tooBusy(): GraphQLError {
  return overloaded(1)
}
