/**
 * A client's operation -> a function that writes the response: CompleteValue (GraphQL, section 6.4.3)
 * over fetched data, as the bytes of a JSON text, in one pass.
 *
 * Writing knows no paths, for speed. When something does not fit the schema, or is denied, `hasErrors`
 * is set, and `report` walks the same data a second time to find out what and where.
 */
import {
  getNamedType,
  GraphQLList,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import type { FieldNode, GraphQLCompositeType, GraphQLOutputType, GraphQLSchema } from 'graphql'
import { compositeTypeNamed } from '../graphql/composite-types.ts'
import { isIntrospection } from '../graphql/introspection-fields.ts'
import { isLeading } from '../graphql/on-path.ts'
import type { CollectedField, ResponseShape } from '../graphql/response-shape.ts'
import { hasNoObjects, typeConditionApplies } from '../graphql/type-conditions.ts'
import { deniedField, fieldError, nonNull, nullable } from './completion.ts'
import type { Completion, Findings, Writing } from './completion.ts'
import { fetched, introspected, listOf, objectOnly, typename } from './composite-completion.ts'
import type { ObjectCompletion } from './composite-completion.ts'
import { noType, unknownType } from './fetched-data.ts'
import { leaf } from './leaf-completion.ts'
import { reportFields, writeFields } from './object-fields.ts'
import type { FieldCompletion } from './object-fields.ts'
import type { Place } from './places.ts'
import type { TypeNames } from './type-names.ts'
import { Word } from '../values/word.ts'

export interface ResponseWriterParts {
  /** The schema that clients see. */
  readonly schema: GraphQLSchema
  readonly types: TypeNames
  readonly rootType: GraphQLCompositeType
  /** The place of the root object in the fetched data. */
  readonly root: Place
  readonly shape: ResponseShape
  /** Returns the name of a client's field in the fetched data. */
  readonly fetchedAs: (field: FieldNode) => string
}

export interface ResponseWriter {
  /** Writes the JSON text of `data`, whose root object is the record. */
  write(record: number, writing: Writing): void
  /** Finds all field errors and denied fields. */
  report(record: number, found: Findings): void
  /** The response names of the root fields that have to be fetched. */
  readonly fetchedKeys: readonly string[]
}

type Sets = readonly unknown[]
type Fields = readonly CollectedField<unknown>[]

/** Returns the writer of a shape. The fields of a type are collected for its first object. */
export function responseWriter(parts: ResponseWriterParts): ResponseWriter {
  const { schema, types, rootType, root, shape, fetchedAs } = parts
  const object = objectOf(rootType, root, [shape.root])
  const rootFields = [...collect(rootType, [shape.root])]

  return {
    fetchedKeys: rootFields
      .filter(([, fields]) => !fields[0]!.node.name.value.startsWith('__') && !areDenied(fields))
      .map(([responseName]) => responseName),
    write(record, writing) {
      const { output } = writing
      if (object.write(record, writing)) return
      output.returnTo(0)
      output.writeText('null')
    },
    report: (record, found) => void object.report(record, [], found),
  }

  /** Without a type: the fields for any object. */
  function collect(type: GraphQLCompositeType | undefined, sets: Sets) {
    return shape.collect(
      sets,
      (condition) => !type || typeConditionApplies(schema, condition, type),
    )
  }

  function objectOf(
    type: GraphQLCompositeType,
    place: Place | undefined,
    sets: Sets,
  ): ObjectCompletion {
    let fields: readonly FieldCompletion[] | undefined
    const compiled = () => (fields ??= fieldsOf(type, place, sets))
    const mayBeShared = place?.hasEntities === true
    return {
      write(record, writing) {
        const own = fields ?? compiled()
        const { data, output } = writing
        const written = mayBeShared ? data.shared.get(record) : undefined
        if (!written) return writeFields(record, own, writing)
        if (written.fields === own && output.writeAgain(written)) return true
        const from = output.position
        if (!writeFields(record, own, writing)) return false
        Object.assign(written, { fields: own, from, to: output.position, state: output.state })
        return true
      },
      report: (record, path, found) => reportFields(record, compiled(), path, found),
    }
  }

  function fieldsOf(
    type: GraphQLCompositeType,
    place: Place | undefined,
    sets: Sets,
  ): FieldCompletion[] {
    return [...collect(type, sets)].map(([responseName, fields], index) => {
      const slot = place?.slots.get(fetchedAs(fetchedField(fields)))
      return {
        ...completionOfField(type, slot?.below, fields),
        isCopied: !areDenied(fields) && !fields[0]!.node.name.value.startsWith('__'),
        keepsName: slot?.key === responseName,
        responseName,
        slot: slot?.index,
        prefix: new Word(`${index === 0 ? '{' : ','}${JSON.stringify(responseName)}:`),
      }
    })
  }

  /** @param below the place of the objects of the field */
  function completionOfField(
    parent: GraphQLCompositeType,
    below: Place | undefined,
    fields: Fields,
  ): Completion {
    const name = fields[0]!.node.name.value
    if (name === '__typename') return typename(parent)
    const definition = 'getFields' in parent ? parent.getFields()[name] : undefined
    if (areDenied(fields)) {
      return deniedField(fields, name === '__schema' || isNonNullType(definition?.type))
    }
    if (isIntrospection(name)) return introspected(fields)
    if (!definition) throw new Error(`there is no field ${parent.name}.${name}`)
    const sets = fields.flatMap(({ selections }) => (selections === undefined ? [] : [selections]))
    // The fragment that the field leads to is sent later: where it fails, only the fragment is null.
    const type = fields.some(({ node }) => isLeading(node))
      ? withoutNonNull(definition.type)
      : definition.type
    return completionOf(type, `field ${parent.name}.${name}`, { place: below, sets })
  }

  function completionOf(type: GraphQLOutputType, field: string, below: Below): Completion {
    const isNonNull = isNonNullType(type)
    const inner = isNonNull ? type.ofType : type
    if (isLeafType(inner)) return leaf(inner, field, isNonNull)
    const value = completionOfValue(inner, field, below)
    if (isNonNull) return nonNull(value, field)
    const named = getNamedType(inner)
    return isCompositeType(inner) && hasNoObjects(schema, inner)
      ? fetched(nullable(value), named, field)
      : nullable(value)
  }

  function completionOfValue(type: GraphQLOutputType, field: string, below: Below): Completion {
    if (isListType(type)) {
      return listOf(completionOf(type.ofType, `an element of ${field}`, below), field)
    }
    const { place, sets } = below
    if (isObjectType(type)) return objectOnly(objectOf(type, place, sets), field)
    if (isCompositeType(type)) return objectOnly(anyOf(type, field, below), field)
    throw new Error(`${field} is of no output type`)
  }

  /** Objects of an interface or union: `__typename` says which of its types (section 6.4.3). */
  function anyOf(type: GraphQLCompositeType, field: string, below: Below): ObjectCompletion {
    const { place, sets } = below
    const known = new Map<number, ObjectCompletion>()
    const withoutType = fieldError(`Invalid __typename found for object at ${field}.`)
    const completionFor = (index: number): ObjectCompletion => {
      const own = known.get(index)
      if (own) return own
      const named = index === unknownType ? undefined : types.names[index]
      const actual = index === noType ? type : compositeTypeNamed(schema, named)
      const isAllowed = actual === type ? isOfAnyType(type, sets) : isTypeOf(actual, type)
      const completion = actual && isAllowed ? objectOf(actual, place, sets) : withoutType
      known.set(index, completion)
      return completion
    }
    return {
      write: (record, writing) => completionFor(writing.data.tape[record]!).write(record, writing),
      report: (record, path, found) =>
        completionFor(found.data.tape[record]!).report(record, path, found),
    }
  }

  function isTypeOf(actual: GraphQLCompositeType | undefined, type: GraphQLCompositeType): boolean {
    return (
      (isObjectType(actual) || isInterfaceType(actual)) &&
      isAbstractType(type) &&
      schema.isSubType(type, actual)
    )
  }

  /**
   * Whether the selected fields do not depend on the object's type: then the type need not be fetched. For
   * an interface object, a subgraph knows only the interface.
   */
  function isOfAnyType(type: GraphQLCompositeType, sets: Sets): boolean {
    const fieldsFor = (one: GraphQLCompositeType | undefined) =>
      [...collect(one, sets).values()].flat().length
    return fieldsFor(type) === fieldsFor(undefined)
  }
}

/** What is selected of the objects of a field. */
interface Below {
  readonly place: Place | undefined
  readonly sets: Sets
}

function withoutNonNull(type: GraphQLOutputType): GraphQLOutputType {
  if (isNonNullType(type)) return withoutNonNull(type.ofType)
  return isListType(type) ? new GraphQLList(withoutNonNull(type.ofType)) : type
}

/** A field that is selected at a denied place and at an allowed one is allowed. */
function areDenied(fields: Fields): boolean {
  return fields.every(({ denied }) => denied !== undefined)
}

/** What is fetched under a response name: the same field may be denied at another place. */
function fetchedField(fields: Fields): FieldNode {
  return (fields.find(({ denied }) => denied === undefined) ?? fields[0]!).node
}
