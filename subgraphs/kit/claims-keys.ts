import { ClaimsHeaderError } from './claims-header.ts'
import type { ClaimsVerificationKeys } from './claims-header.ts'
import { productCommand } from './process/product-command.ts'

/**
 * The keys with which a subgraph verifies claims headers: the text that `portcullis keys claims-key NAME`
 * prints, its keys as bytes, or the gateway's public key set. `undefined`, as from an environment variable
 * that is not set, is refused with a helpful message.
 */
export type ClaimsKeys = ClaimsVerificationKeys | string | undefined

/** The length of a claims key, in bytes. */
const keyLength = 32

/** Returns the keys in the text, newest first (two during a rotation); undefined if it contains none. */
export function parseClaimsKeys(text: string): Uint8Array[] | undefined {
  const keys = text.split(',').map((part) => parseKey(part.trim()))
  return keys.every((key) => key !== undefined) ? keys : undefined
}

/** Returns the keys for verification; throws a ClaimsHeaderError that says how to get a missing key. */
export function verificationKeys(keys: ClaimsKeys, subgraph: string): ClaimsVerificationKeys {
  const command = productCommand('keys', `claims-key ${subgraph}`)
  if (keys === undefined || keys === null || keys === '') {
    throw new ClaimsHeaderError(
      `the claims key of ${subgraph} is missing: set CLAIMS_KEY to what \`${command}\` prints`,
    )
  }
  if (typeof keys !== 'string') return keys
  const parsed = parseClaimsKeys(keys)
  if (parsed !== undefined) return parsed
  throw new ClaimsHeaderError(
    `the claims key of ${subgraph} is not ${keyLength} bytes as base64url, nor two such keys separated by ` +
      `a comma: set CLAIMS_KEY to what \`${command}\` prints`,
  )
}

function parseKey(text: string): Uint8Array | undefined {
  if (!/^[\w+/-]+={0,2}$/.test(text)) return undefined
  const key = new Uint8Array(Buffer.from(text, 'base64url'))
  return key.byteLength === keyLength ? key : undefined
}
