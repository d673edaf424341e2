import { isWellFormed } from './well-formed.ts'

/** In code points: hashing takes time, and nobody types more. */
export const longestPassword = 256

/**
 * In UTF-16 units: a decomposed code point has up to eight of them. Longer text is refused before it is
 * normalized, which takes time quadratic in the number of consecutive combining marks.
 */
const longestTyped = 8 * longestPassword

/**
 * Returns the password to hash: in normal form C, so that it is the same from every keyboard
 * (NIST SP 800-63B-4 section 3.1.1.2). Undefined if the text cannot be a password.
 */
export function readPassword(password: string): string | undefined {
  if (password.length > longestTyped || !isWellFormed(password)) return undefined
  const normalized = password.normalize('NFC')
  return countCodePoints(normalized) > longestPassword ? undefined : normalized
}

export function countCodePoints(text: string): number {
  return [...text].length
}
