/** The last step of a rotation of KEY_ENCRYPTION_SECRET but one: nothing needs the former secret any more. */
import type { AuthDatabase } from './database.ts'
import { nameOfTotp } from './second-factors/one-time-codes.ts'
import { DecryptionError } from './tokens/key-encryption.ts'
import type { KeyEncryption } from './tokens/key-encryption.ts'

export interface Reencryption {
  /** How many signing keys, and secrets of authenticator apps, were encrypted under another secret. */
  readonly signingKeys: number
  readonly authenticatorApps: number
  /** The names of those that no secret decrypts. */
  readonly undecryptable: readonly string[]
}

/** How many accounts are read at a time. */
const pageSize = 500

/**
 * Encrypts under the first secret what is encrypted under another one, while processes that know both go on.
 * What they change at the same time stays as they have changed it.
 */
export async function reencrypt(
  database: AuthDatabase,
  encryption: KeyEncryption,
): Promise<Reencryption> {
  const undecryptable: string[] = []
  const signingKeys = await reencryptKeys()
  return { signingKeys, authenticatorApps: await reencryptApps(), undecryptable }

  async function reencryptKeys(): Promise<number> {
    const rows = await database
      .selectFrom('auth_signing_keys')
      .select(['id', 'private_jwk'])
      // Without it, a key has been retired or revoked.
      .where('private_jwk', '!=', '')
      .execute()
    let count = 0
    for (const { id, private_jwk: former } of rows) {
      const renewed = renew(id, former)
      if (renewed === undefined) continue
      await database
        .updateTable('auth_signing_keys')
        .set({ private_jwk: renewed })
        .where('id', '=', id)
        .where('private_jwk', '=', former)
        .execute()
      count++
    }
    return count
  }

  async function reencryptApps(): Promise<number> {
    let count = 0
    for (let last = ''; ;) {
      const rows = await database
        .selectFrom('auth_totp')
        .select(['account_id', 'secret'])
        .where('account_id', '>', last)
        .orderBy('account_id')
        .limit(pageSize)
        .execute()
      for (const { account_id: accountId, secret: former } of rows) {
        const renewed = renew(nameOfTotp(accountId), former)
        if (renewed === undefined) continue
        await database
          .updateTable('auth_totp')
          .set({ secret: renewed })
          .where('account_id', '=', accountId)
          .where('secret', '=', former)
          .execute()
        count++
      }
      if (rows.length < pageSize) return count
      last = rows.at(-1)!.account_id
    }
  }

  function renew(name: string, former: string): string | undefined {
    try {
      return encryption.reencrypt(name, former)
    } catch (cause) {
      if (!(cause instanceof DecryptionError)) throw cause
      undecryptable.push(name)
      return undefined
    }
  }
}
