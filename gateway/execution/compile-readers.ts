/**
 * The selection of a fetch -> how its response is read, for one shape of the client's response.
 *
 * An object that nothing is added to stays text if the fetch and the client select the same of it, in the
 * same order. All others become records.
 */
import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
} from 'graphql'
import type {
  FieldNode,
  GraphQLCompositeType,
  GraphQLOutputType,
  GraphQLSchema,
  SelectionSetNode,
} from 'graphql'
import { fieldOf, withPossibleTypes } from '../graphql/composite-types.ts'
import type { CollectedField, ResponseShape } from '../graphql/response-shape.ts'
import { typeConditionApplies } from '../graphql/type-conditions.ts'
import type { IsOfType } from '../graphql/type-conditions.ts'
import { remembered } from '../values/remembered.ts'
import {
  acceptsAny,
  acceptsLeaf,
  acceptsList,
  acceptsNull,
  acceptsObject,
  acceptsWords,
  isRewritable,
} from './accepted-text.ts'
import type { Accepts, TextField } from './accepted-text.ts'
import type { Place } from './places.ts'
import { objectToRead } from './response-reader.ts'
import type { ReadField, ReadObject, ReadValue } from './response-reader.ts'

/** What the client selects of the objects of a place. */
export interface ClientSelection {
  readonly type: GraphQLCompositeType
  readonly sets: readonly unknown[]
}

/** What all readers of one shape have in common. */
export interface ReadersOfShape {
  readonly schema: GraphQLSchema
  readonly shape: ResponseShape
  readonly isOfType: IsOfType
  /** Returns the name of a client's field in the fetched data. */
  readonly fetchedAs: (field: FieldNode) => string
}

/** What a fetch selects of the objects of one place. */
export interface FetchSelection {
  readonly place: Place
  readonly parts: readonly SelectionPart[]
  /** Undefined where the client selects nothing, or it depends on the types of objects above. */
  readonly client: ClientSelection | undefined
}

interface SelectionPart {
  readonly set: SelectionSetNode
  readonly parents: Parents
}

interface SelectedField {
  readonly node: FieldNode
  readonly parents: Parents
}

/** The types that a field belongs to; an interface that clients do not see is the objects that they see. */
type Parents = readonly GraphQLCompositeType[]

