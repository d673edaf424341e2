/** The second factor of an account: codes of an authenticator app, and recovery codes. */
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { AuthDatabase } from '../database.ts'
import type { KeyEncryption } from '../tokens/key-encryption.ts'
import { base32, matchingStep, startOfStep, totpSecretLength } from './totp.ts'

/** The authenticator app of an account, as its owner may see it. Times are milliseconds since the epoch. */
export interface AuthenticatorApp {
  /** When its first code was accepted. */
  readonly createdAt: number
  /** When a code of it was accepted last, to the half-minute for which a code is valid. */
  readonly lastUsedAt: number
  readonly recoveryCodesLeft: number
}

export interface OneTimeCodes {
  /** Returns a new secret, which is active once confirmed; undefined if one is confirmed already. */
  enrol(accountId: string): Promise<Uint8Array | undefined>
  /** Returns the recovery codes, which are shown only once; undefined if the code is wrong. */
  confirm(transaction: AuthDatabase, accountId: string, code: string): Promise<string[] | undefined>
  /** Returns whether a login needs a code. */
  isRequired(accountId: string): Promise<boolean>
  /** Returns the app of an account; undefined if there is none, or it is not confirmed. */
  app(accountId: string): Promise<AuthenticatorApp | undefined>
  /** Returns whether a code is right, and uses it up: no code is accepted twice. */
  use(
    transaction: AuthDatabase,
    accountId: string,
    code: string,
  ): Promise<'totp' | 'recovery' | undefined>
  remove(transaction: AuthDatabase, accountId: string): Promise<void>
}

export interface OneTimeCodeParts {
  database: AuthDatabase
  encryption: KeyEncryption
  /** They key the hashes of the recovery codes that an earlier version has made. */
  formerSecrets: readonly string[]
  now: () => number
}

const recoveryCodes = 10

