/**
 * Reads a document that an issuer signs besides its tokens: a status list, the not-before policy.
 */
import { compactVerify, errors } from 'jose'
import { fitsAlgorithm } from '../algorithms.ts'
import type { VerificationKey } from '../read-key-set.ts'
import { readToken } from '../read-token.ts'
import type { UnverifiedToken } from '../read-token.ts'
import { useKey } from '../use-key.ts'
import type { KeysInUse } from '../use-key.ts'

export interface SignedDocumentRules {
  issuer: string
  /** The algorithms of the issuer's tokens. */
  algorithms: readonly string[]
  /** The accepted `typ`. */
  type: string
  /** In bytes. */
  maxSize: number
  /** How far the clocks may differ, in milliseconds. */
  clockTolerance: number
}

export interface SignedDocument {
  readonly payload: Readonly<Record<string, unknown>>
  /** When it must no longer be used, in milliseconds since the epoch. */
  readonly usableUntil: number
  /** How long the issuer says that it is fresh, in milliseconds. */
  readonly timeToLive: number | undefined
}

/** Thrown for a signed document that is not acceptable. */
export class SignedDocumentInvalid extends Error {
  override name = 'SignedDocumentInvalid'
}

class KeyDoesNotFit extends SignedDocumentInvalid {}

/**
 * Returns the payload of a document that the issuer signed for that address. Throws for a document of
 * another issuer, for another address, or past its `exp`.
 */
export async function readSignedDocument(
  text: string,
  uri: string,
  rules: SignedDocumentRules,
  keys: KeysInUse,
  now: number,
): Promise<SignedDocument> {
  const token = readToken(text.trim(), rules.maxSize)
  if (token.type?.toLowerCase().replace(/^application\//, '') !== rules.type) {
    throw new SignedDocumentInvalid('it is of another type')
  }
  if (!rules.algorithms.includes(token.algorithm)) {
    throw new SignedDocumentInvalid('its algorithm is not accepted')
  }
  if (token.keyId === undefined) throw new SignedDocumentInvalid('it names no key')
  await useKey(
    keys,
    token,
    (key) => verifySignature(token, key),
    (cause) =>
      cause instanceof KeyDoesNotFit || cause instanceof errors.JWSSignatureVerificationFailed,
  )

  const { iss, sub, iat, exp, ttl } = token.payload
  if (sub !== uri) throw new SignedDocumentInvalid('it was made for another address')
  if (iss !== undefined && iss !== rules.issuer) {
    throw new SignedDocumentInvalid('it is from another issuer')
  }
  if (typeof iat !== 'number') throw new SignedDocumentInvalid('it does not say when it was made')
  if (exp !== undefined && typeof exp !== 'number') {
    throw new SignedDocumentInvalid('its `exp` is not a number')
  }
  if (ttl !== undefined && (typeof ttl !== 'number' || !(ttl > 0))) {
    throw new SignedDocumentInvalid('its `ttl` is not a positive number')
  }
  const usableUntil = exp === undefined ? Infinity : exp * 1_000 + rules.clockTolerance
  if (now >= usableUntil) throw new SignedDocumentInvalid('it has expired')
  const timeToLive = ttl === undefined ? undefined : ttl * 1_000
  return { payload: token.payload, usableUntil, timeToLive }
}

async function verifySignature(token: UnverifiedToken, key: VerificationKey): Promise<void> {
  if (!fitsAlgorithm(key, token.algorithm)) {
    throw new KeyDoesNotFit('its key is not for its algorithm')
  }
  await compactVerify(token.text, key.key, { algorithms: [token.algorithm] })
}
