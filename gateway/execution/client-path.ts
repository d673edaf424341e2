/** Where an error is, in the client's words. */
import { getNamedType, isAbstractType, isCompositeType, isUnionType } from 'graphql'
import type { FieldNode, GraphQLCompositeType, SelectionSetNode } from 'graphql'
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
  for (const key of path) {
    const object = value
    value = typeof object === 'object' && object !== null ? (object as JsonObject)[key] : undefined
    if (typeof key === 'number') {
      own.push(key)
      continue
    }
    const name = clientName(key)
    const type = actualType(object)
    const ofAnyType = collectFields(selection, undefined, setsOfAnyType).get(name)
    const fields = type ? collectFields(selection, type, sets).get(name) : ofAnyType
    const isIt = (field: FieldNode) => selection.fetchedAs(field) === key
    if (!fields?.some(isIt)) return ofAnyType?.some(isIt) ? undefined : own
    own.push(name)
    const inner = innerType(type ?? declared, fields[0]!)
    if (!inner) return own
    sets = setsOf(fields)
    setsOfAnyType = setsOf(ofAnyType ?? fields)
    declared = inner
  }
  return own

  /** Undefined when nobody knows: an object that is null may have been of any type. */
  function actualType(object: unknown): GraphQLCompositeType | undefined {
    if (!isAbstractType(declared)) return declared
    const typename = isObject(object) ? object['__typename'] : undefined
    const actual = typeof typename === 'string' ? selection.schema.getType(typename) : undefined
    return isCompositeType(actual) ? actual : undefined
  }

  function innerType(
    parent: GraphQLCompositeType,
    { name: { value: field } }: FieldNode,
  ): GraphQLCompositeType | undefined {
    const candidates = isAbstractType(parent)
      ? [parent, ...selection.schema.getPossibleTypes(parent)]
      : [parent]
    for (const type of candidates) {
      const definition = isUnionType(type) ? undefined : type.getFields()[field]
      const named = definition && getNamedType(definition.type)
      if (isCompositeType(named)) return named
    }
    return undefined
  }
}

function setsOf(fields: readonly FieldNode[]): SelectionSetNode[] {
  return fields.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []))
}
