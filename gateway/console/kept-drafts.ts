/** The operations of a tab's editor: they survive a reload, not the tab. */
import type { LinkedOperation } from './operation-link.ts'

const key = 'portcullis.drafts'

/** More is not kept, in characters: a browser gives a tab about five million, and tokens need some of them. */
const mostKept = 1_000_000

export interface KeptDrafts {
  readonly operations: readonly LinkedOperation[]
  /** The place of the chosen one. */
  readonly chosen: number
  /** That of the page's address: the operation that it carries is one of them. */
  readonly fragment: string
}

/** Returns what was kept; undefined if there is nothing, or something else in its place. */
export function readDrafts(storage: Pick<Storage, 'getItem'>): KeptDrafts | undefined {
  try {
    const value = JSON.parse(storage.getItem(key) ?? '{}') as Partial<KeptDrafts>
    const { operations, chosen, fragment } = value
    if (!Array.isArray(operations) || !operations.every(isOperation)) return undefined
    return { operations, chosen: Number(chosen), fragment: String(fragment) }
  } catch {
    return undefined
  }
}

/** Keeps drafts; none if they are too large: then they are there as long as the page is open. */
export function keepDrafts(
  storage: Pick<Storage, 'setItem' | 'removeItem'>,
  { operations, chosen, fragment }: KeptDrafts,
): void {
  const texts = operations.map(({ query, variables }) => ({ query, variables }))
  const kept = JSON.stringify({ operations: texts, chosen, fragment })
  try {
    if (kept.length <= mostKept) return storage.setItem(key, kept)
  } catch {
    // There is no more room.
  }
  storage.removeItem(key)
}

function isOperation(value: unknown): value is LinkedOperation {
  if (typeof value !== 'object' || value === null) return false
  const { query, variables } = value as Record<string, unknown>
  return typeof query === 'string' && typeof variables === 'string'
}
