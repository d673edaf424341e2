/** The keys that sign access tokens: in the database, so that every auth process has the same. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose'
import type { CryptoKey, JWK } from 'jose'
import { StartFailure } from '../../kit/process/start-failure.ts'
import type { AuthDatabase, SigningKeysTable } from '../database.ts'
import { DecryptionError } from './key-encryption.ts'
import type { KeyEncryption } from './key-encryption.ts'

export interface SigningKey {
  readonly id: string
  readonly algorithm: string
  readonly privateKey: CryptoKey
}

export interface SigningKeys {
  /** The key that signs now. */
  current(): Promise<SigningKey>
  /** The public keys that verify tokens still in use, and those about to sign. */
  published(): Promise<JWK[]>
}

export interface SigningKeyOptions {
  database: AuthDatabase
  encryption: KeyEncryption
  now: () => number
}

const algorithm = 'ES256'

/**
 * Returns the keys, after making the first one if there is none. Any number of processes that start
 * at once agree on one. A key that does not open with the secret is a StartFailure.
 */
export async function openSigningKeys(options: SigningKeyOptions): Promise<SigningKeys> {
  const { database, now } = options
  const opened = new Map<string, Promise<SigningKey>>()

  const keys: SigningKeys = {
    async current() {
      const row = await signingRow(database, now())
      if (row === undefined) throw new Error('there is no signing key')
      const known = opened.get(row.id) ?? openKey(row, options.encryption)
      opened.set(row.id, known)
      return known
    },
    async published() {
      const rows = await database
        .selectFrom('auth_signing_keys')
        .select(['public_jwk'])
        .where('revoked_at', 'is', null)
        .where((where) =>
          where.or([where('retires_at', 'is', null), where('retires_at', '>', now())]),
        )
        .orderBy('generation', 'desc')
        .execute()
      return rows.map((row) => JSON.parse(row.public_jwk) as JWK)
    },
  }

  if ((await signingRow(database, now())) === undefined) await addKey(options, 1)
  await keys.current()
  return keys
}

function signingRow(database: AuthDatabase, now: number) {
  return database
    .selectFrom('auth_signing_keys')
    .selectAll()
    .where('revoked_at', 'is', null)
    .where('signs_from', '<=', now)
    .orderBy('generation', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Does nothing when another process has made that generation. */
async function addKey({ database, encryption, now }: SigningKeyOptions, generation: number) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  const id = await calculateJwkThumbprint(publicJwk)
  const published: JWK = { ...publicJwk, kid: id, alg: algorithm, use: 'sig' }
  await database
    .insertInto('auth_signing_keys')
    .values({
      id,
      generation,
      algorithm,
      public_jwk: JSON.stringify(published),
      private_jwk: encryption.encrypt(id, JSON.stringify(await exportJWK(privateKey))),
      created_at: now(),
      signs_from: now(),
      retires_at: null,
      revoked_at: null,
    })
    .onConflict((conflict) => conflict.column('generation').doNothing())
    .execute()
}

async function openKey(row: SigningKeysTable, encryption: KeyEncryption): Promise<SigningKey> {
  try {
    const jwk = JSON.parse(encryption.decrypt(row.id, row.private_jwk)) as JWK
    const privateKey = (await importJWK(jwk, row.algorithm)) as CryptoKey
    return { id: row.id, algorithm: row.algorithm, privateKey }
  } catch (cause) {
    if (!(cause instanceof DecryptionError)) throw cause
    throw new StartFailure(
      `KEY_ENCRYPTION_SECRET does not open the signing key ${row.id}: give the secret with which ` +
        'the keys in this database were encrypted',
      { cause },
    )
  }
}
