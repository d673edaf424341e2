import type { GraphQLError } from 'graphql'
import { overloaded } from '../../kit/retry-later.ts'

export interface HashingQueueOptions {
  /** How many hashes are computed at once. */
  parallel: number
  /** How many may wait; whoever comes then is told to come back. */
  waiting: number
}

export type HashingQueue = <T>(task: () => Promise<T>) => Promise<T>

/**
 * Returns a function that runs a task when it is its turn. A flood of logins fills this queue, and
 * nothing else: the rest of the process goes on.
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
      // The place goes to the next in line, so that nobody can slip in between.
      const next = queue.shift()
      if (next) next()
      else running--
    }
  }
}

/** Returns the error of a queue that is full: a place in it is free within a second. */
export function tooBusy(): GraphQLError {
  return overloaded(1)
}
