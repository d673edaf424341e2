/** Whether a text is well-formed UTF-16: half a surrogate pair is no character, and hashes as another. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}
