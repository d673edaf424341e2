/** How much memory the operations may take that are kept ready: bounded by number and by bytes. */
import { getHeapStatistics } from 'node:v8'
import type { DocumentNode } from 'graphql'

/** The most operations that a cache keeps. */
export const mostOperations = 1_000

/** Of the heap, for each of the caches that keep operations: documents, decisions and plans. */
const share = 1 / 8

/** Returns how many bytes of operations a cache may keep, by the heap that the process may have. */
export function operationBudget(): number {
  return Math.floor(getHeapStatistics().heap_size_limit * share)
}

/** What an operation keeps alive, in bytes, as measured: its document, compiled, planned and written. */
const bytes = { operation: 24_000, node: 500, character: 4 }

/**
 * Returns roughly how many bytes an operation keeps alive. The tokens of the parser, half of a document,
 * are released, except for the first of each node: they are not needed after validation.
 */
export function operationWeight(document: DocumentNode): number {
  const characters = document.loc?.source.body.length ?? 0
  return bytes.operation + bytes.node * countNodes(document) + bytes.character * characters
}

function countNodes(node: object): number {
  let count = 1
  for (const [key, value] of Object.entries(node)) {
    if (typeof value !== 'object' || value === null) continue
    if (key === 'loc') withoutTokens(value)
    else if (Array.isArray(value)) for (const inner of value) count += countNodes(inner)
    else count += countNodes(value)
  }
  return count
}

/** The first token of a node stays, which names its line, without the list that it is part of. */
function withoutTokens(location: {
  startToken?: { prev?: unknown; next?: unknown }
  endToken?: unknown
}): void {
  location.endToken = undefined
  if (!location.startToken) return
  location.startToken.prev = null
  location.startToken.next = null
}
