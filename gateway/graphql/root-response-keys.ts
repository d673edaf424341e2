import { Kind } from 'graphql'
import type { DocumentNode } from 'graphql'

/** Returns the response keys of the root fields that the first operation of a document selects. */
export function rootResponseKeys(document: DocumentNode): string[] {
  const operation = document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return []
  return operation.selectionSet.selections.flatMap((selection) =>
    selection.kind === Kind.FIELD ? [(selection.alias ?? selection.name).value] : [],
  )
}
