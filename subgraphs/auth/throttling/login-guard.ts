/**
 * Limits how often passwords are tried. Four counters, none of which depends on whether an account exists:
 *
 *   account   tries at one username, from devices that never logged in to it
 *   device    tries at one username from a device that did: so that an attacker's tries cannot
 *             lock the owner out
 *   network   tries from one network, known devices apart: its people do not lock each other out
 *   password  tries of one password at any account: guessing one password everywhere
 */
import { createHmac, hkdfSync } from 'node:crypto'
import type { CallerClient } from '../../kit/client-headers.ts'
import { tooManyRequests } from '../../kit/retry-later.ts'
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
  /** The password was right and a code is missing, or the fault was ours: no failure of anybody. */
  abandoned(transaction: AuthDatabase): Promise<void>
}

/**
 * What a network is counted for. Each has a count of its own: sign-ups keep nobody from logging in.
 * `passkey begin` proves nothing and guesses nothing.
 */
export type NetworkAct = 'login' | 'passkey' | 'passkey begin' | 'sign-up' | 'reset'

export interface GuardLimits {
  /** How often each act may be tried from one network, in a minute; logins that succeed do not count. */
  networkTries: number
  /** How often one password may be tried, at whatever accounts, in an hour. */
  passwordTries: number
  /** How many letters an account gets in an hour. */
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
   * Counts a try at a password, and says whether it may be made. A network that has tried too often gets
   * a TOO_MANY_REQUESTS error, which depends on no account.
   */
  admit(attempt: LoginTry, accountId: string | undefined): Promise<LoginPermission>
  /** Counts a try of a network at something; a TOO_MANY_REQUESTS error for one that tries too often. */
  admitNetwork(client: CallerClient, act: NetworkAct): Promise<void>
  /** Takes a try of a network back: it succeeded. */
  refundNetwork(transaction: AuthDatabase, client: CallerClient, act: NetworkAct): Promise<void>
  /** Whether a username may get another mail. */
  admitMail(username: string): Promise<boolean>
  /** Whether a mailbox may get another mail: anybody may have signed up with an unverified address of others. */
  admitMailbox(address: string): Promise<boolean>
  /** Starts the counting at an account anew: its owner has proven themselves otherwise. */
  forget(transaction: AuthDatabase, username: string): Promise<void>
}

const minute = 60_000

/** How many accounts with one unverified address may get as much mail as each of them alone. */
const accountsOfMailbox = 5

/** How many passkey logins may begin for each that may be tried: pages that fill in passkeys begin one when they load. */
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
  const tries = patientTries(database, throttles)
  const accountKey = (username: string) => `account ${hashed(username)}`

  return {
    async admit({ username, password, client, deviceToken }, accountId) {
      const device = await devices.find(deviceToken, accountId)
      const ownKey = device === undefined ? accountKey(username) : `device ${device}`
      const network = device === undefined ? networkKey(client, 'login') : undefined
      // Four characters: too few to test a guessed password against, enough to see a flood of one.
      const passwordKey = `password ${hashed(password, 4)}`

      const isOften = await countElsewhere(network, passwordKey)
      const refund = async (transaction: AuthDatabase) => {
        // In the order of the counting: two logins never wait for each other's rows.
        if (network !== undefined) await throttles.refund(transaction, network)
        await throttles.refund(transaction, passwordKey)
      }
      const begun = await tries.begin(ownKey).catch(async (cause: unknown) => {
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

    async admitNetwork(client, act) {
      const key = networkKey(client, act)
      if (key === undefined) return
      const limit = act === 'passkey begin' ? beginnings * perNetwork.limit : perNetwork.limit
      refuseAfter(await throttles.windowed(database, key, { ...perNetwork, limit }))
    },

    async refundNetwork(transaction, client, act) {
      const key = networkKey(client, act)
      if (key !== undefined) await throttles.refund(transaction, key)
    },

    async admitMail(username) {
      return (await throttles.windowed(database, `mail ${hashed(username)}`, mailsPerAccount)) === 0
    },

    async admitMailbox(address) {
      const key = `mailbox ${hashed(address.toLowerCase())}`
      return (await throttles.windowed(database, key, mailsPerMailbox)) === 0
    },

    forget: (transaction, username) => throttles.forget(transaction, accountKey(username)),
  }

  /** Returns whether the password was tried too often; a network's limit is an error. */
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

/** Throws the error of a network that has to wait, in milliseconds. */
function refuseAfter(wait: number): void {
  if (wait > 0) throw tooManyRequests(Math.ceil(wait / 1000))
}

/** Undefined where the client's address is not known: then there is no network to count for. */
function networkKey({ address }: CallerClient, act: NetworkAct): string | undefined {
  const range = addressRange(address)
  return range === undefined ? undefined : `${act} ${range}`
}
