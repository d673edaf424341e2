/** Paths of errors: from names of the fetched data to the client's names. */
import { getNamedType, isAbstractType, isCompositeType, isListType, isNonNullType } from 'graphql'
import type { FieldNode, GraphQLCompositeType, GraphQLOutputType, SelectionSetNode } from 'graphql'
import { remembered } from '../values/remembered.ts'
import { compositeTypeNamed, fieldOf, withPossibleTypes } from '../graphql/composite-types.ts'
import { collectFields } from '../graphql/collect-fields.ts'
import type { Selection } from '../graphql/collect-fields.ts'
import { isObject } from '../values/json.ts'
import type { Outline } from './data-path.ts'
import type { ResponsePath } from '../graphql/response-error.ts'

/** What of an operation is in the response, and its names in the fetched data. */
interface ResponseSelection extends Selection {
  /** The name of a client's field in the fetched data. */
  readonly fetchedAs: (field: FieldNode) => string
}

/** The client's operation. */
export interface ClientOperation {
  readonly selection: ResponseSelection
  readonly root: GraphQLCompositeType
  readonly set: SelectionSetNode
  /** Returns the client's name for a name in the fetched data. */
  readonly clientName: (fetched: string) => string
}

/**
 * Returns the part of a path that belongs to the client's operation: the plan fetches more than the client
 * selects. Returns undefined for a field that is selected only of objects of another type: the client does
 * not see an error there.
 */
export type ClientPath = (path: ResponsePath) => ResponsePath | undefined

/** Returns the function for the paths of one response. */
export function clientPaths(
  data: Outline,
  { selection, root, set, clientName }: ClientOperation,
): ClientPath {
  const { fieldsOf, setsBelow } = selections(selection)
  const rootSets: Sets = [set]

  return (path) => {
    const own: (string | number)[] = []
    let value: unknown = data
    let declared: GraphQLCompositeType = root
    let sets = rootSets
    let setsOfAnyType = rootSets
    // How many lists are still around the values of the current field.
    let lists = 0
    for (const key of path) {
      const object = value
      value = typeof object === 'object' && object !== null ? (object as Outline)[key] : undefined
      if (typeof key === 'number') {
        if (lists-- <= 0) return own
        own.push(key)
        continue
      }
      if (sets.length === 0) return own
      const name = clientName(key)
      const type = actualType(declared, object)
      const ofAnyType = fieldsOf(undefined, setsOfAnyType).get(name)
      const fields = type ? fieldsOf(type, sets).get(name) : ofAnyType
      const isIt = (field: FieldNode) => selection.fetchedAs(field) === key
      if (!fields?.some(isIt)) return ofAnyType?.some(isIt) ? undefined : own
      own.push(name)
      const fieldType = typeOf(type ?? declared, fields[0]!)
      if (!fieldType) return own
      lists = listsAround(fieldType)
      sets = setsBelow(fields)
      setsOfAnyType = setsBelow(ofAnyType ?? fields)
      const inner = getNamedType(fieldType)
      if (isCompositeType(inner)) declared = inner
    }
    return own
  }

  /** Returns undefined when the type is unknown: an object that is null may have been of any type. */
  function actualType(
    declared: GraphQLCompositeType,
    object: unknown,
  ): GraphQLCompositeType | undefined {
    if (!isAbstractType(declared)) return declared
    const typename = isObject(object) ? object['__typename'] : undefined
    return compositeTypeNamed(selection.schema, typename)
  }

  function typeOf(
    parent: GraphQLCompositeType,
    { name: { value: field } }: FieldNode,
  ): GraphQLOutputType | undefined {
    for (const type of withPossibleTypes(selection.schema, parent)) {
      const definition = fieldOf(type, field)
      if (definition) return definition.type
    }
    return undefined
  }
}

function listsAround(type: GraphQLOutputType): number {
  if (isNonNullType(type)) return listsAround(type.ofType)
  return isListType(type) ? 1 + listsAround(type.ofType) : 0
}

type Sets = readonly SelectionSetNode[]
type Fields = ReadonlyMap<string, readonly FieldNode[]>

/** Many errors can have the same fields in their paths: the fields of each are collected once. */
function selections(selection: ResponseSelection) {
  const collected = new Map<GraphQLCompositeType | undefined, Map<Sets, Fields>>()
  const below = new Map<readonly FieldNode[], Sets>()

  return {
    fieldsOf(type: GraphQLCompositeType | undefined, sets: Sets): Fields {
      const ofType = remembered(collected, type, () => new Map<Sets, Fields>())
      return remembered(ofType, sets, () => collectFields(selection, type, sets))
    },
    setsBelow(fields: readonly FieldNode[]): Sets {
      return remembered(below, fields, () =>
        fields.flatMap(({ selectionSet }) => selectionSet ?? []),
      )
    },
  }
}
