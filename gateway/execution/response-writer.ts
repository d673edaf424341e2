/**
 * A client's operation -> a function that writes the response: CompleteValue (GraphQL, section 6.4.3)
 * over fetched data, as JSON text, in one pass.
 *
 * Writing knows no paths, for speed. When something does not fit the schema, or is denied, `hasErrors`
 * is set, and `report` walks the same data a second time to find out what and where.
 */
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import type {
  FieldNode,
  GraphQLCompositeType,
  GraphQLNamedType,
  GraphQLOutputType,
  GraphQLSchema,
} from 'graphql'
import { compositeTypeNamed } from '../graphql/composite-types.ts'
import { isIntrospection } from '../graphql/introspection-fields.ts'
import type { CollectedField, ResponseShape } from '../graphql/response-shape.ts'
import { hasNoObjects, typeConditionApplies } from '../graphql/type-conditions.ts'
import { deniedField, fieldError, nonNull, nullable } from './completion.ts'
import type { Completion, Findings, Outcome, Writing } from './completion.ts'
import { isPlainText } from './json-string.ts'
import { leaf } from './leaf-completion.ts'
import { isObject } from '../values/json.ts'
import type { JsonObject } from './response-data.ts'

interface FieldCompletion extends Completion {
  /** The comma or brace before the field, its response name, and the colon. */
  readonly prefix: string
  /** The prefix, and the quote before a text. */
  readonly textPrefix: string
  /** The name of the field in the fetched data. */
  readonly source: string
  readonly responseName: string
}

export interface ResponseWriterParts {
  /** The schema that clients see. */
  readonly schema: GraphQLSchema
  readonly rootType: GraphQLCompositeType
  readonly shape: ResponseShape
  /** Returns the name of a client's field in the fetched data. */
  readonly fetchedAs: (field: FieldNode) => string
}

export interface ResponseWriter {
  /** Returns the JSON text of `data`. */
  write(data: JsonObject, writing: Writing): string
  /** Finds all field errors and denied fields. */
  report(data: JsonObject, found: Findings): void
  /** The response names of the root fields that have to be fetched. */
  readonly fetchedKeys: readonly string[]
}

type Sets = readonly unknown[]
type Fields = readonly CollectedField<unknown>[]

