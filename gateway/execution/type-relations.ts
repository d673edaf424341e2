import { isAbstractType, isInterfaceType, isObjectType } from 'graphql'
import type { GraphQLSchema } from 'graphql'

/** Tells whether an object with this `__typename` fits a type condition. */
export type IsOfType = (typename: string, condition: string) => boolean

/**
 * Returns the relation of a schema. An object type of which the schema knows nothing fits only
 * itself.
 */
export function typeRelation(schema: GraphQLSchema): IsOfType {
  const known = new Map<string, Set<string>>()
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isAbstractType(type)) continue
    const members = Object.values(schema.getTypeMap()).filter(
      (member) =>
        (isObjectType(member) || isInterfaceType(member)) && schema.isSubType(type, member),
    )
    known.set(type.name, new Set(members.map(({ name }) => name)))
  }
  return (typename, condition) =>
    typename === condition || known.get(condition)?.has(typename) === true
}
