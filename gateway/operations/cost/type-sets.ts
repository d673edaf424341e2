/** Sets of object types: an equal set is the same object wherever that saves work. */
import { isObjectType } from 'graphql'
import type { GraphQLCompositeType, GraphQLObjectType, GraphQLSchema } from 'graphql'
import { remembered } from '../../values/remembered.ts'

/** Object types that a value may be of. */
export interface TypeSet {
  readonly types: readonly GraphQLObjectType[]
  readonly names: ReadonlySet<string>
}

/** Returns the function for the object types that a value of a type may be of. */
export function possibleTypes(schema: GraphQLSchema): (type: GraphQLCompositeType) => TypeSet {
  const known = new Map<string, TypeSet>()
  return (type) =>
    remembered(known, type.name, () =>
      typeSet(isObjectType(type) ? [type] : schema.getPossibleTypes(type)),
    )
}

/** Returns the set of these types. */
export function typeSet(types: readonly GraphQLObjectType[]): TypeSet {
  return { types, names: new Set(types.map(({ name }) => name)) }
}

/**
 * Returns the function for the types that are in both of two sets: one of these, if it is in the other. It
 * keeps its results, so it is for one document.
 */
export function intersections(): (left: TypeSet, right: TypeSet) => TypeSet {
  const known = new Map<TypeSet, Map<TypeSet, TypeSet>>()
  return (left, right) => {
    if (left === right) return left
    const ofLeft = remembered(known, left, () => new Map<TypeSet, TypeSet>())
    return remembered(ofLeft, right, () => {
      const types = left.types.filter(({ name }) => right.names.has(name))
      if (types.length === right.types.length) return right
      return types.length === left.types.length ? left : typeSet(types)
    })
  }
}
