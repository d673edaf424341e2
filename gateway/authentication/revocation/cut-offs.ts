/** Cut-offs: whose tokens count only if they were issued later, and which keys count no more. */
import { SignedDocumentInvalid } from './signed-document.ts'

export interface CutOffs {
  /** By subject: a token that was issued before this is revoked; seconds since the epoch. */
  readonly subjects: ReadonlyMap<string, number>
  /** A token that one of these keys signed is revoked, whatever the key set says. */
  readonly keys: ReadonlySet<string>
}

/** Returns the cut-offs in the payload of a `revocations+jwt`. */
export function readCutOffs(payload: Readonly<Record<string, unknown>>): CutOffs {
  const { subjects = {}, keys = [] } = payload
  if (typeof subjects !== 'object' || subjects === null || Array.isArray(subjects)) {
    throw new SignedDocumentInvalid('its subjects are no record')
  }
  const entries = Object.entries(subjects)
  if (!entries.every(([, issuedBefore]) => typeof issuedBefore === 'number')) {
    throw new SignedDocumentInvalid('a cut-off of it is not a number')
  }
  if (!Array.isArray(keys) || !keys.every((keyId) => typeof keyId === 'string')) {
    throw new SignedDocumentInvalid('its keys are no list of texts')
  }
  return { subjects: new Map(entries), keys: new Set(keys) }
}
