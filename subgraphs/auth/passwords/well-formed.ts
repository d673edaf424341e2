/** Returns whether a text is well-formed UTF-16: a lone surrogate would be hashed as another character. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}
