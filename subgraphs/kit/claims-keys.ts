import { ClaimsHeaderError } from './claims-header.ts'
import type { ClaimsVerificationKeys } from './claims-header.ts'

/**
 * What a subgraph verifies claims headers with: the text that `npm run keys -- claims-key NAME` prints, the
 * keys in it as bytes, or the gateway's public key set. `undefined`, as of a variable that is not set, is
 * refused with a sentence.
 */
export type ClaimsKeys = ClaimsVerificationKeys | string | undefined

/** The length of a claims key, in bytes. */
const keyLength = 32

/** Returns the keys in the text, newest first (two during a rotation); undefined when it holds none. */
export function parseClaimsKeys(text: string): Uint8Array[] | undefined {
  const keys = text.split(',').map((part) => parseKey(part.trim()))
  return keys.every((key) => key !== undefined) ? keys : undefined
}

/** Returns what a claims header is verified with; a ClaimsHeaderError says how to get what is missing. */
export function verificationKeys(keys: ClaimsKeys, subgraph: string): ClaimsVerificationKeys {
  const command = `npm run keys -- claims-key ${subgraph}`
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
