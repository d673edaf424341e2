/** The fields of a federation field set, such as `"size { width }"` or `"{ size { width } }"`. */
import { Kind } from 'graphql'
import type { SelectionSetNode } from 'graphql'
import { parseFieldSet } from '../graphql/field-set.ts'
import { SupergraphRefused } from './supergraph-refused.ts'

interface TypeWithFields {
  readonly fields: ReadonlyMap<string, { readonly namedType: string }>
}

/** Returns every field that a field set names, on the type on which it names it. */
export function requiredFields(
  fieldSet: string,
  typeName: string,
  types: ReadonlyMap<string, TypeWithFields>,
): { typeName: string; fieldName: string }[] {
  return fieldsOf(readFieldSet(fieldSet), typeName)

  function fieldsOf(
    { selections }: SelectionSetNode,
    parent: string,
  ): { typeName: string; fieldName: string }[] {
    return selections.flatMap((selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return []
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        return fieldsOf(selection.selectionSet, selection.typeCondition?.name.value ?? parent)
      }
      const field = { typeName: parent, fieldName: selection.name.value }
      const output = types.get(parent)?.fields.get(field.fieldName)?.namedType
      return selection.selectionSet && output
        ? [field, ...fieldsOf(selection.selectionSet, output)]
        : [field]
    })
  }
}

function readFieldSet(fieldSet: string): SelectionSetNode {
  try {
    return parseFieldSet(fieldSet)
  } catch (cause) {
    // What cannot be read cannot be enforced.
    const message = `a field requires ${JSON.stringify(fieldSet)}, which is no field set`
    throw new SupergraphRefused(message, { cause })
  }
}
