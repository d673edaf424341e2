import { isAbstractType, isCompositeType, isUnionType } from 'graphql'
import type { GraphQLCompositeType, GraphQLField, GraphQLSchema } from 'graphql'

/** Returns the object type, interface or union of that name. */
export function compositeTypeNamed(
  schema: GraphQLSchema,
  name: unknown,
): GraphQLCompositeType | undefined {
  const type = typeof name === 'string' ? schema.getType(name) : undefined
  return isCompositeType(type) ? type : undefined
}

/** Returns the type itself and, if it is abstract, its possible types. */
export function withPossibleTypes(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
): readonly GraphQLCompositeType[] {
  return isAbstractType(type) ? [type, ...schema.getPossibleTypes(type)] : [type]
}

/** Returns the definition of a field; a union has none. */
export function fieldOf(
  type: GraphQLCompositeType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  return isUnionType(type) ? undefined : type.getFields()[name]
}
