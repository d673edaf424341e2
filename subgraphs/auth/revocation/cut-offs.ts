/**
 * What is revoked all at once: the tokens of a subject issued before a moment, and the tokens signed
 * with a key. Published at `/revocations`, as a signed JWT:
 *
 *   header   { alg, kid, typ: "revocations+jwt" }
 *   payload  { iss, sub: <its own address>, iat, exp, ttl,
 *              subjects: { <sub>: <seconds> },   refused: tokens of <sub> with iat < seconds
 *              keys: [<kid>] }                   refused: every token signed with <kid>
 *
 * Entries are dropped once every token that they could refuse has expired.
 */
import type { AuthDatabase } from '../database.ts'
import { clockTolerance } from './status-lists.ts'
import type { DocumentContent } from './signed-document.ts'

export const revocationsType = 'revocations+jwt'
export const revocationsMediaType = 'application/revocations+jwt'
export const revocationsPath = '/revocations'

export interface CutOffs {
  /** Refuses the tokens of a subject that were issued until now. */
  cutOff(subject: string, database?: AuthDatabase): Promise<void>
  read(): Promise<DocumentContent>
}

/** @param tokenLifetime of access tokens, in milliseconds */
export function cutOffStore(
  database: AuthDatabase,
  tokenLifetime: number,
  now: () => number,
): CutOffs {
  const kept = tokenLifetime + clockTolerance

  return {
    async cutOff(subject, transaction = database) {
      const issuedBefore = Math.floor(now() / 1000)
      const expiresAt = now() + kept
      await transaction
        .insertInto('auth_subject_cut_offs')
        .values({ subject, issued_before: issuedBefore, expires_at: expiresAt })
        .onConflict((conflict) =>
          conflict
            .column('subject')
            .doUpdateSet({ issued_before: issuedBefore, expires_at: expiresAt }),
        )
        .execute()
    },

    async read() {
      const subjects = await database
        .selectFrom('auth_subject_cut_offs')
        .select(['subject', 'issued_before'])
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
        keys: keys.map(({ id }) => id),
      }
      return { fingerprint: JSON.stringify(content), payload: () => content }
    },
  }
}
