/** Reads a JWK Set (RFC 7517 section 5): the keys that may verify access tokens. */
import { createPublicKey, createSecretKey, hash, timingSafeEqual } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { isObject } from '../values/json.ts'
import { fitsAlgorithm, leastBytesFor } from './algorithms.ts'
import type { KeyKind } from './algorithms.ts'

export interface VerificationKey extends KeyKind {
  readonly keyId: string
  /** The issuer whose tokens alone it signs, as Entra ID says in a key set of several tenants. */
  readonly issuer?: string | undefined
  readonly key: KeyObject
}

/** How a token names the key that signed it. */
export interface KeyName {
  /** Undefined: the only key of the set that is for the algorithm. */
  readonly keyId: string | undefined
  readonly algorithm: string
}

export type KeySet = ReadonlyMap<string, VerificationKey>

export interface ReadKeySetOptions {
  /** The algorithms that the issuer's tokens may use. */
  algorithms: readonly string[]
  /** Whether the set may contain shared keys: not if it was fetched. */
  symmetric: boolean
  /** Whether a key without an id is passed over; else its thumbprint is its id. */
  keyIdRequired: boolean
  /** Called for each key that is passed over. */
  warn: (keyId: string | undefined, why: string) => void
}

/** Thrown for a document that is not a usable key set. */
export class KeySetInvalid extends Error {
  override name = 'KeySetInvalid'
}

/** The most keys of a set that are used; any more are passed over. */
const mostKeys = 50
const leastRsaBits = 2048

/**
 * Returns the usable keys by their id. A key that is not usable is passed over; throws for any
 * other document.
 */
export function readKeySet(document: unknown, options: ReadKeySetOptions): KeySet {
  const keys = (document as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys)) throw new KeySetInvalid('not a JWK Set')
  const set = new Map<string, VerificationKey>()
  for (const jwk of keys.slice(0, mostKeys)) {
    const read = readKey(jwk, options)
    if (typeof read === 'string') {
      options.warn(idOf(jwk), read)
      continue
    }
    const before = set.get(read.keyId)
    if (before && !isSameKey(before, read)) throw new KeySetInvalid('two keys with one id')
    set.set(read.keyId, before ?? read)
  }
  if (keys.length > mostKeys) {
    options.warn(undefined, `after the first ${mostKeys} of ${keys.length} is not used`)
  }
  return set
}

/** Returns the key of that name. */
export function keyNamed({ keyId, algorithm }: KeyName, keys: KeySet): VerificationKey | undefined {
  if (keyId !== undefined) return keys.get(keyId)
  const [key, ...others] = [...keys.values()].filter((key) => fitsAlgorithm(key, algorithm))
  return others.length === 0 ? key : undefined
}

/** Returns the keys of a newer set; one that is unchanged stays the very same object. */
export function keepKnownKeys(known: KeySet | undefined, newer: KeySet): KeySet {
  if (!known) return newer
  return new Map(
    [...newer].map(([keyId, key]) => {
      const before = known.get(keyId)
      return [keyId, before && isSameKey(before, key) ? before : key]
    }),
  )
}

function isSameKey(a: VerificationKey, b: VerificationKey): boolean {
  if (a.alg !== b.alg || a.kty !== b.kty || a.issuer !== b.issuer) return false
  if (a.kty !== 'oct') return a.key.equals(b.key)
  const [left, right] = [a.key.export(), b.key.export()]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Returns the key, or why it is passed over. */
function readKey(jwk: unknown, options: ReadKeySetOptions): VerificationKey | string {
  if (!isObject(jwk)) return 'not a JSON object'
  const { kid, kty, crv, alg, use, key_ops: operations } = jwk
  const issuer = typeof jwk.issuer === 'string' ? jwk.issuer : undefined
  if (use !== undefined && use !== 'sig') return 'not for signatures'
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'not for verifying'
  }
  const isNamed = typeof kid === 'string' && kid !== ''
  if (!isNamed && (options.keyIdRequired || kid !== undefined)) return 'has no id'
  if (typeof kty !== 'string') return 'has no type'
  if (alg !== undefined && typeof alg !== 'string') return 'its algorithm is not a text'
  if (crv !== undefined && typeof crv !== 'string') return 'its curve is not a text'
  if (kty === 'oct' && !options.symmetric)
    return 'a shared key is not accepted from a published set'
  if (kty !== 'oct' && 'd' in jwk) return 'is a private key: it must never be published'
  const isMeant = (name: string) => fitsAlgorithm({ kty, crv, alg, bytes: Infinity }, name)
  const meantFor = options.algorithms.filter(isMeant)
  if (meantFor.length === 0) return 'is for none of the accepted algorithms'
  const key = importKey(jwk as JsonWebKey & { k?: string })
  if (typeof key === 'string') return key
  const keyId = isNamed ? kid : thumbprint(jwk)
  const read = { keyId, kty, crv, alg, issuer, bytes: key.symmetricKeySize, key }
  if (meantFor.some((name) => fitsAlgorithm(read, name))) return read
  return `is shorter than ${leastBytesFor(meantFor)} bytes`
}

/** Returns the SHA-256 thumbprint of a key (RFC 7638). */
function thumbprint(jwk: Readonly<Record<string, unknown>>): string {
  const members = ['crv', 'e', 'k', 'kty', 'n', 'x', 'y'].filter((name) => Object.hasOwn(jwk, name))
  const required = Object.fromEntries(members.map((name) => [name, jwk[name]]))
  return hash('sha256', JSON.stringify(required), 'base64url')
}

function importKey(jwk: JsonWebKey): KeyObject | string {
  try {
    const key =
      jwk.kty === 'oct'
        ? createSecretKey(Buffer.from(String(jwk.k ?? ''), 'base64url'))
        : createPublicKey({ key: jwk, format: 'jwk' })
    return weakness(key) ?? key
  } catch {
    return 'is not a valid key'
  }
}

function weakness(key: KeyObject): string | undefined {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {}
  if (modulusLength !== undefined && modulusLength < leastRsaBits) {
    return `is shorter than ${leastRsaBits} bits`
  }
  if (publicExponent !== undefined && publicExponent < 3n) return 'has an exponent below 3'
  return undefined
}

function idOf(jwk: unknown): string | undefined {
  const kid = (jwk as { kid?: unknown } | null)?.kid
  return typeof kid === 'string' ? kid.slice(0, 100) : undefined
}
