/**
 * The client's operation -> a function that writes the response: CompleteValue (GraphQL, section
 * 6.4.3) over fetched data, as JSON text, in one pass.
 *
 * Writing knows no paths, for speed. When something does not fit the schema, `damaged` is set, and
 * `explain` walks the same data a second time to say what and where.
 */
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql'
import type {
  FieldNode,
  GraphQLCompositeType,
  GraphQLLeafType,
  GraphQLOutputType,
  SelectionSetNode,
} from 'graphql'
import { collectFields } from '../graphql/collect-fields.ts'
import type { Selection } from '../graphql/collect-fields.ts'
import { hasNoObjects } from '../graphql/type-conditions.ts'
import { isPlainText, jsonString } from './json-string.ts'
import { deepestNesting, isWithinNesting, jsonWithinNesting } from './nesting.ts'
import { isObject } from './response-data.ts'
import type { JsonObject, ResponsePath } from './response-data.ts'

export interface ResponseSelection extends Selection {
  /** The name under which a client's field stands in the fetched data. */
  readonly fetchedAs: (field: FieldNode) => string
}

export interface Writing {
  /** Set when something was left out because it does not fit the schema. */
  damaged: boolean
  /** The JSON texts of `__schema` and `__type` fields, by response name. */
  readonly introspection: Readonly<Record<string, string>>
  /** Texts of objects that stand at several positions, as far as they are written. */
  readonly texts?: SharedTexts | undefined
}

/** By object: the text, and the completion that has written it. Empty: not written yet. */
export type SharedTexts = Map<JsonObject, SharedText>

export interface SharedText {
  by: unknown
  text: string | undefined
}

/** Something in the fetched data that does not fit the schema. */
export interface Misfit {
  readonly message: string
  readonly path: ResponsePath
}

/** How a value of a type is written; `undefined` is a null where none may be. */
interface Completion {
  /** Whether strings are fine: what most fields hold is written without asking further. */
  readonly isText?: boolean
  write(value: unknown, writing: Writing): string | undefined
  /** Returns whether the value can stand; reports what cannot. */
  explain(value: unknown, path: ResponsePath, report: (misfit: Misfit) => void): boolean
}

interface FieldCompletion extends Completion {
  readonly prefix: string
  /** The prefix, and the quote before a text. */
  readonly textPrefix: string
  readonly source: string
  readonly key: string
}

export interface ResponseWriter {
  /** Returns the JSON text of `data`. */
  write(data: JsonObject, writing: Writing): string
  /** Reports all that does not fit the schema. */
  explain(data: JsonObject, report: (misfit: Misfit) => void): void
  /** The response names of fields that have to be fetched. */
  readonly fetchedKeys: readonly string[]
  /** The fields `__schema` and `__type`. */
  readonly introspection: readonly FieldNode[]
}