/** Returns the writer of a shape. The fields of a type are collected for its first object. */
export function responseWriter(parts: ResponseWriterParts): ResponseWriter {
  const { schema, rootType, shape, fetchedAs } = parts
  const object = objectOf(rootType, [shape.root])
  const rootFields = [...collect(rootType, [shape.root])]

  return {
    fetchedKeys: rootFields
      .filter(([, fields]) => !fields[0]!.node.name.value.startsWith('__') && !areDenied(fields))
      .map(([responseName]) => responseName),
    write: (data, writing) => object.write(data, writing) ?? 'null',
    report: (data, found) => void object.report(data, [], found),
  }

  /** Without a type: the fields for any object. */
  function collect(type: GraphQLCompositeType | undefined, sets: Sets) {
    return shape.collect(
      sets,
      (condition) => !type || typeConditionApplies(schema, condition, type),
    )
  }

  function objectOf(type: GraphQLCompositeType, sets: Sets): Completion {
    let fields: readonly FieldCompletion[] | undefined
    const compiled = () => (fields ??= fieldsOf(type, sets))
    return {
      write(value, writing) {
        const object = value as JsonObject
        const own = fields ?? compiled()
        const shared = writing.texts?.get(object)
        if (!shared) return writeFields(object, own, writing)
        if (shared.fields !== own) {
          shared.text = writeFields(object, own, writing)
          // Reading a character puts the pieces of a text together: once here, not at each position.
          shared.text?.charCodeAt(0)
          shared.fields = own
        }
        return shared.text
      },
      report: (value, path, found) => reportFields(value as JsonObject, compiled(), path, found),
    }
  }

  function fieldsOf(type: GraphQLCompositeType, sets: Sets): FieldCompletion[] {
    return [...collect(type, sets)].map(([responseName, fields], index) => {
      const prefix = `${index === 0 ? '{' : ','}${JSON.stringify(responseName)}:`
      return {
        ...completionOfField(type, fields),
        responseName,
        source: fetchedAs(fetchedField(fields)),
        prefix,
        textPrefix: `${prefix}"`,
      }
    })
  }

  function completionOfField(parent: GraphQLCompositeType, fields: Fields): Completion {
    const name = fields[0]!.node.name.value
    if (name === '__typename') return typename(parent)
    const definition = 'getFields' in parent ? parent.getFields()[name] : undefined
    if (areDenied(fields)) {
      return deniedField(fields, name === '__schema' || isNonNullType(definition?.type))
    }
    if (isIntrospection(name)) return introspected(fields)
    if (!definition) throw new Error(`there is no field ${parent.name}.${name}`)
    const sets = fields.flatMap(({ selections }) => (selections === undefined ? [] : [selections]))
    return completionOf(definition.type, `field ${parent.name}.${name}`, sets)
  }

  function completionOf(type: GraphQLOutputType, place: string, sets: Sets): Completion {
    const isNonNull = isNonNullType(type)
    const inner = isNonNull ? type.ofType : type
    if (isLeafType(inner)) return leaf(inner, place, isNonNull)
    const value = completionOfValue(inner, place, sets)
    if (isNonNull) return nonNull(value, place)
    const named = getNamedType(inner)
    return isCompositeType(inner) && hasNoObjects(schema, inner)
      ? fetched(nullable(value), named, place)
      : nullable(value)
  }

  function completionOfValue(type: GraphQLOutputType, place: string, sets: Sets): Completion {
    if (isListType(type)) {
      return listOf(completionOf(type.ofType, `an element of ${place}`, sets), place)
    }
    if (isObjectType(type)) return objectOnly(objectOf(type, sets), place)
    if (isCompositeType(type)) return objectOnly(anyOf(type, place, sets), place)
    throw new Error(`${place} is of no output type`)
  }

  /** Objects of an interface or union: `__typename` says which of its types (section 6.4.3). */
  function anyOf(type: GraphQLCompositeType, place: string, sets: Sets): Completion {
    const known = new Map<unknown, Completion>()
    const withoutType = fieldError(`Invalid __typename found for object at ${place}.`)
    const completionFor = (value: unknown): Completion => {
      const typename = (value as JsonObject)['__typename']
      const own = known.get(typename)
      if (own) return own
      const actual = typename == null ? type : compositeTypeNamed(schema, typename)
      const isAllowed = actual === type ? isOfAnyType(type, sets) : isTypeOf(actual, type)
      if (!actual || !isAllowed) return withoutType
      const completion = objectOf(actual, sets)
      known.set(typename, completion)
      return completion
    }
    return {
      write: (value, writing) => completionFor(value).write(value, writing),
      report: (value, path, found) => completionFor(value).report(value, path, found),
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

/** A field that is selected at a denied place and at an allowed one is allowed. */
function areDenied(fields: Fields): boolean {
  return fields.every(({ denied }) => denied !== undefined)
}

/** What is fetched under a response name: the same field may be denied at another place. */
function fetchedField(fields: Fields): FieldNode {
  return (fields.find(({ denied }) => denied === undefined) ?? fields[0]!).node
}

function writeFields(
  object: JsonObject,
  fields: readonly FieldCompletion[],
  writing: Writing,
): string | undefined {
  let text = ''
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]!
    const value = object[field.source]
    if (field.isText && typeof value === 'string' && isPlainText(value)) {
      text += field.textPrefix + value + '"'
      continue
    }
    const written = field.write(value, writing)
    if (written === undefined) return undefined
    text += field.prefix + written
  }
  return text === '' ? '{}' : text + '}'
}

/** Denied fields inside an object that is null because of a field error are not reported. */
function reportFields(
  object: JsonObject,
  fields: readonly FieldCompletion[],
  path: readonly (string | number)[],
  found: Findings,
): Outcome {
  const deniedBefore = found.deniedCount
  let outcome: Outcome = 'complete'
  for (const field of fields) {
    const ofField = field.report(object[field.source], [...path, field.responseName], found)
    if (ofField === 'field error') {
      found.keepDenied(deniedBefore)
      return ofField
    }
    if (ofField === 'denied') outcome = ofField
  }
  return outcome
}

/** A type without objects is null only when it was fetched and found to be so. */
function fetched(inner: Completion, type: GraphQLNamedType, place: string): Completion {
  return {
    write(value, writing) {
      if (value === undefined) writing.hasErrors = true
      return inner.write(value, writing)
    },
    report(value, path, found) {
      if (value !== undefined) return inner.report(value, path, found)
      found.add({
        message: `Cannot fetch ${place}: there is no object type for ${type.name}.`,
        path,
      })
      return 'complete'
    },
  }
}

function listOf(element: Completion, place: string): Completion {
  const noList = fieldError(`Invalid value found for ${place}.`)
  return {
    write(value, writing) {
      if (!Array.isArray(value)) return noList.write(value, writing)
      let text = '['
      for (let index = 0; index < value.length; index++) {
        const written = element.write(value[index], writing)
        if (written === undefined) return undefined
        text += index === 0 ? written : ',' + written
      }
      return text + ']'
    },
    report(value, path, found) {
      if (!Array.isArray(value)) return noList.report(value, path, found)
      const deniedBefore = found.deniedCount
      const outcomes = value.map((inner, index) => element.report(inner, [...path, index], found))
      if (!outcomes.includes('field error')) {
        return outcomes.includes('denied') ? 'denied' : 'complete'
      }
      found.keepDenied(deniedBefore)
      return 'field error'
    },
  }
}

function objectOnly(inner: Completion, place: string): Completion {
  const noObject = fieldError(`Invalid value found for ${place}.`)
  return {
    write: (value, writing) => (isObject(value) ? inner : noObject).write(value, writing),
    report: (value, path, found) => (isObject(value) ? inner : noObject).report(value, path, found),
  }
}

function typename(parent: GraphQLCompositeType): Completion {
  if (!isObjectType(parent)) {
    return fieldError(`The type of an object of ${parent.name} is not known.`)
  }
  const text = JSON.stringify(parent.name)
  return { write: () => text, report: () => 'complete' }
}

function introspected(fields: Fields): Completion {
  const nodes = fields.flatMap(({ node, denied }) => (denied === undefined ? [node] : []))
  return {
    write: (_, { introspect }) => JSON.stringify(introspect(nodes) ?? null),
    report: () => 'complete',
  }
}
