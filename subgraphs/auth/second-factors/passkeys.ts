/** Passkeys (WebAuthn): a key on a device, which uses it once its owner has unlocked it. */
import { createHmac } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import type { Selectable } from 'kysely'
import type { Account } from '../accounts/accounts.ts'
import type { AuthDatabase, PasskeysTable } from '../database.ts'

export interface Passkey {
  readonly id: string
  readonly accountId: string
  readonly name: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

/** The site that passkeys are bound to. */
export interface RelyingParty {
  /** The domain, as in `example.com`. */
  id: string
  name: string
  /** The origins that may use passkeys, as in `https://shop.example.com`. */
  origins: string[]
}

export interface Passkeys {
  /** Returns the options with which the browser creates a passkey. */
  startRegistration(account: Account): Promise<object>
  /** Returns the passkey; undefined if the response of the device is not valid. */
  finishRegistration(
    account: Account,
    response: unknown,
    name: string,
  ): Promise<Passkey | undefined>
  /**
   * Returns the options with which the browser uses a passkey: any that it has, or one of the account.
   *
   * @param username of which the passkeys are listed; for an unknown one, made-up passkeys are
   */
  startLogin(username: string | undefined, account: Account | undefined): Promise<object>
  /** Returns the passkey that was used; undefined if the response of the device is not valid. */
  finishLogin(response: unknown): Promise<Passkey | undefined>
  /** Returns the origin of the page that the browser names in its response, unless it is one of ours. */
  unknownOrigin(response: unknown): string | undefined
  list(accountId: string): Promise<Passkey[]>
  remove(transaction: AuthDatabase, accountId: string, id: string): Promise<boolean>
}

export interface PasskeyParts {
  database: AuthDatabase
  relyingParty: RelyingParty
  now: () => number
}

/** Loaded with the first passkey: it would add half a second to every start. */
const webauthn = () => import('@simplewebauthn/server')

/** The most passkeys per account: each login that begins with its username reads them all. */
export const mostPasskeys = 50

/** In milliseconds. */
const challengeLifetime = 5 * 60 * 1000

export function passkeyStore({ database, relyingParty, now }: PasskeyParts): Passkeys {
  return {
    async startRegistration(account) {
      const existing = await rowsOf(account.id)
      const options = await (
        await webauthn()
      ).generateRegistrationOptions({
        rpID: relyingParty.id,
        rpName: relyingParty.name,
        userID: new Uint8Array(Buffer.from(account.id)),
        userName: account.username,
        userDisplayName: account.name,
        attestationType: 'none',
        excludeCredentials: existing.map(credentialOf),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      })
      await keep(options.challenge, `registration ${account.id}`)
      return options
    },

    async finishRegistration(account, response, name) {
      const challenge = challengeIn(response)
      if (!(await take(challenge, `registration ${account.id}`))) return undefined
      const result = await (
        await webauthn()
      )
        .verifyRegistrationResponse({
          response: response as RegistrationResponseJSON,
          expectedChallenge: challenge,
          expectedOrigin: relyingParty.origins,
          expectedRPID: relyingParty.id,
          requireUserVerification: true,
        })
        .catch(() => undefined)
      if (!result?.verified) return undefined
      const { credential } = result.registrationInfo
      const row = await database
        .insertInto('auth_passkeys')
        .values({
          id: credential.id,
          account_id: account.id,
          name,
          public_key: Buffer.from(credential.publicKey).toString('base64url'),
          counter: credential.counter,
          transports: (credential.transports ?? []).join(' '),
          created_at: now(),
          last_used_at: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst()
      return row && passkeyOf(row)
    },

    async startLogin(username, account) {
      const named = account ? (await rowsOf(account.id)).map(credentialOf) : []
      const decoys = username === undefined || named.length > 0 ? [] : [await decoy(username)]
      const options = await (
        await webauthn()
      ).generateAuthenticationOptions({
        rpID: relyingParty.id,
        userVerification: 'required',
        ...(username === undefined ? {} : { allowCredentials: [...named, ...decoys] }),
      })
      await keep(options.challenge, 'login')
      return options
    },

    async finishLogin(response) {
      const challenge = challengeIn(response)
      if (!(await take(challenge, 'login'))) return undefined
      const { id } = response as AuthenticationResponseJSON
      const row = await database
        .selectFrom('auth_passkeys')
        .selectAll()
        .where('id', '=', String(id))
        .executeTakeFirst()
      if (!row) return undefined
      const result = await (
        await webauthn()
      )
        .verifyAuthenticationResponse({
          response: response as AuthenticationResponseJSON,
          expectedChallenge: challenge,
          expectedOrigin: relyingParty.origins,
          expectedRPID: relyingParty.id,
          requireUserVerification: true,
          credential: {
            id: row.id,
            publicKey: new Uint8Array(Buffer.from(row.public_key, 'base64url')),
            counter: row.counter,
          },
        })
        .catch(() => undefined)
      if (!result?.verified) return undefined
      const used = await database
        .updateTable('auth_passkeys')
        .set({ counter: result.authenticationInfo.newCounter, last_used_at: now() })
        .where('id', '=', row.id)
        .returningAll()
        .executeTakeFirst()
      return used && passkeyOf(used)
    },

    unknownOrigin(response) {
      const { origin } = clientDataOf(response)
      const isUnknown = typeof origin === 'string' && !relyingParty.origins.includes(origin)
      return isUnknown ? origin : undefined
    },

    async list(accountId) {
      return (await rowsOf(accountId)).map(passkeyOf)
    },

    async remove(transaction, accountId, id) {
      const removed = await transaction
        .deleteFrom('auth_passkeys')
        .where('id', '=', id)
        .where('account_id', '=', accountId)
        .returning('id')
        .executeTakeFirst()
      return removed !== undefined
    },
  }

  function rowsOf(accountId: string) {
    return database
      .selectFrom('auth_passkeys')
      .selectAll()
      .where('account_id', '=', accountId)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .limit(mostPasskeys)
      .execute()
  }

  async function keep(challenge: string, purpose: string): Promise<void> {
    await database
      .insertInto('auth_challenges')
      .values({ challenge, purpose, expires_at: now() + challengeLifetime })
      .execute()
  }

  /** The request that deletes a challenge has used it; a concurrent one finds none. */
  async function take(challenge: string, purpose: string): Promise<boolean> {
    const taken = await database
      .deleteFrom('auth_challenges')
      .where('challenge', '=', challenge)
      .where('purpose', '=', purpose)
      .where('expires_at', '>', now())
      .returning('challenge')
      .executeTakeFirst()
    return taken !== undefined
  }

  /** Always the same for a name, so that repeated requests do not reveal that it is unknown. */
  async function decoy(username: string) {
    const { secret } = await database
      .selectFrom('auth_lasting_secrets')
      .select('secret')
      .where('name', '=', 'passkey decoys')
      .executeTakeFirstOrThrow()
    const id = createHmac('sha256', secret).update(username).digest('base64url')
    return { id, transports: ['internal' as const, 'hybrid' as const] }
  }
}

/** Returns the challenge in the browser's response; verification comes later. */
function challengeIn(response: unknown): string {
  return String(clientDataOf(response).challenge ?? '')
}

/** Returns the client data of the browser, which is not verified yet. */
function clientDataOf(response: unknown): { challenge?: unknown; origin?: unknown } {
  try {
    const { clientDataJSON } = (response as { response: { clientDataJSON: string } }).response
    return JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()) ?? {}
  } catch {
    return {}
  }
}

function credentialOf({ id, transports }: Selectable<PasskeysTable>) {
  const known = transports.split(' ').filter(Boolean) as AuthenticatorTransport[]
  return { id, transports: known }
}

function passkeyOf(row: Selectable<PasskeysTable>): Passkey {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }
}