/** Returns the writer of an operation whose `@skip` and `@include` are decided. */
export function responseWriter(
  selection: ResponseSelection,
  root: GraphQLCompositeType,
  set: SelectionSetNode,
): ResponseWriter {
  const rootFields = collectFields(selection, root, [set])
  const nodes = [...rootFields.values()].map(([field]) => field!)
  const introspection = [...rootFields.values()].filter(([field]) => isIntrospection(field!)).flat()
  const object = objectOf(root, [set])

  return {
    fetchedKeys: nodes
      .filter((field) => !field.name.value.startsWith('__'))
      .map((field) => (field.alias ?? field.name).value),
    introspection,
    write: (data, writing) => object.write(data, writing) ?? 'null',
    explain: (data, report) => void object.explain(data, [], report),
  }

  /** Objects of one type. The fields are collected when the first such object comes. */
  function objectOf(type: GraphQLCompositeType, sets: readonly SelectionSetNode[]): Completion {
    let fields: FieldCompletion[] | undefined
    const compiled = () => (fields ??= fieldsOf(type, sets))
    return {
      write(value, writing) {
        const object = value as JsonObject
        const own = fields ?? compiled()
        const shared = writing.texts?.get(object)
        if (!shared) return writeFields(object, own, writing)
        if (shared.by !== own) {
          shared.text = writeFields(object, own, writing)
          // Reading a character puts the pieces of a text together: once here, not at each position.
          shared.text?.charCodeAt(0)
          shared.by = own
        }
        return shared.text
      },
      explain: (value, path, report) =>
        compiled().every((field) =>
          field.explain((value as JsonObject)[field.source], [...path, field.key], report),
        ),
    }
  }

  function fieldsOf(
    type: GraphQLCompositeType,
    sets: readonly SelectionSetNode[],
  ): FieldCompletion[] {
    return [...collectFields(selection, type, sets)].map(([key, fields], index) => {
      const prefix = `${index === 0 ? '{' : ','}${JSON.stringify(key)}:`
      return {
        ...completionOfField(type, key, fields),
        key,
        source: selection.fetchedAs(fields[0]!),
        prefix,
        textPrefix: `${prefix}"`,
      }
    })
  }

  function completionOfField(
    parent: GraphQLCompositeType,
    key: string,
    fields: readonly FieldNode[],
  ): Completion {
    const name = fields[0]!.name.value
    if (name === '__typename') return typename(parent)
    if (isIntrospection(fields[0]!)) return introspected(key)
    const definition = 'getFields' in parent ? parent.getFields()[name] : undefined
    if (!definition) throw new Error(`there is no field ${parent.name}.${name}`)
    const sets = fields.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []))
    return completionOf(definition.type, `field ${parent.name}.${name}`, sets)
  }

  function completionOf(
    type: GraphQLOutputType,
    place: string,
    sets: readonly SelectionSetNode[],
  ): Completion {
    if (isNonNullType(type)) {
      const inner = type.ofType
      return isLeafType(inner)
        ? leaf(inner, place, true)
        : nonNull(completionOf(inner, place, sets), place)
    }
    if (isListType(type)) {
      const element = completionOf(type.ofType, `an element of ${place}`, sets)
      return nullable(listOf(element, place))
    }
    const named = getNamedType(type)
    if (isLeafType(named)) return leaf(named, place, false)
    if (!isCompositeType(named)) throw new Error(`${place} is of no output type`)
    const object = isObjectType(named) ? plainObject(named, place, sets) : anyOf(named, place, sets)
    return hasNoObjects(selection.schema, named)
      ? present(nullable(object), named, place)
      : nullable(object)
  }

  function typeNamed(name: unknown): GraphQLCompositeType | undefined {
    const type = typeof name === 'string' ? selection.schema.getType(name) : undefined
    return isCompositeType(type) ? type : undefined
  }

  function isTypeOf(actual: GraphQLCompositeType | undefined, type: GraphQLCompositeType): boolean {
    return (
      (isObjectType(actual) || isInterfaceType(actual)) &&
      isAbstractType(type) &&
      selection.schema.isSubType(type, actual)
    )
  }

  /**
   * Whether what is asked for does not depend on the object's type: then nobody has to know it. Of an
   * interface object, a subgraph knows no more than the interface.
   */
  function isOfAnyType(type: GraphQLCompositeType, sets: readonly SelectionSetNode[]): boolean {
    const fieldsFor = (one: GraphQLCompositeType | undefined) =>
      [...collectFields(selection, one, sets).values()].flat().length
    return fieldsFor(type) === fieldsFor(undefined)
  }

  function plainObject(
    type: GraphQLCompositeType,
    place: string,
    sets: readonly SelectionSetNode[],
  ): Completion {
    return objectOnly(objectOf(type, sets), place)
  }

  /** Objects of an interface or union: `__typename` says which of its types (section 6.4.3). */
  function anyOf(
    type: GraphQLCompositeType,
    place: string,
    sets: readonly SelectionSetNode[],
  ): Completion {
    const known = new Map<unknown, Completion>()
    const withoutType = misfit(`Invalid __typename found for object at ${place}.`)
    const completionFor = (typename: unknown): Completion => {
      const own = known.get(typename)
      if (own) return own
      const actual = typename == null ? type : typeNamed(typename)
      const mayStand = actual === type ? isOfAnyType(type, sets) : isTypeOf(actual, type)
      if (!actual || !mayStand) return withoutType
      const completion = objectOf(actual, sets)
      known.set(typename, completion)
      return completion
    }
    return objectOnly(
      {
        write: (value, writing) =>
          completionFor((value as JsonObject)['__typename']).write(value, writing),
        explain: (value, path, report) =>
          completionFor((value as JsonObject)['__typename']).explain(value, path, report),
      },
      place,
    )
  }
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

/** Null is a value. A misfit of anything below that cannot be null makes this null. */
function nullable(inner: Completion): Completion {
  return {
    write: (value, writing) => (value == null ? 'null' : (inner.write(value, writing) ?? 'null')),
    explain(value, path, report) {
      if (value != null) inner.explain(value, path, report)
      return true
    },
  }
}

/** The inner completion is a nullable one: what it makes null is handed up. */
function nonNull(inner: Completion, place: string): Completion {
  return {
    write(value, writing) {
      const written = value == null ? 'null' : inner.write(value, writing)
      if (written !== 'null') return written
      writing.damaged = true
      return undefined
    },
    explain(value, path, report) {
      if (value == null) {
        report({ message: `Cannot return null for non-nullable ${place}.`, path })
        return false
      }
      return becomesValue(inner, value, path, report)
    },
  }
}

