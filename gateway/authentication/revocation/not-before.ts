/**
 * The not-before policy of an issuer: tokens of a subject that were issued before it are revoked, and so
 * are all tokens of a revoked key.
 *
 * Two events in one second have no order, so an issuer may count instead: each of its tokens carries the
 * `gen` of its subject, and a revocation increments it. A generation in the policy takes precedence over
 * a time.
 */
import { isObject } from '../../values/json.ts'
import { SignedDocumentInvalid } from './signed-document.ts'

export interface NotBeforePolicy {
  /** By subject: a token issued in this second or before is revoked; seconds since the epoch. */
  readonly subjects: ReadonlyMap<string, number>
  /** By subject: a token of an earlier generation, or without one, is revoked. */
  readonly generations: ReadonlyMap<string, number>
  /** A token that one of these keys signed is revoked, whatever the key set says. */
  readonly keys: ReadonlySet<string>
}

/** Returns the policy in the payload of a `revocations+jwt`. */
export function readNotBefore(payload: Readonly<Record<string, unknown>>): NotBeforePolicy {
  const { subjects = {}, generations = {}, keys = [] } = payload
  if (!Array.isArray(keys) || !keys.every((keyId) => typeof keyId === 'string')) {
    throw new SignedDocumentInvalid('its keys are not a list of strings')
  }
  return {
    subjects: readNumbers('subjects', subjects),
    generations: readNumbers('generations', generations),
    keys: new Set(keys),
  }
}

/** Returns whether the policy revokes the token by its subject. */
export function isBefore(
  { subjects, generations }: NotBeforePolicy,
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
  if (!isObject(record)) throw new SignedDocumentInvalid(`its ${name} are not an object`)
  const entries = Object.entries(record)
  if (!entries.every(([, number]) => typeof number === 'number')) {
    throw new SignedDocumentInvalid(`its ${name} are not all numbers`)
  }
  return new Map(entries as [string, number][])
}
