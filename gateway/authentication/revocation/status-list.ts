/**
 * The Token Status List (draft-ietf-oauth-status-list): one status per token, in as few bits as
 * possible.
 */
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { SignedDocumentInvalid } from './signed-document.ts'

export interface StatusList {
  /** Returns the status: 0 is valid, anything else is not; undefined past the end of the list. */
  at(index: number): number | undefined
  readonly length: number
}

/** 2^20 statuses of a byte, or 2^23 of a bit: 1 MB. */
const maxInflatedSize = 1024 * 1024

const inflateBytes = promisify(inflate)

/** Returns the list in the claim `status_list` (section 4.2). */
export async function readStatusList(claim: unknown): Promise<StatusList> {
  const { bits, lst } = (claim ?? {}) as { bits?: unknown; lst?: unknown }
  if (bits !== 1 && bits !== 2 && bits !== 4 && bits !== 8) {
    throw new SignedDocumentInvalid('a status of it has neither 1, 2, 4 nor 8 bits')
  }
  if (typeof lst !== 'string') throw new SignedDocumentInvalid('it has no list')
  const bytes = await inflateBytes(Buffer.from(lst, 'base64url'), {
    maxOutputLength: maxInflatedSize,
  }).catch(() => {
    throw new SignedDocumentInvalid('its list cannot be decompressed')
  })
  return statusList(bytes, bits)
}

/** Section 4.1: the first status is in the least significant bits of the first byte. */
export function statusList(bytes: Uint8Array, bits: 1 | 2 | 4 | 8): StatusList {
  const perByte = 8 / bits
  const mask = (1 << bits) - 1
  const length = bytes.length * perByte
  return {
    length,
    at(index) {
      if (index >= length) return undefined
      const byte = bytes[Math.floor(index / perByte)]!
      return (byte >> ((index % perByte) * bits)) & mask
    },
  }
}
