/**
 * The not-before policy: revokes all tokens of a subject issued before a point in time, and all tokens
 * signed with a key. Published at `/revocations`, as a signed JWT:
 *
 *   header   { alg, kid, typ: "revocations+jwt" }
 *   payload  { iss, sub: <its own address>, iat, exp, ttl,
 *              subjects: { <sub>: <seconds> },    refused: tokens of <sub> with iat <= seconds
 *              generations: { <sub>: <number> },  decides alone where it has an entry;
 *                                                 refused: tokens of <sub> with a smaller gen, or none
 *              keys: [<kid>] }                    refused: every token signed with <kid>
 *
 * Seconds are too coarse, and clocks differ: a token issued in the second of a revocation may be older
 * or newer than it. So accounts and clients count their revocations. The row that holds the scopes of a
 * token also holds its generation: if it was read before a revocation, the token is refused, however
 * late and by whichever process it is signed.
 *
 * Entries are deleted once every token that they could refuse has expired.
 */
import type { AuthDatabase } from '../database.ts'
import { clockTolerance } from './status-lists.ts'
import type { DocumentContent } from './signed-document.ts'

export const revocationsType = 'revocations+jwt'
export const revocationsMediaType = 'application/revocations+jwt'
export const revocationsPath = '/revocations'

export type TokenHolder = { readonly account: string } | { readonly client: string }

export interface NotBeforeStore {
  /**
   * Revokes the access tokens of an account or a client that were issued until now. The account is
   * locked until the transaction ends, so that no session starts meanwhile.
   */
  revoke(holder: TokenHolder, transaction: AuthDatabase): Promise<void>
  read(): Promise<DocumentContent>
}

/** @param tokenLifetime of access tokens, in milliseconds */
export function notBeforeStore(
  database: AuthDatabase,
  tokenLifetime: number,
  now: () => number,
): NotBeforeStore {
  const kept = tokenLifetime + clockTolerance

  return {
    async revoke(holder, transaction) {
      const raised = await raiseGeneration(holder, transaction)
      if (!raised) return
      const entry = {
        issued_before: Math.floor(now() / 1000),
        generation: raised.generation,
        expires_at: now() + kept,
      }
      await transaction
        .insertInto('auth_subject_cut_offs')
        .values({ subject: raised.id, ...entry })
        .onConflict((conflict) => conflict.column('subject').doUpdateSet(entry))
        .execute()
    },

    async read() {
      const subjects = await database
        .selectFrom('auth_subject_cut_offs')
        .select(['subject', 'issued_before', 'generation'])
        .where('expires_at', '>', now())
        .orderBy('subject')
        .execute()
      const keys = await database
        .selectFrom('auth_signing_keys')
        .select('id')
        .where('revoked_at', '>', now() - kept)
        .orderBy('id')
        .execute()
      const content = {
        subjects: Object.fromEntries(
          subjects.map(({ subject, issued_before }) => [subject, issued_before]),
        ),
        generations: Object.fromEntries(
          subjects.flatMap(({ subject, generation }) =>
            generation === null ? [] : [[subject, generation]],
          ),
        ),
        keys: keys.map(({ id }) => id),
      }
      return { fingerprint: JSON.stringify(content), payload: () => content }
    },
  }
}

function raiseGeneration(
  holder: TokenHolder,
  transaction: AuthDatabase,
): Promise<{ id: string; generation: number } | undefined> {
  const [table, id] =
    'account' in holder
      ? (['auth_accounts', holder.account] as const)
      : (['auth_clients', holder.client] as const)
  return transaction
    .updateTable(table)
    .set((column) => ({ generation: column('generation', '+', 1) }))
    .where('id', '=', id)
    .returning(['id', 'generation'])
    .executeTakeFirst()
}