/** A nullable completion explains itself as fine even when it becomes null: look at what it writes. */
function becomesValue(
  inner: Completion,
  value: unknown,
  path: ResponsePath,
  report: (misfit: Misfit) => void,
): boolean {
  inner.explain(value, path, report)
  return inner.write(value, { damaged: false, introspection: {} }) !== 'null'
}

/** A type without objects is null only when it was fetched and found to be so. */
function present(inner: Completion, type: GraphQLCompositeType, place: string): Completion {
  return {
    write(value, writing) {
      if (value === undefined) writing.damaged = true
      return inner.write(value, writing)
    },
    explain(value, path, report) {
      if (value !== undefined) return inner.explain(value, path, report)
      report({ message: `Cannot fetch ${place}: there is no object type for ${type.name}.`, path })
      return true
    },
  }
}

function listOf(element: Completion, place: string): Completion {
  const noList = misfit(`Invalid value found for ${place}.`)
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
    explain: (value, path, report) =>
      Array.isArray(value)
        ? value
            .map((inner, index) => element.explain(inner, [...path, index], report))
            .every((stands) => stands)
        : noList.explain(value, path, report),
  }
}

function objectOnly(inner: Completion, place: string): Completion {
  const noObject = misfit(`Invalid value found for ${place}.`)
  return {
    write: (value, writing) => (isObject(value) ? inner : noObject).write(value, writing),
    explain: (value, path, report) =>
      (isObject(value) ? inner : noObject).explain(value, path, report),
  }
}

function typename(parent: GraphQLCompositeType): Completion {
  if (!isObjectType(parent)) return misfit(`The type of an object of ${parent.name} is not known.`)
  const text = JSON.stringify(parent.name)
  return { write: () => text, explain: () => true }
}

function introspected(key: string): Completion {
  return { write: (_, { introspection }) => introspection[key] ?? 'null', explain: () => true }
}

/** Leaves are most of a response: null and misfits are told apart after the value itself. */
function leaf(type: GraphQLLeafType, place: string, isNonNull: boolean): Completion {
  const write = leafWriter(type)
  return {
    isText: isSpecifiedScalarType(type) && (type.name === 'String' || type.name === 'ID'),
    write(value, writing) {
      const written = value == null ? undefined : write(value)
      if (written !== undefined) return written
      if (isNonNull || value != null) writing.damaged = true
      return isNonNull ? undefined : 'null'
    },
    explain(value, path, report) {
      if (value == null) {
        if (!isNonNull) return true
        report({ message: `Cannot return null for non-nullable ${place}.`, path })
        return false
      }
      if (write(value) !== undefined) return true
      report({ message: misfitMessage(value, place), path })
      return !isNonNull
    },
  }
}

function misfitMessage(value: unknown, place: string): string {
  if (isWithinNesting(value)) return `Invalid value found for ${place}.`
  return `The value found for ${place} is nested deeper than ${deepestNesting} levels.`
}

/** Returns the writer of a leaf type; `undefined` is a value that is none of the type's. */
function leafWriter(type: GraphQLLeafType): (value: unknown) => string | undefined {
  if (isEnumType(type)) {
    const texts = new Map(type.getValues().map(({ name }) => [name as unknown, `"${name}"`]))
    return (value) => texts.get(value)
  }
  if (!isSpecifiedScalarType(type)) {
    return (value) => (typeof value === 'string' ? jsonString(value) : jsonWithinNesting(value))
  }
  switch (type.name) {
    case 'Int':
      // 32 bits (section 3.5.1).
      return (value) =>
        typeof value === 'number' && value === (value | 0) ? String(value) : undefined
    case 'Float':
      return (value) => (Number.isFinite(value) ? String(value) : undefined)
    case 'Boolean':
      return (value) => (typeof value === 'boolean' ? String(value) : undefined)
    case 'ID':
      return (value) => {
        if (typeof value === 'string') return jsonString(value)
        // A larger number is not the one that the subgraph wrote.
        return Number.isSafeInteger(value) ? `"${String(value)}"` : undefined
      }
    default:
      return (value) => (typeof value === 'string' ? jsonString(value) : undefined)
  }
}

function misfit(message: string): Completion {
  return {
    write(_, writing) {
      writing.damaged = true
      return undefined
    },
    explain(_, path, report) {
      report({ message, path })
      return false
    },
  }
}

function isIntrospection({ name }: FieldNode): boolean {
  return name.value === '__schema' || name.value === '__type'
}
