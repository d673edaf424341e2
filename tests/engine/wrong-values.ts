/** Values that do not fit the schema, as subgraphs may send them, and what the specification makes of them. */
import {
  getNamedType,
  GraphQLError,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isSpecifiedScalarType,
  Kind,
  visit,
} from 'graphql'
import type { DocumentNode, GraphQLOutputType, NamedTypeNode, TypeNode } from 'graphql'
import { hash } from './hash.ts'

/** Returns what is sent instead of a field's value. `call` is the object's number and the arguments. */
export type Damage = (
  type: GraphQLOutputType,
  value: unknown,
  field: string,
  call: readonly unknown[],
) => unknown

const wrongValues: readonly unknown[] = [
  ...[null, null, null, true, '', 'text', 'RED', 'CALM', [], [1], [null], { '': 1 }, { '': [] }],
  ...[0, -0.5, 7, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 1e300, 2 ** 53 - 1, -(2 ** 31)],
]

/** Returns the damage to one field in four. Fields that other subgraphs are sent are spared: `needed`. */
export function damageExcept(needed: readonly string[], seed: number): Damage {
  const spared = new Set([...needed, '__typename'])
  return (type, value, field, call) => {
    const drawn = hash(seed, field, call)
    if (spared.has(field) || drawn % 4 !== 0) return value
    return damaged(type, value, drawn >>> 2)
  }
}

function damaged(type: GraphQLOutputType, value: unknown, drawn: number): unknown {
  if (isNonNullType(type)) return damaged(type.ofType, value, drawn)
  if (value instanceof Error || value === null || value === undefined) return value
  const next = hash(drawn)
  const isOfLeaves = isLeafType(getNamedType(type))
  if (isListType(type) && Array.isArray(value) && drawn % 4 !== 0) {
    const index = next % (value.length + 1)
    const item = value.length > index ? damaged(type.ofType, value[index], next >>> 3) : null
    return value.toSpliced(index, 1, item)
  }
  return isOfLeaves ? wrongValues[next % wrongValues.length] : null
}

/** Returns the document with types that allow every value; only objects stay what they are. */
export function lenient(typeDefs: DocumentNode): DocumentNode {
  const name = { kind: Kind.NAME, value: 'AnyValue' } as const
  const leaves = new Set(['Int', 'Float', 'String', 'Boolean', 'ID'])
  for (const one of typeDefs.definitions) {
    if (one.kind === Kind.SCALAR_TYPE_DEFINITION || one.kind === Kind.ENUM_TYPE_DEFINITION) {
      leaves.add(one.name.value)
    }
  }
  const document = visit(typeDefs, {
    FieldDefinition: { leave: (field) => ({ ...field, type: lenientType(field.type) }) },
  })
  const definitions = [
    ...document.definitions,
    { kind: Kind.SCALAR_TYPE_DEFINITION, name } as const,
  ]
  return { ...document, definitions }

  function lenientType(type: TypeNode): TypeNode {
    const named = namedTypeOf(type)
    if (leaves.has(named.name.value)) return { kind: Kind.NAMED_TYPE, name }
    return withoutNonNull(type)
  }
}

function namedTypeOf(type: TypeNode): NamedTypeNode {
  return type.kind === Kind.NAMED_TYPE ? type : namedTypeOf(type.type)
}

function withoutNonNull(type: TypeNode): TypeNode {
  if (type.kind === Kind.NON_NULL_TYPE) return withoutNonNull(type.type)
  return type.kind === Kind.LIST_TYPE ? { ...type, type: withoutNonNull(type.type) } : type
}

/** Returns the value with an error in the place of each leaf that is no value of its type. */
export function coerced(type: GraphQLOutputType, value: unknown): unknown {
  if (isNonNullType(type)) return coerced(type.ofType, value)
  if (value === null || value === undefined || value instanceof Error) return value
  if (isListType(type)) {
    return Array.isArray(value)
      ? value.map((item) => coerced(type.ofType, item))
      : new GraphQLError('no list')
  }
  if (!isLeafType(type) || isValid(type, value)) return value
  return new GraphQLError('wrong value')
}

function isValid(type: GraphQLOutputType, value: unknown): boolean {
  if (isEnumType(type)) return typeof value === 'string' && type.getValue(value) !== undefined
  const { name } = getNamedType(type)
  if (!isSpecifiedScalarType(getNamedType(type))) return true
  switch (name) {
    case 'Int':
      return typeof value === 'number' && value === (value | 0)
    case 'Float':
      return typeof value === 'number'
    case 'Boolean':
      return typeof value === 'boolean'
    case 'ID':
      return typeof value === 'string' || Number.isSafeInteger(value)
    default:
      return typeof value === 'string'
  }
}
