/** The fields that no schema defines (GraphQL, section 4.1 and 4.2). */
import { Kind } from 'graphql'
import type { FieldNode } from 'graphql'

/** Returns whether a field of a root type is `__schema` or `__type`. */
export function isIntrospection(fieldName: string): boolean {
  return fieldName === '__schema' || fieldName === '__type'
}

/** The selection of `__typename`. */
export const typenameField: FieldNode = {
  kind: Kind.FIELD,
  name: { kind: Kind.NAME, value: '__typename' },
}
