/**
 * The state of a signing key, derived from its times: a key takes over without any action, so no
 * process has to run at that moment, and all see the same state.
 *
 *   next      published, so that every gateway has it before its first signature
 *   signing   the newest key that may sign
 *   outgoing  published until its last token has expired
 *   retired   no longer published
 *   revoked   by an operator: no longer published, and its tokens are refused
 */
import type { Selectable } from 'kysely'
import type { SigningKeysTable } from '../database.ts'

export type KeyRow = Selectable<SigningKeysTable>
export type KeyState = 'next' | 'signing' | 'outgoing' | 'retired' | 'revoked'

export interface KeyWithState {
  readonly row: KeyRow
  readonly state: KeyState
  /** When it is no longer published; undefined while its successor is not known. */
  readonly retiresAt: number | undefined
}

/**
 * Returns the keys with their states, the newest first.
 *
 * @param outlived how long a token may be in use after the key has stopped signing, in milliseconds
 */
export function keyStates(rows: readonly KeyRow[], now: number, outlived: number): KeyWithState[] {
  const newestFirst = [...rows].sort((one, other) => other.generation - one.generation)
  const usable = newestFirst.filter((row) => row.revoked_at === null)
  // There is always one, although the clocks of two processes may differ slightly.
  const signing = usable.find((row) => row.signs_from <= now) ?? usable.at(-1)

  return newestFirst.map((row) => {
    if (row.revoked_at !== null) return { row, state: 'revoked', retiresAt: row.revoked_at }
    const successor = usable.findLast((other) => other.generation > row.generation)
    const retiresAt = row.retires_at ?? (successor && successor.signs_from + outlived)
    if (row === signing) return { row, state: 'signing', retiresAt }
    if (row.signs_from > now) return { row, state: 'next', retiresAt }
    const retired = retiresAt !== undefined && retiresAt <= now
    return { row, state: retired ? 'retired' : 'outgoing', retiresAt }
  })
}

export function isPublished({ state }: KeyWithState): boolean {
  return state === 'next' || state === 'signing' || state === 'outgoing'
}
