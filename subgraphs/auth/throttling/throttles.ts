/**
 * Counters of attempts, in the database, so that all auth processes share them. A single statement
 * counts and decides, so that no concurrent attempt slips through in between.
 */
import { sql } from 'kysely'
import type { AuthDatabase } from '../database.ts'

/** `later`: all remaining attempts are in progress, and their outcome decides. */
export type AttemptDecision = 'allowed' | 'refused' | 'later'

export interface Throttles {
  /**
   * Counts an attempt and returns whether it is allowed. After `free` failures in a row a key has to
   * wait for 1 second, then 2, 4 ... `longest`, and forever after `most`. An allowed attempt must be
   * followed by a call that reports its outcome; without one it counts as a failure.
   */
  begin(transaction: AuthDatabase, key: string): Promise<AttemptDecision>
  failed(transaction: AuthDatabase, key: string): Promise<void>
  succeeded(transaction: AuthDatabase, key: string): Promise<void>
  /** Reports an attempt that neither failed nor succeeded. */
  abandoned(transaction: AuthDatabase, key: string): Promise<void>
  /** Resets the counter of the key. */
  forget(transaction: AuthDatabase, key: string): Promise<void>

  /**
   * Counts an attempt. Returns 0 if it is allowed; after `limit` attempts within the window, the time
   * until the window ends, in milliseconds.
   */
  windowed(transaction: AuthDatabase, key: string, limit: WindowLimit): Promise<number>
  /** Uncounts an attempt of a window that succeeded. */
  refund(transaction: AuthDatabase, key: string): Promise<void>
}

export interface WindowLimit {
  limit: number
  /** In milliseconds. */
  window: number
}

/** For attempts at one account (NIST SP 800-63B-4 section 3.2.2 allows 100 in a row at most). */
export const escalation = { free: 5, most: 100, first: 1000, longest: 900_000 }

/** How long to wait for the outcome of an attempt, in milliseconds. */
const longestTry = 8_000

/** Practically forever, in milliseconds: ten years. */
const forGood = 10 * 365 * 24 * 60 * 60 * 1000

const decisions: readonly AttemptDecision[] = ['refused', 'allowed', 'later']

export function throttleStore(now: () => number): Throttles {
  return {
    async begin(transaction, key) {
      const at = now()
      const isLost = sql`auth_throttles.pending_until <= ${at}`
      const failures = sql<number>`auth_throttles.failures + case when ${isLost} then auth_throttles.pending else 0 end`
      const pending = sql<number>`case when ${isLost} then 0 else auth_throttles.pending end`
      const admission = sql<number>`case when auth_throttles.blocked_until > ${at} then 0 when (${failures}) + (${pending}) < ${sql.lit(escalation.free)} or (${pending}) = 0 then 1 else 2 end`
      const row = await transaction
        .insertInto('auth_throttles')
        .values({
          key,
          attempts: 1,
          failures: 0,
          pending: 1,
          pending_until: at + longestTry,
          blocked_until: 0,
          admission: 1,
          used_at: at,
        })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({
            attempts: sql`auth_throttles.attempts + case when ${admission} = 2 then 0 else 1 end`,
            failures,
            pending: sql`(${pending}) + case when ${admission} = 1 then 1 else 0 end`,
            pending_until: sql`case when ${admission} = 1 or ${isLost} then ${milliseconds(at + longestTry)} else auth_throttles.pending_until end`,
            admission,
            used_at: at,
          }),
        )
        .returning('admission')
        .executeTakeFirstOrThrow()
      return decisions[row.admission]!
    },

    async failed(transaction, key) {
      await transaction
        .updateTable('auth_throttles')
        .set({
          failures: sql`failures + 1`,
          pending: sql`case when pending > 0 then pending - 1 else 0 end`,
          blocked_until: sql`case when failures + 1 < ${sql.lit(escalation.free)} then 0 else ${milliseconds(now())} + ${pauseAfter(sql`failures + 1`)} end`,
        })
        .where('key', '=', key)
        .execute()
    },

    async succeeded(transaction, key) {
      await transaction
        .updateTable('auth_throttles')
        .set({
          failures: 0,
          pending: sql`case when pending > 0 then pending - 1 else 0 end`,
          blocked_until: 0,
        })
        .where('key', '=', key)
        .execute()
    },

    async abandoned(transaction, key) {
      await transaction
        .updateTable('auth_throttles')
        .set({ pending: sql`case when pending > 0 then pending - 1 else 0 end` })
        .where('key', '=', key)
        .execute()
    },

    async forget(transaction, key) {
      await transaction.deleteFrom('auth_throttles').where('key', '=', key).execute()
    },

    async windowed(transaction, key, { limit, window }) {
      const at = now()
      const isOver = sql`auth_throttles.blocked_until <= ${at}`
      const { attempts, blocked_until } = await transaction
        .insertInto('auth_throttles')
        .values({
          key,
          attempts: 1,
          failures: 0,
          pending: 0,
          pending_until: at,
          blocked_until: at + window,
          admission: 1,
          used_at: at,
        })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({
            attempts: sql`case when ${isOver} then 1 else auth_throttles.attempts + 1 end`,
            blocked_until: sql`case when ${isOver} then ${milliseconds(at + window)} else auth_throttles.blocked_until end`,
            used_at: at,
          }),
        )
        .returning(['attempts', 'blocked_until'])
        .executeTakeFirstOrThrow()
      return attempts <= limit ? 0 : Math.max(1, blocked_until - at)
    },

    async refund(transaction, key) {
      await transaction
        .updateTable('auth_throttles')
        .set({ attempts: sql`attempts - 1` })
        .where('key', '=', key)
        .where('attempts', '>', 0)
        .execute()
    },
  }
}

/** The pause after this number of failures, as a table that both databases can evaluate. */
function pauseAfter(failures: ReturnType<typeof sql>) {
  const { free, most, first, longest } = escalation
  const steps = Array.from({ length: most }, (_, index) => index + 1)
    .map((count) => ({ count, pause: first * 2 ** (count - free) }))
    .filter(({ count, pause }) => count >= free && pause < longest)
    .map(({ count, pause }) => sql`when ${failures} = ${sql.lit(count)} then ${sql.lit(pause)}`)
  return sql`case when ${failures} >= ${sql.lit(most)} then ${sql.lit(forGood)} ${sql.join(steps, sql` `)} else ${sql.lit(longest)} end`
}

/** Without the cast, PostgreSQL infers a 32-bit integer next to small numbers. */
function milliseconds(value: number) {
  return sql`cast(${value} as bigint)`
}
