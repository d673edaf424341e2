import { tooBusy } from '../passwords/hashing-queue.ts'
import type { AuthDatabase } from '../database.ts'
import type { Throttles } from './throttles.ts'

export interface SerializedAttempts {
  /**
   * Returns whether an attempt with this key is allowed. While the outcome of concurrent attempts
   * decides that, it waits for them: several logins of one person at the same time are not guessing.
   */
  begin(key: string): Promise<boolean>
}

/** In milliseconds. */
const pause = 40
const longestWait = 10_000

export function serializedAttempts(
  database: AuthDatabase,
  throttles: Throttles,
): SerializedAttempts {
  /** By key, the last attempt of this process: attempts query the database one after another. */
  const lastByKey = new Map<string, Promise<unknown>>()

  return {
    begin(key) {
      const previous = lastByKey.get(key) ?? Promise.resolve()
      const attempt = previous.catch(() => {}).then(() => allow(key))
      lastByKey.set(key, attempt)
      const forget = () => lastByKey.get(key) === attempt && lastByKey.delete(key)
      attempt.then(forget, forget)
      return attempt
    },
  }

  async function allow(key: string): Promise<boolean> {
    const deadline = performance.now() + longestWait
    for (;;) {
      const decision = await throttles.begin(database, key)
      if (decision !== 'later') return decision === 'allowed'
      if (performance.now() > deadline) throw tooBusy()
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}
