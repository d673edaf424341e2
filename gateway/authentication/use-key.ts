/** Verifies with the key that a token or a document names, or with the key that has replaced it. */
import type { KeyName, VerificationKey } from './read-key-set.ts'
import type { IssuerKeys } from './refreshing-key-set.ts'

/** The part of an issuer's keys that verification needs. */
export type KeysInUse = Pick<IssuerKeys, 'named' | 'find' | 'findReplacement'>

/**
 * Returns what verifying with the key of that name returns. An issuer may replace the key under an id: when
 * the known one is wrong, the keys are requested, at most once per cooldown, and the other one is tried.
 *
 * @param use verifies with a key
 * @param isWrongKey returns whether it failed as it would with the wrong key
 */
export async function useKey<Result>(
  keys: KeysInUse,
  name: KeyName,
  use: (key: VerificationKey) => Promise<Result>,
  isWrongKey: (cause: unknown) => boolean,
): Promise<Result> {
  const key = keys.named(name) ?? (await keys.find(name))
  try {
    return await use(key)
  } catch (cause) {
    const replacement = isWrongKey(cause) ? await keys.findReplacement(key, name) : undefined
    if (!replacement) throw cause
    return use(replacement)
  }
}
