/** Field sets, as `@key(fields:)` and `@requires(fields:)` have them: `size { width }`. */
import { Kind, parse, print, visit } from 'graphql'
import type { SelectionSetNode } from 'graphql'

/** Returns the selection set of a field set, which may have its outer braces or not. */
export function parseFieldSet(text: string): SelectionSetNode {
  const source = text.trimStart().startsWith('{') ? text : `{${text}}`
  const [operation] = parse(source, { noLocation: true }).definitions
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`not a field set: ${text}`)
  return operation.selectionSet
}

/** Returns the field set on one line, without its outer braces. */
export function printFieldSet(set: SelectionSetNode): string {
  return print(set).slice(1, -1).replace(/\s+/g, ' ').trim()
}

/** Returns the names of all fields in a field set, at any depth. */
export function fieldNamesOf(set: SelectionSetNode): string[] {
  const names: string[] = []
  visit(set, { Field: ({ name }) => void names.push(name.value) })
  return names
}