/** Returns how the objects of a selection are read. `keyOf` gives fields the names of the operation. */
export function readObject(
  shape: ReadersOfShape,
  selection: FetchSelection,
  keyOf: (key: string) => string,
): ReadObject {
  const { schema } = shape
  return objectOf(selection)

  function objectOf({ place, parts, client }: FetchSelection): ReadObject {
    const fields = [...selectedFields(shape, parts)].map(([key, nodes]): ReadField => {
      const slot = place.slot(keyOf(key))
      return {
        key,
        name: nameOf(key),
        slot: slot.index,
        ...valueOf(nodes, slot.below, client && below(client, slot.key)),
      }
    })
    return objectToRead(place, fields)
  }

  function valueOf(
    nodes: readonly SelectedField[],
    place: Place | undefined,
    client: ClientSelection | undefined,
  ): ReadValue {
    const { node, parents } = nodes[0]!
    const type = typeOfField(schema, parents, node)
    if (!place || !node.selectionSet) return leafValue(type)
    const named = type && getNamedType(type)
    const parts = nodes.flatMap((one): SelectionPart[] => {
      const { selectionSet: set } = one.node
      const below = typeOfField(schema, one.parents, one.node)
      const inner = below && getNamedType(below)
      return set ? [{ set, parents: isCompositeType(inner) ? [inner] : [] }] : []
    })
    const own = client && client.type === named ? client : undefined
    const object = objectOf({ place, parts, client })
    const accepts =
      own && nodes.length === 1 && type && isTypeForAll(schema, nodes[0]!, type)
        ? acceptsAsText(type, place, node, own)
        : undefined
    return { accepts, object }
  }

  /** Returns what accepts values that the client gets as they are, if there can be such. */
  function acceptsAsText(
    type: GraphQLOutputType,
    place: Place,
    { selectionSet }: FieldNode,
    { sets }: ClientSelection,
  ): Accepts | undefined {
    const named = getNamedType(type)
    if (place.isOpen || !selectionSet || !isObjectType(named)) return undefined
    const fields = plainFields(selectionSet)
    const selected = [...collect(named, sets)]
    if (!fields || fields.length !== selected.length || fields.length === 0) return undefined
    const texts = fields.map((node, index): TextField | undefined => {
      const key = (node.alias ?? node.name).value
      const [responseName, collected] = selected[index]!
      if (key !== responseName || keyOf(key) !== key) return undefined
      if (!collected.every((one) => isFetchedAs(one, node))) return undefined
      const accepts = acceptsField(named, place, node, collected)
      return accepts && { name: nameOf(key), accepts }
    })
    if (!texts.every((text) => text !== undefined)) return undefined
    return acceptsIn(getNullableType(type), acceptsObject(texts))
  }

  function isFetchedAs({ node, denied }: CollectedField<unknown>, fetched: FieldNode): boolean {
    const key = (fetched.alias ?? fetched.name).value
    return (
      denied === undefined &&
      node.name.value === fetched.name.value &&
      shape.fetchedAs(node) === key
    )
  }

  function acceptsField(
    parent: GraphQLCompositeType,
    place: Place,
    node: FieldNode,
    collected: readonly CollectedField<unknown>[],
  ): Accepts | undefined {
    if (node.name.value === '__typename') return acceptsWords([parent.name])
    const type = typeOfField(schema, [parent], node)
    if (!type) return undefined
    const inside = place.slots.get((node.alias ?? node.name).value)?.below
    const named = getNamedType(type)
    let accepts: Accepts | undefined
    if (inside && isObjectType(named)) {
      const sets = collected.flatMap(({ selections }) =>
        selections === undefined ? [] : [selections],
      )
      accepts = acceptsAsText(named, inside, node, { type: named, sets })
    } else if (!inside && isLeafType(named)) accepts = acceptsLeaf(named)
    return accepts && acceptsNulls(type, accepts)
  }

  function collect(type: GraphQLCompositeType | undefined, sets: readonly unknown[]) {
    return shape.shape.collect(
      sets,
      (condition) => !type || typeConditionApplies(schema, condition, type),
    )
  }

  /** Returns what the client selects below a field, if that is the same for all objects of the place. */
  function below({ type, sets }: ClientSelection, key: string): ClientSelection | undefined {
    return selectionBelow(shape, { type, sets }, key)
  }
}

/** Returns what the client selects of the objects of a field, if it is the same for every type. */
export function selectionBelow(
  { schema, shape, fetchedAs }: ReadersOfShape,
  { type, sets }: ClientSelection,
  key: string,
): ClientSelection | undefined {
  const types = isObjectType(type) ? [type] : schema.getPossibleTypes(type as never)
  let found: readonly CollectedField<unknown>[] | undefined
  let parent: GraphQLCompositeType | undefined
  if (types.length > mostTypes) return undefined
  for (const one of types) {
    const collected = shape.collect(sets, (name) => typeConditionApplies(schema, name, one))
    for (const fields of collected.values()) {
      if (!fields.some(({ node }) => fetchedAs(node) === key)) continue
      if (found && !areSame(found, fields)) return undefined
      found = fields
      parent = one
    }
  }
  const fieldType = found && parent && typeOfField(schema, [parent], found[0]!.node)
  const named = fieldType && getNamedType(fieldType)
  if (!found || !isCompositeType(named)) return undefined
  return {
    type: named,
    sets: found.flatMap(({ selections }) => (selections === undefined ? [] : [selections])),
  }
}

/** A selection that is to stay text is not compared for more types than this. */
const mostTypes = 20

