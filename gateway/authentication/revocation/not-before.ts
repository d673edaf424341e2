/**
 * Cut-offs: whose tokens count only if they were issued later, and which keys count no more.
 *
 * A second does not say which of two events in it came first, so an issuer may count instead: each
 * of its tokens carries the `gen` of its subject, and a revocation raises it. Where an entry has a
 * generation, that alone decides.
 */
import { SignedDocumentInvalid } from './signed-document.ts'

export interface CutOffs {
  /** By subject: a token issued in this second or before is revoked; seconds since the epoch. */
  readonly subjects: ReadonlyMap<string, number>
  /** By subject: a token of an earlier generation, or of none, is revoked. */
  readonly generations: ReadonlyMap<string, number>
  /** A token that one of these keys signed is revoked, whatever the key set says. */
  readonly keys: ReadonlySet<string>
}

/** Returns the cut-offs in the payload of a `revocations+jwt`. */
export function readCutOffs(payload: Readonly<Record<string, unknown>>): CutOffs {
  const { subjects = {}, generations = {}, keys = [] } = payload
  if (!Array.isArray(keys) || !keys.every((keyId) => typeof keyId === 'string')) {
    throw new SignedDocumentInvalid('its keys are no list of texts')
  }
  return {
    subjects: readNumbers('subjects', subjects),
    generations: readNumbers('generations', generations),
    keys: new Set(keys),
  }
}

/** Returns whether a token of the subject is revoked. */
export function isCutOff(
  { subjects, generations }: CutOffs,
  token: { subject: string; issuedAt: number; generation: number | undefined },
): boolean {
  const generation = generations.get(token.subject)
  if (generation !== undefined) {
    return token.generation === undefined || token.generation < generation
  }
  const issuedUntil = subjects.get(token.subject)
  return issuedUntil !== undefined && token.issuedAt <= issuedUntil
}

function readNumbers(name: string, record: unknown): Map<string, number> {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new SignedDocumentInvalid(`its ${name} are no record`)
  }
  const entries = Object.entries(record)
  if (!entries.every(([, number]) => typeof number === 'number')) {
    throw new SignedDocumentInvalid('a cut-off of it is not a number')
  }
  return new Map(entries)
}
