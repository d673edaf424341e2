/** What is done now and then: keys made ahead, and rows dropped that can mean nothing any more. */
import type { AuthDatabase } from './database.ts'
import type { KeyLifecycle } from './tokens/key-lifecycle.ts'

export interface Housekeeping {
  stop(): void
}

/** In milliseconds: an hour, and 30 days. */
const interval = 60 * 60 * 1000
const kept = 30 * 24 * interval

/** Begins at once, and comes back every hour. Several processes may do it at the same time. */
export function housekeeping(
  database: AuthDatabase,
  lifecycle: KeyLifecycle,
  now: () => number,
): Housekeeping {
  const run = () =>
    tidy().catch((cause: Error) => console.error(`auth: housekeeping failed: ${cause.message}`))
  const timer = setInterval(run, interval)
  timer.unref()
  void run()
  return { stop: () => clearInterval(timer) }

  async function tidy(): Promise<void> {
    await lifecycle.provide()
    // Their refresh tokens go with the sessions.
    await database
      .deleteFrom('auth_sessions')
      .where('expires_at', '<', now() - kept)
      .execute()
    await database.deleteFrom('auth_password_resets').where('expires_at', '<', now()).execute()
    await database.deleteFrom('auth_challenges').where('expires_at', '<', now()).execute()
    await database.deleteFrom('auth_devices').where('expires_at', '<', now()).execute()
    await database.deleteFrom('auth_subject_cut_offs').where('expires_at', '<', now()).execute()
    await database
      .deleteFrom('auth_throttles')
      .where('used_at', '<', now() - kept)
      .execute()
  }
}
