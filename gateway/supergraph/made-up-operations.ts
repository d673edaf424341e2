/** Operations made from a schema: what clients might send, where nobody knows yet what they send. */
import {
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
} from 'graphql'
import type {
  GraphQLCompositeType,
  GraphQLField,
  GraphQLInputType,
  GraphQLObjectType,
  GraphQLSchema,
} from 'graphql'

export interface MadeUpOperation {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
}

/** How many a warm-up needs: the first root fields of a schema are enough to have used every part of the gateway. */
export const mostOperations = 40
/** Small enough for every limit on documents that an operator might set. */
const deepest = 3
const mostFields = 6

/** Returns operations with a root field each, and variables for them. */
export function madeUpOperations(schema: GraphQLSchema): MadeUpOperation[] {
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
  ] as const
  return roots.flatMap(([kind, type]) =>
    rootFields(type)
      .slice(0, mostOperations / roots.length)
      .map((field) => operationFor(kind, field)),
  )
}

function rootFields(type: GraphQLObjectType | undefined | null) {
  return type ? Object.values(type.getFields()) : []
}

function operationFor(kind: string, field: GraphQLField<unknown, unknown>): MadeUpOperation {
  const needed = field.args.filter(isRequiredArgument)
  const definitions = needed.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ')
  const values = needed.map(({ name }) => `${name}: $${name}`).join(', ')
  const selection = selectionOf(getNamedType(field.type), 1)
  return {
    query:
      `${kind} WarmUp_${field.name}${definitions && `(${definitions})`} ` +
      `{ ${field.name}${values && `(${values})`}${selection} }`,
    variables: Object.fromEntries(needed.map(({ name, type }) => [name, madeUpInput(type)])),
  }
}

/** Returns the selection set of a type, an empty text for a leaf. */
function selectionOf(type: unknown, depth: number): string {
  if (!isCompositeType(type as never)) return ''
  return ` { __typename ${fieldsOf(type as GraphQLCompositeType, depth)} }`
}

function fieldsOf(type: GraphQLCompositeType, depth: number): string {
  if (isUnionType(type)) {
    // Fields of several members might not be mergeable.
    const [member] = type.getTypes()
    return member ? `... on ${member.name} { ${fieldsOf(member, depth) || '__typename'} }` : ''
  }
  return Object.values(type.getFields())
    .filter(({ args }) => !args.some(isRequiredArgument))
    .filter((field) => depth < deepest || !isCompositeType(getNamedType(field.type)))
    .slice(0, mostFields)
    .map((field) => `${field.name}${selectionOf(getNamedType(field.type), depth + 1)}`)
    .join(' ')
}

/** Returns a value for an input type, with the required fields of input objects only. */
export function madeUpInput(type: GraphQLInputType, depth = 0): unknown {
  if (isNonNullType(type)) return madeUpInput(type.ofType, depth)
  if (isListType(type)) return [madeUpInput(type.ofType, depth)]
  if (isEnumType(type)) return type.getValues()[0]?.name
  if (!isInputObjectType(type)) return madeUpScalar(type.name)
  if (depth > deepest) return {}
  const needed = Object.values(type.getFields()).filter(isRequiredInputField)
  return Object.fromEntries(needed.map(({ name, type }) => [name, madeUpInput(type, depth + 1)]))
}

/** Returns a value for a scalar; a custom one gets a text. */
export function madeUpScalar(name: string): string | number | boolean {
  if (name === 'Int' || name === 'Float') return 1
  return name === 'Boolean' ? true : 'made up'
}
