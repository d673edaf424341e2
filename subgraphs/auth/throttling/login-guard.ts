/**
 * Limits the attempts at passwords with four counters. None depends on whether the account exists:
 *
 *   account   attempts at one username, from devices that never logged in to it
 *   device    attempts at one username from a device that logged in before, so that an attacker
 *             cannot lock the owner out
 *   network   attempts from one network, except known devices, so that its users do not lock each
 *             other out
 *   password  attempts with one password at any account (password spraying)
 */
import { createHmac, hkdfSync } from 'node:crypto'
import type { CallerClient } from '../../kit/client-headers.ts'
import { tooManyRequests } from '../../kit/retry-later.ts'
import type { AuthDatabase } from '../database.ts'
import type { KnownDevices } from '../sessions/known-devices.ts'
import { addressRange } from './address-range.ts'
import { serializedAttempts } from './serialized-attempts.ts'
import type { Throttles, WindowLimit } from './throttles.ts'

export interface LoginAttempt {
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
  /** Report the outcome of an allowed attempt. */
  succeeded(transaction: AuthDatabase): Promise<void>
  failed(transaction: AuthDatabase): Promise<void>
  /** The password was right and a code is missing, or the fault was ours: not a failed attempt. */
  abandoned(transaction: AuthDatabase): Promise<void>
}

/**
 * The actions that are counted per network, each separately, so that sign-ups do not block logins.
 * `passkey begin` proves nothing and guesses nothing.
 */
export type NetworkAct = 'login' | 'passkey' | 'passkey begin' | 'sign-up' | 'reset'

export interface GuardLimits {
  /** How many attempts at each action a network has per minute; successful logins do not count. */
  networkTries: number
  /** How many attempts with one password are allowed per hour, over all accounts. */
  passwordTries: number
  /** How many mails an account gets per hour. */
  mails: number
}

export interface LoginGuardParts {
  database: AuthDatabase
  throttles: Throttles
  devices: KnownDevices
  /** Keys the hashes of usernames and passwords. */
  secret: string
  limits: GuardLimits
}

export interface LoginGuard {
  /**
   * Counts an attempt at a password, and returns whether it is allowed. A network with too many
   * attempts gets a TOO_MANY_REQUESTS error, which does not depend on the account.
   */
  allow(attempt: LoginAttempt, accountId: string | undefined): Promise<LoginPermission>
  /** Counts an attempt of a network; throws a TOO_MANY_REQUESTS error after too many. */
  allowNetwork(client: CallerClient, act: NetworkAct): Promise<void>
  /** Uncounts an attempt of a network that succeeded. */
  refundNetwork(transaction: AuthDatabase, client: CallerClient, act: NetworkAct): Promise<void>
  /** Returns whether a username may get another mail. */
  allowMail(username: string): Promise<boolean>
  /** Returns whether a mailbox may get another mail: an unverified address may belong to someone else. */
  allowMailbox(address: string): Promise<boolean>
  /** Resets the counter of an account: its owner has proven their identity in another way. */
  forget(transaction: AuthDatabase, username: string): Promise<void>
}

const minute = 60_000

/** How many times the mail of one account an unverified address may get, over all its accounts. */
const accountsOfMailbox = 5

/** How many passkey logins may begin per allowed attempt: pages with passkey autofill begin one when they load. */
const beginnings = 10

export function loginGuard(parts: LoginGuardParts): LoginGuard {
  const { database, throttles, devices, secret, limits } = parts
  const perNetwork: WindowLimit = { limit: limits.networkTries, window: minute }
  const perPassword: WindowLimit = { limit: limits.passwordTries, window: 60 * minute }
  const mailsPerAccount: WindowLimit = { limit: limits.mails, window: 60 * minute }
  const mailsPerMailbox: WindowLimit = {
    limit: accountsOfMailbox * limits.mails,
    window: 60 * minute,
  }
  const hashKey = new Uint8Array(hkdfSync('sha256', secret, '', 'portcullis throttle keys', 32))
  const hashed = (text: string, length = 43) =>
    createHmac('sha256', hashKey).update(text).digest('base64url').slice(0, length)
  const attempts = serializedAttempts(database, throttles)
  const accountKey = (username: string) => `account ${hashed(username)}`

  return {
    async allow({ username, password, client, deviceToken }, accountId) {
      const device = await devices.find(deviceToken, accountId)
      const ownKey = device === undefined ? accountKey(username) : `device ${device}`
      const network = device === undefined ? networkKey(client, 'login') : undefined
      // Four characters: too few to test a guessed password against, enough to detect a flood of one.
      const passwordKey = `password ${hashed(password, 4)}`

      const isOften = await countElsewhere(network, passwordKey)
      const refund = async (transaction: AuthDatabase) => {
        // In the order in which they were counted, so that two logins never deadlock.
        if (network !== undefined) await throttles.refund(transaction, network)
        await throttles.refund(transaction, passwordKey)
      }
      const begun = await attempts.begin(ownKey).catch(async (cause: unknown) => {
        await refund(database)
        throw cause
      })
      return {
        allowed: begun && (!isOften || device !== undefined),
        knownDevice: device !== undefined,
        async failed(transaction) {
          if (begun) await throttles.failed(transaction, ownKey)
        },
        async abandoned(transaction) {
          if (begun) await throttles.abandoned(transaction, ownKey)
          await refund(transaction)
        },
        async succeeded(transaction) {
          await throttles.succeeded(transaction, ownKey)
          await refund(transaction)
        },
      }
    },

    async allowNetwork(client, act) {
      const key = networkKey(client, act)
      if (key === undefined) return
      const limit = act === 'passkey begin' ? beginnings * perNetwork.limit : perNetwork.limit
      refuseAfter(await throttles.windowed(database, key, { ...perNetwork, limit }))
    },

    async refundNetwork(transaction, client, act) {
      const key = networkKey(client, act)
      if (key !== undefined) await throttles.refund(transaction, key)
    },

    async allowMail(username) {
      return (await throttles.windowed(database, `mail ${hashed(username)}`, mailsPerAccount)) === 0
    },

    async allowMailbox(address) {
      const key = `mailbox ${hashed(address.toLowerCase())}`
      return (await throttles.windowed(database, key, mailsPerMailbox)) === 0
    },

    forget: (transaction, username) => throttles.forget(transaction, accountKey(username)),
  }

  /** Returns whether the password had too many attempts; throws when the network had. */
  async function countElsewhere(network: string | undefined, passwordKey: string) {
    const [ofNetwork, ofPassword] = await database.transaction().execute(async (transaction) => {
      const wait =
        network === undefined ? 0 : await throttles.windowed(transaction, network, perNetwork)
      if (wait > 0) return [wait, 0]
      return [0, await throttles.windowed(transaction, passwordKey, perPassword)]
    })
    refuseAfter(ofNetwork!)
    return ofPassword! > 0
  }
}

/** Throws a TOO_MANY_REQUESTS error if there is a time to wait, in milliseconds. */
function refuseAfter(wait: number): void {
  if (wait > 0) throw tooManyRequests(Math.ceil(wait / 1000))
}

/** Undefined if the client's address is not known: then no network is counted. */
function networkKey({ address }: CallerClient, act: NetworkAct): string | undefined {
  const range = addressRange(address)
  return range === undefined ? undefined : `${act} ${range}`
}
