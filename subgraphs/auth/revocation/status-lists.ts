/**
 * The status of access tokens, as IETF Token Status Lists (draft-ietf-oauth-status-list): one bit
 * for each index, 1 for revoked. Published at `/status-lists/1`, `/status-lists/2` ...
 *
 * An index belongs to a session (or an API key), not to a token. The draft recommends one per token so
 * that verifiers cannot link the tokens of a holder; all tokens of a session carry the same `sid` and
 * `sub` anyway, so there is nothing to hide, and the list is shorter by the number of refreshes.
 * Indices are assigned in order: a reader of a list learns only how many sessions there were.
 *
 * A bit is set only while an access token of the session could still be valid: afterwards the token has
 * expired. So a list stays nearly empty, and compresses to a few bytes.
 */
import { deflateSync } from 'node:zlib'
import type { AuthDatabase } from '../database.ts'
import type { DocumentContent } from './signed-document.ts'

export const statusListType = 'statuslist+jwt'
export const statusListMediaType = 'application/statuslist+jwt'
export const statusListsPath = '/status-lists'

/** How many indices a list has: 128 KB when inflated. */
export const indicesPerList = 2 ** 20

/** How far the clock of a gateway may be behind, in milliseconds: bits stay set that much longer. */
export const clockTolerance = 5 * 60 * 1000

export interface StatusReference {
  readonly idx: number
  readonly uri: string
}

/** Returns the `status_list` claim of a session's access tokens. */
export function statusReference(statusIndex: number, baseUrl: string): StatusReference {
  const list = Math.floor(statusIndex / indicesPerList) + 1
  return { idx: statusIndex % indicesPerList, uri: statusListUri(list, baseUrl) }
}

export function statusListUri(list: number, baseUrl: string): string {
  return `${baseUrl}${statusListsPath}/${list}`
}

/** Returns the number of lists: one more whenever the indices of the last are used up. */
export async function countStatusLists(database: AuthDatabase): Promise<number> {
  const { value } = await database
    .selectFrom('auth_counters')
    .select('value')
    .where('name', '=', 'status index')
    .executeTakeFirstOrThrow()
  return Math.max(1, Math.ceil(value / indicesPerList))
}

/** Reads which sessions of a list are revoked. */
export async function readStatusList(
  database: AuthDatabase,
  list: number,
  now: number,
): Promise<DocumentContent> {
  const first = (list - 1) * indicesPerList
  const revokedIn = (table: 'auth_sessions' | 'auth_api_keys') =>
    database
      .selectFrom(table)
      .select('status_index')
      .where('revoked_at', 'is not', null)
      .where('access_expires_at', '>', now - clockTolerance)
      .where('status_index', '>=', first)
      .where('status_index', '<', first + indicesPerList)
  const rows = await revokedIn('auth_sessions')
    .unionAll(revokedIn('auth_api_keys'))
    .orderBy('status_index')
    .execute()
  const revoked = rows.map((row) => row.status_index - first)
  return {
    fingerprint: revoked.join(),
    payload: () => ({ status_list: { bits: 1, lst: encodeStatusList(revoked) } }),
  }
}

/** Returns the `lst` member: bit i is bit `i % 8` of byte `i / 8`, least significant first. */
export function encodeStatusList(revoked: readonly number[]): string {
  const bytes = new Uint8Array(indicesPerList / 8)
  for (const index of revoked) bytes[index >> 3]! |= 1 << (index & 7)
  return deflateSync(bytes, { level: 9 }).toString('base64url')
}
