/** The keys that sign claims headers: one shared with each subgraph, or the gateway's own key pair. */
import { createHash, createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { ClaimsSigningKey } from '../../subgraphs/kit/claims-header.ts'

export interface ClaimsKeyPair {
  /** The thumbprint of the public key (RFC 7638). */
  readonly keyId: string
  readonly privateKey: KeyObject
  readonly publicJwk: Readonly<Record<string, string>>
}

/** PKCS #8 of an Ed25519 private key (RFC 8410 section 7), up to its 32 bytes. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Returns the key that signs the claims header for one subgraph. */
export function claimsSigningKey(
  subgraph: string,
  algorithm: ClaimsSigningKey['algorithm'],
  gatewaySecret: string,
): ClaimsSigningKey {
  if (algorithm === 'HS256') return { algorithm, key: deriveClaimsKey(gatewaySecret, subgraph) }
  const { keyId, privateKey } = claimsKeyPair(gatewaySecret)
  return { algorithm, keyId, key: privateKey }
}

/**
 * Returns the Ed25519 key pair that belongs to a gateway secret: every gateway that has the secret
 * has the key, and there is no further file to keep.
 */
export function claimsKeyPair(gatewaySecret: string): ClaimsKeyPair {
  const seed = hkdfSync('sha256', gatewaySecret, '', 'portcullis claims header: Ed25519', 32)
  const der = Buffer.concat([pkcs8Prefix, Buffer.from(seed)])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  const thumbprint = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x })
  const keyId = createHash('sha256').update(thumbprint).digest('base64url')
  const publicJwk = { kty: 'OKP', crv: 'Ed25519', x: x!, kid: keyId, alg: 'EdDSA', use: 'sig' }
  return { keyId, privateKey, publicJwk }
}

/**
 * Returns the document at /.well-known/gateway-claims.json. During a rotation it has the keys of both
 * secrets, so that a subgraph knows the new one before it is used and the old one until it is not.
 */
export function claimsKeySet(pairs: readonly ClaimsKeyPair[]): { keys: object[] } {
  return { keys: pairs.map(({ publicJwk }) => publicJwk) }
}
