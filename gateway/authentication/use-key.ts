/** Verifies with the key that a token or a document names, or with the key that has replaced it. */
import type { VerificationKey } from './read-key-set.ts'
import type { IssuerKeys } from './refreshing-key-set.ts'

export interface UseKey<Result> {
  /** Verifies with the key. */
  use: (key: VerificationKey) => Promise<Result>
  /** Returns whether it failed as it would with the wrong key. */
  isWrongKey: (cause: unknown) => boolean
}

/** The part of an issuer's keys that verification needs. */
export type KeysInUse = Pick<IssuerKeys, 'current' | 'find' | 'findReplacement'>

/**
 * Returns what verifying with the key of that id returns. An issuer may replace the key under an id: when
 * the known one is wrong, the keys are requested, at most once per cooldown, and the other one is tried.
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
