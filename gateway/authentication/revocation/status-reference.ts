/** The claim `status`: which entry of which status list says whether the token has been revoked. */
import { TokenRefused } from '../token-refused.ts'

export interface StatusReference {
  readonly uri: string
  readonly index: number
}

export interface StatusReferenceRules {
  /** Addresses of status lists; one that ends in `/` covers all addresses that begin with it. */
  statusLists: readonly string[]
  /** Whether a token that references no status list is refused. */
  required: boolean
}

/**
 * Returns the reference of a token (Token Status List, section 6.2), or undefined if it does not
 * matter. A reference that is malformed, missing or to an address that is not configured is refused.
 */
export function readStatusReference(
  { status }: Readonly<Record<string, unknown>>,
  { statusLists, required }: StatusReferenceRules,
): StatusReference | undefined {
  if (status === undefined) {
    if (!required) return undefined
    throw new TokenRefused('CLAIM_MISSING', '`status` is missing')
  }
  const { status_list: list } = Object(status) as { status_list?: unknown }
  const { idx: index, uri } = Object(list) as { idx?: unknown; uri?: unknown }
  if (typeof uri !== 'string' || !isIndex(index)) {
    throw new TokenRefused('CLAIM_INVALID', '`status` has another form')
  }
  if (isConfigured(uri, statusLists)) return { uri, index }
  if (statusLists.length === 0 && !required) return undefined
  const why = '`status` points to a list at an address that is not configured'
  throw new TokenRefused('CLAIM_INVALID', why)
}

/** Returns whether a configured address covers that one. */
export function isConfigured(uri: string, statusLists: readonly string[]): boolean {
  return statusLists.some(
    (known) => known === uri || (known.endsWith('/') && uri.startsWith(known)),
  )
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
