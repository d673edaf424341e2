/**
 * Devices that have logged in to an account before, recognized by a token that login returns (a device
 * cookie, in OWASP's words). It grants no access: it only counts its owner's attempts separately.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { AuthDatabase } from '../database.ts'

export interface KnownDevices {
  /** Returns the device if the token belongs to the account. */
  find(token: string | undefined, accountId: string | undefined): Promise<string | undefined>
  /** Returns a token for a device that has just logged in. */
  remember(transaction: AuthDatabase, accountId: string): Promise<string>
}

/** In milliseconds: a year. */
const lifetime = 365 * 24 * 60 * 60 * 1000

/** Keeps a program that logs in again each time from filling the table. */
const mostOfAccount = 20

export function knownDeviceStore(database: AuthDatabase, now: () => number): KnownDevices {
  return {
    async find(token, accountId) {
      // Queried in any case, so that an unknown account takes the same time.
      const row = await database
        .selectFrom('auth_devices')
        .select('hash')
        .where('hash', '=', hashOf(token ?? ''))
        .where('account_id', '=', accountId ?? '')
        .where('expires_at', '>', now())
        .executeTakeFirst()
      return row?.hash
    },

    async remember(transaction, accountId) {
      const token = randomBytes(32).toString('base64url')
      await transaction
        .insertInto('auth_devices')
        .values({ hash: hashOf(token), account_id: accountId, expires_at: now() + lifetime })
        .execute()
      await transaction
        .deleteFrom('auth_devices')
        .where('account_id', '=', accountId)
        .where('hash', 'not in', (newest) =>
          newest
            .selectFrom('auth_devices')
            .select('hash')
            .where('account_id', '=', accountId)
            .orderBy('expires_at', 'desc')
            .limit(mostOfAccount),
        )
        .execute()
      return token
    },
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
