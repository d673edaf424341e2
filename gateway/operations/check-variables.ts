/** CoerceVariableValues (GraphQL, section 6.1.2), reduced to the check: values are forwarded unchanged. */
import {
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  isSpecifiedScalarType,
  typeFromAST,
} from 'graphql'
import type { GraphQLError, GraphQLInputType, GraphQLSchema, VariableDefinitionNode } from 'graphql'
import { isObject } from '../values/json.ts'
import { variableErrors } from './variable-errors.ts'

export type VariableValues = Readonly<Record<string, unknown>>

/** Returns the problems with the variables; optimized for the usual case without any. */
export type CheckVariables = (variables: VariableValues) => readonly GraphQLError[]

type Fits = (value: unknown) => boolean

const noErrors: readonly GraphQLError[] = []

/** Subgraphs get the variables as the client sent them: they are checked here, not converted. */
export function variablesCheck(
  schema: GraphQLSchema,
  definitions: readonly VariableDefinitionNode[],
): CheckVariables {
  const checks = definitions.map((definition) => {
    const type = typeFromAST(schema, definition.type as never)
    return {
      name: definition.variable.name.value,
      mayBeMissing: definition.type.kind !== 'NonNullType' || definition.defaultValue !== undefined,
      fits: type && isInputType(type) ? fitsType(type) : () => false,
    }
  })
  return (variables) => {
    const fine = checks.every(({ name, mayBeMissing, fits }) => {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined
      return value === undefined ? mayBeMissing : fits(value)
    })
    if (fine) return noErrors
    // The sentences are those of graphql-js; it also has the last word.
    return variableErrors(schema, definitions, variables)
  }
}

/** Recursive input types are taken apart when the first value comes. */
function fitsType(type: GraphQLInputType): Fits {
  if (isNonNullType(type)) {
    const inner = fitsType(type.ofType)
    return (value) => value != null && inner(value)
  }
  const fits = fitsNullable(type)
  return (value) => value === null || fits(value)
}

function fitsNullable(type: GraphQLInputType): Fits {
  if (isListType(type)) {
    const element = fitsType(type.ofType)
    return (value) => (Array.isArray(value) ? value.every(element) : element(value))
  }
  if (isInputObjectType(type)) {
    let fields: Map<string, { required: boolean; fits: Fits }> | undefined
    const fieldsOf = () =>
      (fields ??= new Map(
        Object.values(type.getFields()).map((field) => [
          field.name,
          { required: isRequiredInputField(field), fits: fitsType(field.type) },
        ]),
      ))
    return (value) => !type.isOneOf && isObject(value) && fitsFields(value, fieldsOf())
  }
  if (isEnumType(type)) {
    return (value) => typeof value === 'string' && type.getValue(value) !== undefined
  }
  const scalar = isSpecifiedScalarType(type as never)
    ? builtIn[(type as { name: string }).name]
    : undefined
  return scalar ?? (() => true)
}

function fitsFields(
  value: Record<string, unknown>,
  fields: ReadonlyMap<string, { required: boolean; fits: Fits }>,
): boolean {
  for (const name of Object.keys(value)) {
    if (!fields.has(name)) return false
  }
  for (const [name, { required, fits }] of fields) {
    const inner = Object.hasOwn(value, name) ? value[name] : undefined
    if (inner === undefined ? required : !fits(inner)) return false
  }
  return true
}

const builtIn: Readonly<Record<string, Fits>> = {
  Int: (value) => Number.isInteger(value) && (value as number) === ((value as number) | 0),
  Float: (value) => Number.isFinite(value),
  String: (value) => typeof value === 'string',
  Boolean: (value) => typeof value === 'boolean',
  ID: (value) => typeof value === 'string' || Number.isInteger(value),
}
