/** The keys that sign access tokens, in the database, so that all auth processes share them. */
import { importJWK } from 'jose'
import type { CryptoKey, JWK } from 'jose'
import { StartFailure } from '../../kit/process/start-failure.ts'
import { DecryptionError } from './key-encryption.ts'
import type { KeyEncryption } from './key-encryption.ts'
import type { KeyLifecycle } from './key-lifecycle.ts'
import { isPublished } from './key-states.ts'
import type { KeyRow } from './key-states.ts'

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

/**
 * Returns the keys, after creating the missing ones. Processes that start at the same time agree on the
 * same keys. Throws a StartFailure if the secret does not decrypt a key.
 */
export async function openSigningKeys(
  lifecycle: KeyLifecycle,
  encryption: KeyEncryption,
): Promise<SigningKeys> {
  const opened = new Map<string, Promise<SigningKey>>()

  const keys: SigningKeys = {
    async current() {
      const signing = (await lifecycle.list()).find(({ state }) => state === 'signing')
      if (!signing) throw new Error('there is no signing key')
      const { row } = signing
      const known = opened.get(row.id) ?? openKey(row, encryption)
      opened.set(row.id, known)
      return known
    },
    async published() {
      const published = (await lifecycle.list()).filter(isPublished)
      return published.map(({ row }) => JSON.parse(row.public_jwk) as JWK)
    },
  }

  await requireOpenable(lifecycle, encryption)
  await lifecycle.provide()
  await keys.current()
  return keys
}

/** Throws a StartFailure, before another key is created, if the secret does not decrypt the existing ones. */
export async function requireOpenable(
  lifecycle: KeyLifecycle,
  encryption: KeyEncryption,
): Promise<void> {
  const usable = (await lifecycle.list()).filter(
    ({ state }) => state === 'signing' || state === 'next',
  )
  for (const { row } of usable) await openKey(row, encryption)
}

async function openKey(row: KeyRow, encryption: KeyEncryption): Promise<SigningKey> {
  try {
    const jwk = JSON.parse(encryption.decrypt(row.id, row.private_jwk)) as JWK
    const privateKey = (await importJWK(jwk, row.algorithm)) as CryptoKey
    return { id: row.id, algorithm: row.algorithm, privateKey }
  } catch (cause) {
    if (!(cause instanceof DecryptionError)) throw cause
    throw new StartFailure(
      `KEY_ENCRYPTION_SECRET does not decrypt the signing key ${row.id}: set the secret with which ` +
        'the keys in this database were encrypted; during a rotation after the new one, NEW,OLD',
      { cause },
    )
  }
}
