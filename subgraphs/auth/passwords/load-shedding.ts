import { tooBusy } from './hashing-queue.ts'

export type BoundedEntry = <T>(act: () => Promise<T>) => Promise<T>

/**
 * Returns a function that does something unless so many are doing it already. Who cannot get a place
 * in the hashing queue anyway is told so before the database is asked anything.
 */
export function boundedEntry(most: number): BoundedEntry {
  let inside = 0
  return async (act) => {
    if (inside >= most) throw tooBusy()
    inside++
    try {
      return await act()
    } finally {
      inside--
    }
  }
}
