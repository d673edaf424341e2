/** Where an error is, in the client's words. */
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isListType,
  isNonNullType,
  isUnionType,
} from 'graphql'
import type { FieldNode, GraphQLCompositeType, GraphQLOutputType, SelectionSetNode } from 'graphql'
import { collectFields } from './collect-fields.ts'
import { isObject } from './response-data.ts'
import type { JsonObject, ResponsePath } from './response-data.ts'
import type { ResponseSelection } from './response-writer.ts'

export interface ClientOperation {
  readonly selection: ResponseSelection
  readonly root: GraphQLCompositeType
  readonly set: SelectionSetNode
  /** The client's name for a name in the fetched data. */
  readonly clientName: (fetched: string) => string
}

/**
 * Returns the path as far as it belongs to the client's operation: the plan fetches more than was
 * asked for. Undefined for a field that was asked for of objects of another type only, which is
 * nothing that the client should hear of.
 */
export function clientPath(
  path: ResponsePath,
  data: JsonObject,
  { selection, root, set, clientName }: ClientOperation,
): ResponsePath | undefined {
  const own: (string | number)[] = []
  let value: unknown = data
  let declared: GraphQLCompositeType = root
  let sets: readonly SelectionSetNode[] = [set]
  let setsOfAnyType = sets
  // How many lists the current field still has around its values.
  let lists = 0
  for (const key of path) {
    const object = value
    value = typeof object === 'object' && object !== null ? (object as JsonObject)[key] : undefined
    if (typeof key === 'number') {
      if (lists-- <= 0) return own
      own.push(key)
      continue
    }
    if (sets.length === 0) return own
    const name = clientName(key)
    const type = actualType(object)
    const ofAnyType = collectFields(selection, undefined, setsOfAnyType).get(name)
    const fields = type ? collectFields(selection, type, sets).get(name) : ofAnyType
    const isIt = (field: FieldNode) => selection.fetchedAs(field) === key
    if (!fields?.some(isIt)) return ofAnyType?.some(isIt) ? undefined : own
    own.push(name)
    const fieldType = typeOf(type ?? declared, fields[0]!)
    if (!fieldType) return own
    lists = listsAround(fieldType)
    sets = setsOf(fields)
    setsOfAnyType = setsOf(ofAnyType ?? fields)
    const inner = getNamedType(fieldType)
    if (isCompositeType(inner)) declared = inner
  }
  return own

  /** Undefined when nobody knows: an object that is null may have been of any type. */
  function actualType(object: unknown): GraphQLCompositeType | undefined {
    if (!isAbstractType(declared)) return declared
    const typename = isObject(object) ? object['__typename'] : undefined
    const actual = typeof typename === 'string' ? selection.schema.getType(typename) : undefined
    return isCompositeType(actual) ? actual : undefined
  }

  function typeOf(
    parent: GraphQLCompositeType,
    { name: { value: field } }: FieldNode,
  ): GraphQLOutputType | undefined {
    const candidates = isAbstractType(parent)
      ? [parent, ...selection.schema.getPossibleTypes(parent)]
      : [parent]
    for (const type of candidates) {
      const definition = isUnionType(type) ? undefined : type.getFields()[field]
      if (definition) return definition.type
    }
    return undefined
  }
}

function listsAround(type: GraphQLOutputType): number {
  if (isNonNullType(type)) return listsAround(type.ofType)
  return isListType(type) ? 1 + listsAround(type.ofType) : 0
}

function setsOf(fields: readonly FieldNode[]): SelectionSetNode[] {
  return fields.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []))
}
