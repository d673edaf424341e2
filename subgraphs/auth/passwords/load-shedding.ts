import { tooBusy } from './hashing-queue.ts'

export type ShedLoad = <T>(act: () => Promise<T>) => Promise<T>

/**
 * Returns a function that runs a task, unless `most` tasks are running: then it throws a
 * SERVICE_OVERLOADED error. A login that would find the hashing queue full is refused before it
 * costs a database query.
 */
export function loadShedder(most: number): ShedLoad {
  let running = 0
  return async (act) => {
    if (running >= most) throw tooBusy()
    running++
    try {
      return await act()
    } finally {
      running--
    }
  }
}
