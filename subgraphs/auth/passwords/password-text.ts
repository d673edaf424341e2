import { isWellFormed } from './well-formed.ts'

/** In code points: what is hashed costs time, and no person types more. */
export const longestPassword = 256

/**
 * In UTF-16 units: a code point has up to eight of them once it is decomposed. What is longer is refused
 * before it is normalized, which takes time with the square of a row of combining marks.
 */
const longestTyped = 8 * longestPassword

/**
 * Returns the password as it is hashed: in normal form C, so that it is the same from every keyboard
 * (NIST SP 800-63B-4 section 3.1.1.2). Undefined for what no password can be.
 */
export function readPassword(password: string): string | undefined {
  if (password.length > longestTyped || !isWellFormed(password)) return undefined
  const normalized = password.normalize('NFC')
  return countCodePoints(normalized) > longestPassword ? undefined : normalized
}

export function countCodePoints(text: string): number {
  return [...text].length
}
