/** A short name for a document that the access log may hold. */
import { createHash } from 'node:crypto'
import { Kind, print, visit } from 'graphql'
import type { DocumentNode } from 'graphql'

const length = 16

/**
 * Returns the first 16 digits of the SHA-256 of a document. A document with literals is hashed without
 * them: a password in a literal could otherwise be guessed, and checked against the hash.
 */
export function documentHash(text: string, document: DocumentNode): string {
  const hashed = hasLiterals(document) ? print(withoutLiterals(document)) : text
  return createHash('sha256').update(hashed).digest('hex').slice(0, length)
}

function hasLiterals(document: DocumentNode): boolean {
  let found = false
  const onLiteral = () => {
    found = true
  }
  visit(document, {
    [Kind.STRING]: onLiteral,
    [Kind.INT]: onLiteral,
    [Kind.FLOAT]: onLiteral,
  })
  return found
}

function withoutLiterals(document: DocumentNode): DocumentNode {
  return visit(document, {
    [Kind.STRING]: (node) => ({ ...node, value: '', block: false }),
    [Kind.INT]: (node) => ({ ...node, value: '0' }),
    [Kind.FLOAT]: (node) => ({ ...node, value: '0' }),
  }) as DocumentNode
}
