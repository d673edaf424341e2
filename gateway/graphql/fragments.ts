import { Kind } from 'graphql'
import type { DocumentNode, FragmentDefinitionNode } from 'graphql'

/** The fragment definitions of a document by their names. */
export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

/** Returns the fragment definitions of a document by their names. */
export function fragmentsOf(document: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue
    fragments.set(definition.name.value, definition)
  }
  return fragments
}
