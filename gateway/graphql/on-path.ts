/** The fields that lead to a fragment which is sent later: nothing else is selected of their objects. */
import { Kind } from 'graphql'
import type { DirectiveNode, FieldNode } from 'graphql'

/** No client can send it: a document with an unknown directive is not valid. */
const name = '_leads_to_deferred'

const marker: DirectiveNode = { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: name } }

/** Returns the field, marked as one that leads to a deferred fragment. */
export function leadingField(field: FieldNode): FieldNode {
  return { ...field, directives: [...(field.directives ?? []), marker] }
}

/** Returns whether a field is marked so. */
export function isLeading({ directives }: FieldNode): boolean {
  return directives?.some((directive) => directive.name.value === name) === true
}
