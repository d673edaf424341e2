/**
 * The selection of a fetch -> how its response is read, for one shape of the client's response.
 *
 * An object that nothing is added to stays text if the fetch and the client select the same of it, in the
 * same order. All others become records.
 */
import {
  getNamedType,
  GraphQLString,
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
import type { CollectedField } from '../graphql/response-shape.ts'
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
import { mostTypes } from './client-selection.ts'
import type { ClientSelection, ClientSelectionParts } from './client-selection.ts'
import type { Place } from './places.ts'
import { objectToRead } from './response-reader.ts'
import { Word } from '../values/word.ts'
import type { ReadField, ReadObject, ReadValue } from './response-reader.ts'

/** What all readers of one shape have in common. */
export interface ReadersOfShape extends ClientSelectionParts {
  readonly isOfType: IsOfType
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

/** How objects are read: those that the client gets as they are stay text, if they may. */
interface Readers {
  readonly object: ReadObject
  readonly accepts: Accepts | undefined
}

/** Returns how the objects of a selection are read. `keyOf` gives fields the names of the operation. */
export function readObject(
  shape: ReadersOfShape,
  selection: FetchSelection,
  keyOf: (key: string) => string,
): ReadObject {
  const { schema, fetchedAs } = shape
  return readersOf(selection).object

  function readersOf({ place, parts, client }: FetchSelection): Readers {
    const selected = selectedFields(shape, parts)
    const merged = repeated([...selected.keys()].map(keyOf))
    const fields = [...selected].map(([key, nodes]): ReadField => {
      const own = keyOf(key)
      const slot = place.slot(own)
      const value = valueOf(nodes, slot.below, client?.below(own))
      return { key, name: nameOf(key), slot: slot.index, isMerged: merged.has(own), ...value }
    })
    const object = objectToRead(place, fields)
    const isWhole = !place.isOpen && client && isObjectType(client.type)
    return { object, accepts: isWhole ? acceptsWhole(object, parts, client) : undefined }
  }

  function valueOf(
    nodes: readonly SelectedField[],
    place: Place | undefined,
    client: ClientSelection | undefined,
  ): ReadValue {
    const { node, parents } = nodes[0]!
    const type = typeOfField(schema, parents, node)
    if (node.name.value === '__typename') return leafValue(GraphQLString)
    if (!place || !node.selectionSet) return leafValue(type)
    const parts = nodes.flatMap((one): SelectionPart[] => {
      const { selectionSet: set } = one.node
      const below = typeOfField(schema, one.parents, one.node)
      const inner = below && getNamedType(below)
      return set ? [{ set, parents: isCompositeType(inner) ? [inner] : [] }] : []
    })
    const { object, accepts } = readersOf({ place, parts, client })
    if (!accepts || !type || client?.type !== getNamedType(type))
      return { accepts: undefined, object }
    const isForAll = isTypeForAll(schema, nodes[0]!, type)
    return { accepts: isForAll ? acceptsIn(type, accepts) : undefined, object }
  }

  /** Returns what accepts objects of which the client gets everything in the order of the fetch. */
  function acceptsWhole(
    { fields }: ReadObject,
    parts: readonly SelectionPart[],
    client: ClientSelection,
  ): Accepts | undefined {
    const nodes = parts.length === 1 ? plainFields(parts[0]!.set) : undefined
    if (!nodes?.length || nodes.length !== client.fields.size) return undefined
    const texts: TextField[] = []
    for (const [responseName, collected] of client.fields) {
      const node = nodes[texts.length]!
      const field = fields[texts.length]
      const key = (node.alias ?? node.name).value
      if (field?.key !== key || key !== responseName || keyOf(key) !== key) return undefined
      if (!collected.every((one) => isFetchedAs(one, node))) return undefined
      const accepts = acceptsField(client.type, node, field)
      if (!accepts) return undefined
      texts.push({ name: field.name, accepts })
    }
    return acceptsObject(texts)
  }

  function isFetchedAs({ node, denied }: CollectedField<unknown>, fetched: FieldNode): boolean {
    const key = (fetched.alias ?? fetched.name).value
    return denied === undefined && node.name.value === fetched.name.value && fetchedAs(node) === key
  }

  function acceptsField(
    parent: GraphQLCompositeType,
    node: FieldNode,
    { accepts, object }: ReadField,
  ): Accepts | undefined {
    const { value: name } = node.name
    if (name === '__typename') return acceptsWords([parent.name])
    const type = fieldOf(parent, name)?.type
    if (!type) return undefined
    const named = getNamedType(type)
    if (!object) return isLeafType(named) ? acceptsNulls(type, acceptsLeaf(named)) : undefined
    return accepts && (isNonNullType(type) ? accepts : acceptsNull(accepts))
  }
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

function nameOf(key: string): Word {
  return new Word(`${JSON.stringify(key)}:`)
}

function repeated(keys: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  return new Set(keys.filter((key) => seen.size === seen.add(key).size))
}
