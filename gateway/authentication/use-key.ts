/** Verifies with the key that a token or a document names, or with the key that has replaced it. */
import type { VerificationKey } from './read-key-set.ts'
import type { IssuerKeys } from './refreshing-key-set.ts'

/** The part of an issuer's keys that verification needs. */
export type KeysInUse = Pick<IssuerKeys, 'current' | 'find' | 'findReplacement'>

/**
 * Returns what verifying with the key of that id returns. An issuer may replace the key under an id: when
 * the known one is wrong, the keys are requested, at most once per cooldown, and the other one is tried.
 *
 * @param use verifies with a key
 * @param isWrongKey returns whether it failed as it would with the wrong key
 */
export async function useKey<Result>(
  keys: KeysInUse,
  keyId: string,
  use: (key: VerificationKey) => Promise<Result>,
  isWrongKey: (cause: unknown) => boolean,
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