function areSame(
  some: readonly CollectedField<unknown>[],
  others: readonly CollectedField<unknown>[],
): boolean {
  return (
    some.length === others.length &&
    some.every(({ node, denied }, index) => {
      const other = others[index]!
      return node === other.node && (denied === undefined) === (other.denied === undefined)
    })
  )
}

/** Returns the fields of a selection set without conditions; undefined if there is anything else. */
function plainFields({ selections }: SelectionSetNode): readonly FieldNode[] | undefined {
  const fields = selections.flatMap((one) =>
    one.kind === Kind.FIELD && !one.directives?.length ? [one] : [],
  )
  return fields.length === selections.length ? fields : undefined
}

/** Returns the fields of selection sets by response key, in the order of CollectFields. */
function selectedFields(
  { schema, isOfType }: ReadersOfShape,
  parts: readonly SelectionPart[],
): ReadonlyMap<string, readonly SelectedField[]> {
  const fields = new Map<string, SelectedField[]>()
  for (const { set, parents } of parts) collectFrom(set, parents)
  return fields

  function collectFrom({ selections }: SelectionSetNode, parents: Parents) {
    for (const one of selections) {
      if (one.kind === Kind.FIELD) {
        const key = (one.alias ?? one.name).value
        remembered(fields, key, () => []).push({ node: one, parents })
      } else if (one.kind === Kind.INLINE_FRAGMENT) {
        const condition = one.typeCondition?.name.value
        collectFrom(one.selectionSet, condition === undefined ? parents : typesNamed(condition))
      } else throw new Error('the planner writes no named fragments')
    }
  }

  function typesNamed(name: string): Parents {
    const type = schema.getType(name)
    if (isCompositeType(type)) return [type]
    const objects = Object.values(schema.getTypeMap()).filter(isObjectType)
    return objects.filter((one) => isOfType(one.name, name))
  }
}

/** Returns undefined for a field that clients do not see. */
function typeOfField(
  schema: GraphQLSchema,
  parents: Parents,
  { name: { value: name } }: FieldNode,
): GraphQLOutputType | undefined {
  for (const parent of parents) {
    for (const type of withPossibleTypes(schema, parent)) {
      const field = fieldOf(type, name)
      if (field) return field.type
    }
  }
  return undefined
}

/** Returns whether all objects have the type: a list may have fewer nulls than that of an interface. */
function isTypeForAll(
  schema: GraphQLSchema,
  { node, parents }: SelectedField,
  type: GraphQLOutputType,
): boolean {
  if (!isListType(getNullableType(type))) return true
  const types = parents.flatMap((parent) => withPossibleTypes(schema, parent))
  return (
    types.length <= mostTypes &&
    types.every((one) => String(fieldOf(one, node.name.value)?.type ?? type) === String(type))
  )
}

/** Returns how the values of a leaf's type are read; without a type, any JSON. */
function leafValue(type: GraphQLOutputType | undefined): ReadValue {
  const inner = type && getNullableType(type)
  if (isListType(inner)) {
    const element = leafValue(inner.ofType)
    return { accepts: element.accepts && acceptsList(element.accepts), element }
  }
  if (!isLeafType(inner)) return { accepts: acceptsAny }
  return { accepts: acceptsLeaf(inner), isRewritable: (text) => isRewritable(inner, text) }
}

/** Returns what accepts the lists that a type has around a value. */
function acceptsIn(type: GraphQLOutputType, accepts: Accepts): Accepts {
  if (isNonNullType(type)) return acceptsIn(type.ofType, accepts)
  return isListType(type) ? acceptsList(acceptsNulls(type.ofType, accepts)) : accepts
}

/** Returns what accepts the lists and nulls that a type has around a value. */
function acceptsNulls(type: GraphQLOutputType, accepts: Accepts): Accepts {
  if (isNonNullType(type)) return acceptsIn(type.ofType, accepts)
  return acceptsNull(acceptsIn(type, accepts))
}

function nameOf(key: string): Uint8Array {
  return Buffer.from(`${JSON.stringify(key)}:`)
}
