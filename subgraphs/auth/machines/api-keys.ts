/** API keys that a user creates for programs: they act as the user, with fewer scopes. */
import { createHash, randomBytes } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { ApiKeysTable, AuthDatabase } from '../database.ts'
import { takeStatusIndex } from '../revocation/status-index.ts'

export interface ApiKey {
  readonly id: string
  readonly accountId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly lastUsedAt: number | null
  readonly statusIndex: number
}

export interface NewApiKey {
  accountId: string
  name: string
  scopes: readonly string[]
  /** In milliseconds. */
  lifetime: number
}

export interface ApiKeys {
  /** Returns the key's text, which is shown only once. */
  add(transaction: AuthDatabase, key: NewApiKey): Promise<{ apiKey: ApiKey; text: string }>
  list(accountId: string, transaction?: AuthDatabase): Promise<ApiKey[]>
  /** Returns the key if it is valid, and records its use. */
  use(text: string): Promise<ApiKey | undefined>
  /** Revokes a key, of an account or by its text, and returns it. */
  revoke(
    transaction: AuthDatabase,
    which: { id: string; accountId: string } | { text: string },
  ): Promise<ApiKey | undefined>
}

/** Marks a text as one of our keys, for people and for secret scanners. */
export const apiKeyPrefix = 'pck_'

export function isApiKey(text: string): boolean {
  return /^pck_[\w-]{43}$/.test(text)
}

/** @param accessTokenLifetime in milliseconds */
export function apiKeyStore(
  database: AuthDatabase,
  accessTokenLifetime: number,
  now: () => number,
): ApiKeys {
  return {
    async add(transaction, { accountId, name, scopes, lifetime }) {
      const text = apiKeyPrefix + randomBytes(32).toString('base64url')
      const row = await transaction
        .insertInto('auth_api_keys')
        .values({
          id: randomBytes(16).toString('base64url'),
          hash: hashOf(text),
          account_id: accountId,
          name,
          scope: [...new Set(scopes)].join(' '),
          created_at: now(),
          expires_at: now() + lifetime,
          last_used_at: null,
          access_expires_at: 0,
          status_index: await takeStatusIndex(transaction),
          revoked_at: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return { apiKey: apiKeyOf(row), text }
    },

    async list(accountId, transaction = database) {
      const rows = await transaction
        .selectFrom('auth_api_keys')
        .selectAll()
        .where('account_id', '=', accountId)
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', now())
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .execute()
      return rows.map(apiKeyOf)
    },

    async use(text) {
      if (!isApiKey(text)) return undefined
      const row = await database
        .updateTable('auth_api_keys')
        .set({ last_used_at: now(), access_expires_at: now() + accessTokenLifetime })
        .where('hash', '=', hashOf(text))
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', now())
        .returningAll()
        .executeTakeFirst()
      return row && apiKeyOf(row)
    },

    async revoke(transaction, which) {
      const open = transaction
        .updateTable('auth_api_keys')
        .set({ revoked_at: now() })
        .where('revoked_at', 'is', null)
      const chosen =
        'text' in which
          ? open.where('hash', '=', hashOf(which.text))
          : open.where('id', '=', which.id).where('account_id', '=', which.accountId)
      const row = await chosen.returningAll().executeTakeFirst()
      return row && apiKeyOf(row)
    },
  }
}

function apiKeyOf(row: Selectable<ApiKeysTable>): ApiKey {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    scopes: [...new Set(row.scope.split(' ').filter(Boolean))],
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    statusIndex: row.status_index,
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
