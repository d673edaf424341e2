/**
 * Who may try a password. Four counters, and none tells whether there is such an account:
 *
 *   account   tries at one username, from devices that never logged in to it
 *   device    tries at one username from a device that did: so that whoever tries at somebody's
 *             account cannot lock them out of it
 *   address   tries from one network
 *   password  tries of one password at any account: guessing one password everywhere
 */
import { createHmac, hkdfSync } from 'node:crypto'
import type { CallerClient } from '../../kit/client-headers.ts'
import type { AuthDatabase } from '../database.ts'
import type { KnownDevices } from '../sessions/known-devices.ts'
import { addressRange } from './address-range.ts'
import { patientTries } from './patient-tries.ts'
import type { Throttles, WindowLimit } from './throttles.ts'

export interface LoginTry {
  /** In its canonical form. */
  username: string
  password: string
  client: CallerClient
  deviceToken: string | undefined
}

export interface LoginPermission {
  readonly allowed: boolean
  /** Whether the device has logged in to this account before. */
  readonly knownDevice: boolean
  /** How the try ended, if it was allowed. */
  succeeded(transaction: AuthDatabase): Promise<void>
  failed(transaction: AuthDatabase): Promise<void>
  /** The password was right, and a code is missing: neither a success nor a failure. */
  abandoned(transaction: AuthDatabase): Promise<void>
}

export interface LoginGuardParts {
  database: AuthDatabase
  throttles: Throttles
  devices: KnownDevices
  /** Keys the hashes of usernames and passwords. */
  secret: string
}

export interface LoginGuard {
  /** Counts a try, and says whether it may be made. */
  admit(attempt: LoginTry, accountId: string | undefined): Promise<LoginPermission>
  /** Whether an address may do something costly: sign up, ask for mail. */
  admitAddress(client: CallerClient): Promise<boolean>
  /** Whether a username may get another mail. */
  admitMail(username: string): Promise<boolean>
  /** Starts the counting at an account anew: its owner has proven themselves otherwise. */
  forget(transaction: AuthDatabase, username: string): Promise<void>
}

const minute = 60_000
const perAddress: WindowLimit = { limit: 20, window: minute }
const perPassword: WindowLimit = { limit: 30, window: 60 * minute }
const mailsPerAccount: WindowLimit = { limit: 3, window: 60 * minute }

export function loginGuard({ database, throttles, devices, secret }: LoginGuardParts): LoginGuard {
  const hashKey = new Uint8Array(hkdfSync('sha256', secret, '', 'portcullis throttle keys', 32))
  const hashed = (text: string, length = 43) =>
    createHmac('sha256', hashKey).update(text).digest('base64url').slice(0, length)
  const tries = patientTries(database, throttles)
  const accountKey = (username: string) => `account ${hashed(username)}`

  return {
    async admit({ username, password, client, deviceToken }, accountId) {
      const range = addressRange(client.address)
      const addressKey = range === undefined ? undefined : `address ${range}`
      // Four characters: too few to test a guessed password against, enough to tell a flood of one.
      const passwordKey = `password ${hashed(password, 4)}`
      const device = await devices.find(deviceToken, accountId)
      const ownKey = device === undefined ? accountKey(username) : `device ${device}`

      const begun = await tries.begin(ownKey)
      const allowed = await database.transaction().execute(async (transaction) => {
        const byAddress =
          addressKey === undefined ||
          (await throttles.windowed(transaction, addressKey, perAddress))
        const byPassword = await throttles.windowed(transaction, passwordKey, perPassword)
        return begun && byAddress && (byPassword || device !== undefined)
      })
      return {
        allowed,
        knownDevice: device !== undefined,
        async failed(transaction) {
          if (begun) await throttles.failed(transaction, ownKey)
        },
        async abandoned(transaction) {
          if (begun) await throttles.abandoned(transaction, ownKey)
        },
        async succeeded(transaction) {
          await throttles.succeeded(transaction, ownKey)
          // In the order of the counting: two logins never wait for each other's rows.
          if (addressKey !== undefined) await throttles.refund(transaction, addressKey)
          await throttles.refund(transaction, passwordKey)
        },
      }
    },

    async admitAddress(client) {
      const range = addressRange(client.address)
      return range === undefined || throttles.windowed(database, `address ${range}`, perAddress)
    },

    admitMail: (username) =>
      throttles.windowed(database, `mail ${hashed(username)}`, mailsPerAccount),

    forget: (transaction, username) => throttles.forget(transaction, accountKey(username)),
  }
}
