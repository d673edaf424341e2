import { tooBusy } from '../passwords/hashing-queue.ts'
import type { AuthDatabase } from '../database.ts'
import type { Throttles } from './throttles.ts'

export interface PatientTries {
  /**
   * Whether a try may be made at the key; waits while others are under way that decide it. So that
   * several logins of one person at once are not taken for guessing.
   */
  begin(key: string): Promise<boolean>
}

/** In milliseconds. */
const pause = 40
const longestWait = 10_000

export function patientTries(database: AuthDatabase, throttles: Throttles): PatientTries {
  /** By key, what the next in this process waits for: they ask the database one after another. */
  const lines = new Map<string, Promise<unknown>>()

  return {
    begin(key) {
      const turn = (lines.get(key) ?? Promise.resolve()).catch(() => {}).then(() => admit(key))
      lines.set(key, turn)
      const leave = () => lines.get(key) === turn && lines.delete(key)
      turn.then(leave, leave)
      return turn
    },
  }

  async function admit(key: string): Promise<boolean> {
    const deadline = performance.now() + longestWait
    for (;;) {
      const admission = await throttles.begin(database, key)
      if (admission !== 'later') return admission === 'admitted'
      if (performance.now() > deadline) throw tooBusy()
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}