export function oneTimeCodeStore(parts: OneTimeCodeParts): OneTimeCodes {
  const { database, encryption, now } = parts
  const formerHashes = parts.formerSecrets.map(recoveryHash)

  return {
    async enrol(accountId) {
      const secret = randomBytes(totpSecretLength)
      const encrypted = encryption.encrypt(nameOfTotp(accountId), secret.toString('base64url'))
      const row = await database
        .insertInto('auth_totp')
        .values({ account_id: accountId, secret: encrypted, confirmed_at: null, last_step: 0 })
        .onConflict((conflict) =>
          conflict
            .column('account_id')
            .doUpdateSet({ secret: encrypted, last_step: 0 })
            .where('auth_totp.confirmed_at', 'is', null),
        )
        .returning('account_id')
        .executeTakeFirst()
      return row && secret
    },

    async confirm(transaction, accountId, code) {
      if (!(await useTotp(transaction, accountId, codeIn(code), 'unconfirmed'))) return undefined
      await transaction
        .updateTable('auth_totp')
        .set({ confirmed_at: now() })
        .where('account_id', '=', accountId)
        .execute()
      const codes = Array.from({ length: recoveryCodes }, recoveryCode)
      const hashed = recoveryHash((await secretOf(transaction, accountId))!)
      await transaction
        .insertInto('auth_recovery_codes')
        .values(codes.map((each) => ({ hash: hashed(accountId, each), account_id: accountId })))
        .execute()
      return codes.map(grouped)
    },

    async isRequired(accountId) {
      const row = await database
        .selectFrom('auth_totp')
        .select('account_id')
        .where('account_id', '=', accountId)
        .where('confirmed_at', 'is not', null)
        .executeTakeFirst()
      return row !== undefined
    },

    async app(accountId) {
      const row = await database
        .selectFrom('auth_totp')
        .select(['confirmed_at', 'last_step'])
        .select((of) =>
          of
            .selectFrom('auth_recovery_codes')
            .select(({ fn }) => fn.countAll().as('count'))
            .whereRef('auth_recovery_codes.account_id', '=', 'auth_totp.account_id')
            .as('recovery_codes'),
        )
        .where('account_id', '=', accountId)
        .executeTakeFirst()
      if (!row || row.confirmed_at === null) return undefined
      // The clock of the app may be ahead, or behind: no code was used before the first, or will be later.
      const used = Math.max(row.confirmed_at, Math.min(startOfStep(row.last_step), now()))
      return {
        createdAt: row.confirmed_at,
        lastUsedAt: used,
        recoveryCodesLeft: Number(row.recovery_codes),
      }
    },

    async use(transaction, accountId, code) {
      const text = codeIn(code)
      if (/^\d{6}$/.test(text)) {
        const used = await useTotp(transaction, accountId, text, 'confirmed')
        return used ? 'totp' : undefined
      }
      const secret = await secretOf(transaction, accountId)
      if (!secret) return undefined
      const hashes = [recoveryHash(secret), ...formerHashes]
      const used = await transaction
        .deleteFrom('auth_recovery_codes')
        .where(
          'hash',
          'in',
          hashes.map((hashed) => hashed(accountId, text)),
        )
        .where('account_id', '=', accountId)
        .returning('hash')
        .executeTakeFirst()
      return used && 'recovery'
    },

    async remove(transaction, accountId) {
      for (const table of ['auth_totp', 'auth_recovery_codes'] as const) {
        await transaction.deleteFrom(table).where('account_id', '=', accountId).execute()
      }
    },
  }

  async function secretOf(
    transaction: AuthDatabase,
    accountId: string,
  ): Promise<Uint8Array | undefined> {
    const row = await transaction
      .selectFrom('auth_totp')
      .select('secret')
      .where('account_id', '=', accountId)
      .executeTakeFirst()
    return row && decrypted(accountId, row.secret)
  }

  function decrypted(accountId: string, encrypted: string): Uint8Array {
    return Buffer.from(encryption.decrypt(nameOfTotp(accountId), encrypted), 'base64url')
  }

  async function useTotp(
    transaction: AuthDatabase,
    accountId: string,
    code: string,
    state: 'confirmed' | 'unconfirmed',
  ): Promise<boolean> {
    const row = await transaction
      .selectFrom('auth_totp')
      .select(['secret', 'confirmed_at'])
      .where('account_id', '=', accountId)
      .executeTakeFirst()
    if (!row || (row.confirmed_at !== null) !== (state === 'confirmed')) return false
    const step = matchingStep(decrypted(accountId, row.secret), code, now())
    if (step === undefined) return false
    // Of concurrent uses, only one advances the step.
    const moved = await transaction
      .updateTable('auth_totp')
      .set({ last_step: step })
      .where('account_id', '=', accountId)
      .where('last_step', '<', step)
      .returning('account_id')
      .executeTakeFirst()
    return moved !== undefined
  }
}

const longestTyped = 64

/** Returns the code without the spaces and dashes in which it is displayed. */
function codeIn(typed: string): string {
  return typed
    .slice(0, longestTyped)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{Pd}]/gu, '')
}

/** Returns the name under which the secret of an account's app is encrypted. */
export function nameOfTotp(accountId: string): string {
  return `totp ${accountId}`
}

/**
 * Returns the hash of recovery codes, which are short, so that it needs a key: the secret of the account's app.
 * It is encrypted, and stays as it is when KEY_ENCRYPTION_SECRET is rotated.
 */
function recoveryHash(secret: string | Uint8Array) {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'portcullis recovery codes', 32))
  return (accountId: string, code: string) =>
    createHmac('sha256', key).update(`${accountId} ${code}`).digest('base64url')
}

/** Fifty random bits: too many to guess with sixteen attempts per hour. */
function recoveryCode(): string {
  return base32(randomBytes(7)).slice(0, 10).toLowerCase()
}

function grouped(code: string): string {
  return `${code.slice(0, 5)}-${code.slice(5)}`
}
