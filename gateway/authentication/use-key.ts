/** The key that a token or a document names, also when its issuer has another under that id by now. */
import type { VerificationKey } from './read-key-set.ts'
import type { IssuerKeys } from './refreshing-key-set.ts'

export interface UseKey<Result> {
  /** Verifies with the key. */
  use: (key: VerificationKey) => Promise<Result>
  /** Whether it failed as it would with the wrong key. */
  isWrongKey: (cause: unknown) => boolean
}

/** What this needs of an issuer's keys. */
export type KeysInUse = Pick<IssuerKeys, 'current' | 'find' | 'findReplacement'>

/**
 * Returns what verifying with the key of that id returns. An issuer may put another key under an id: when
 * the known one is wrong it is asked, as seldom as about unknown ids, and the other one is tried.
 */
export async function useKey<Result>(
  keys: KeysInUse,
  keyId: string,
  { use, isWrongKey }: UseKey<Result>,
): Promise<Result> {
  const key = keys.current(keyId) ?? (await keys.find(keyId))
  try {
    return await use(key)
  } catch (cause) {
    const replacement = isWrongKey(cause) ? await keys.findReplacement(key) : undefined
    if (!replacement) throw cause
    return use(replacement)
  }
}
