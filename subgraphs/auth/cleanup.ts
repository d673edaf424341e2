/** Hourly cleanup: makes the next signing keys in time, and deletes rows that have expired. */
import type { SubgraphLog } from '../kit/subgraph-log.ts'
import type { AuthDatabase } from './database.ts'
import type { KeyLifecycle } from './tokens/key-lifecycle.ts'

export interface CleanupParts {
  database: AuthDatabase
  lifecycle: KeyLifecycle
  now: () => number
  log: SubgraphLog
}

export interface Cleanup {
  stop(): void
}

/** In milliseconds: an hour, and 30 days. */
const interval = 60 * 60 * 1000
const kept = 30 * 24 * interval

/** Starts the cleanup: now and then every hour. Several processes may run it at the same time. */
export function startCleanup({ database, lifecycle, now, log }: CleanupParts): Cleanup {
  const run = () =>
    cleanUp().catch((cause: Error) => log.error({ reason: cause.message }, 'cleanup failed'))
  const timer = setInterval(run, interval)
  timer.unref()
  void run()
  return { stop: () => clearInterval(timer) }

  async function cleanUp(): Promise<void> {
    await lifecycle.provide()
    // Deleting a session deletes its refresh tokens.
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
