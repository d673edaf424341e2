import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { JWK } from 'jose'
import type { KeyEncryption } from './key-encryption.ts'

/** The algorithms that can sign access tokens. `EdDSA` is Ed25519. */
export const signingAlgorithms = ['ES256', 'EdDSA', 'RS256'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

export interface MadeKey {
  /** The `kid`: the key's thumbprint (RFC 7638). */
  readonly id: string
  readonly algorithm: SigningAlgorithm
  readonly publicJwk: string
  /** Encrypted. */
  readonly privateJwk: string
}

export async function makeKey(
  algorithm: SigningAlgorithm,
  encryption: KeyEncryption,
): Promise<MadeKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(pair.publicKey)
  const id = await calculateJwkThumbprint(publicJwk)
  const published: JWK = { ...publicJwk, kid: id, alg: algorithm, use: 'sig' }
  return {
    id,
    algorithm,
    publicJwk: JSON.stringify(published),
    privateJwk: encryption.encrypt(id, JSON.stringify(await exportJWK(pair.privateKey))),
  }
}
