/**
 * Devices that have logged in to an account before, by a token that login hands out (OWASP calls it
 * a device cookie). It opens nothing: it only keeps its owner's tries apart from everybody else's.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { AuthDatabase } from '../database.ts'

export interface KnownDevices {
  /** Returns the device if the token is one of the account's. */
  find(token: string | undefined, accountId: string | undefined): Promise<string | undefined>
  /** Returns a token for a device that has just logged in. */
  remember(transaction: AuthDatabase, accountId: string): Promise<string>
}

/** In milliseconds: a year. */
const lifetime = 365 * 24 * 60 * 60 * 1000

/** A program that logs in anew each time does not fill the table. */
const mostOfAccount = 20

export function knownDeviceStore(database: AuthDatabase, now: () => number): KnownDevices {
  return {
    async find(token, accountId) {
      // Asked in any case: the answer for an unknown account takes no less time.
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
