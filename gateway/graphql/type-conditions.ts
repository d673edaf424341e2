/** Which objects a type condition applies to: DoesFragmentTypeApply (GraphQL, section 6.3.2). */
import { isAbstractType, isUnionType } from 'graphql'
import type { GraphQLCompositeType, GraphQLSchema } from 'graphql'

/** Returns whether a type condition applies to an object with this `__typename`. */
export type IsOfType = (typename: string, condition: string) => boolean

/**
 * Returns the function for the types of a supergraph. An object type that is unknown matches only
 * itself.
 *
 * @param members by interface or union, the types that belong to it
 */
export function typeRelation(members: ReadonlyMap<string, ReadonlySet<string>>): IsOfType {
  return (typename, condition) =>
    typename === condition || members.get(condition)?.has(typename) === true
}

/** Returns whether a type condition applies to every object of the type; without a condition it does. */
export function typeConditionApplies(
  schema: GraphQLSchema,
  condition: string | undefined,
  type: GraphQLCompositeType,
): boolean {
  if (condition === undefined || condition === type.name) return true
  const abstract = schema.getType(condition)
  return isAbstractType(abstract) && !isUnionType(type) && schema.isSubType(abstract, type)
}

/** Returns whether no object of the type can exist. */
export function hasNoObjects(schema: GraphQLSchema, type: GraphQLCompositeType): boolean {
  return isAbstractType(type) && schema.getPossibleTypes(type).length === 0
}
