/** The name of a subject in the log: the same wherever it occurs, and nobody without the secret can check a guess. */
import { createHmac, hkdfSync } from 'node:crypto'

const length = 16

/** Returns the pseudonym of a subject. */
export type PseudonymOf = (subject: string) => string

/**
 * Returns what makes pseudonyms: the first 16 digits of an HMAC-SHA-256, whose key is derived from the
 * secret. All gateways of a deployment give a subject the same pseudonym.
 */
export function subjectPseudonyms(secret: string): PseudonymOf {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'portcullis access log: subjects', 32))
  return (subject) => createHmac('sha256', key).update(subject).digest('hex').slice(0, length)
}
