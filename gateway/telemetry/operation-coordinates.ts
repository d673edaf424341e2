/** What of a schema an operation refers to. */
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import type { ASTVisitor, GraphQLSchema } from 'graphql'
import { fragmentsOf } from '../graphql/fragments.ts'
import type { PreparedOperation } from './request-facts.ts'

/**
 * Returns the schema coordinates (GraphQL, RFC "Schema Coordinates") that an operation of a valid document
 * refers to: `Type.field`, `Type.field(argument:)`, `Input.field` and `Enum.VALUE` of literals, `@directive`
 * and `@directive(argument:)`. A type alone, `Type`, is the condition of a fragment, the type of an empty
 * object, or that of a variable: what is in the values of variables is not known. Introspection and
 * what GraphQL itself defines are left out.
 */
export function operationCoordinates(
  { document, operation }: PreparedOperation,
  schema: GraphQLSchema,
): string[] {
  const found = new Set<string>()
  const typeInfo = new TypeInfo(schema)
  const fragments = fragmentsOf(document)
  const spread = new Set<string>()

  const visitor: ASTVisitor = {
    Field({ name: { value: name } }) {
      if (name.startsWith('__')) return false
      found.add(`${typeInfo.getParentType()!.name}.${name}`)
      return undefined
    },
    Argument({ name: { value: name } }) {
      const directive = typeInfo.getDirective()
      if (!directive) {
        found.add(`${typeInfo.getParentType()!.name}.${typeInfo.getFieldDef()!.name}(${name}:)`)
      } else if (!isSpecifiedDirective(directive)) {
        found.add(`@${directive.name}(${name}:)`)
      }
    },
    Directive() {
      const directive = typeInfo.getDirective()!
      if (!isSpecifiedDirective(directive)) found.add(`@${directive.name}`)
    },
    // Within the literal of a custom scalar, nothing is defined by the schema.
    EnumValue({ value }) {
      const type = getNamedType(typeInfo.getInputType())
      if (isEnumType(type)) found.add(`${type.name}.${value}`)
    },
    ObjectValue({ fields }) {
      const type = getNamedType(typeInfo.getInputType())
      if (fields.length === 0 && isInputObjectType(type)) found.add(type.name)
    },
    ObjectField({ name: { value: name } }) {
      const type = getNamedType(typeInfo.getParentInputType())
      if (isInputObjectType(type)) found.add(`${type.name}.${name}`)
    },
    VariableDefinition() {
      const type = getNamedType(typeInfo.getInputType()!)
      if (!isSpecifiedScalarType(type)) found.add(type.name)
    },
    InlineFragment({ typeCondition }) {
      if (typeCondition) found.add(typeCondition.name.value)
    },
    FragmentSpread({ name: { value: name } }) {
      spread.add(name)
    },
    FragmentDefinition({ typeCondition }) {
      found.add(typeCondition.name.value)
    },
  }
  const typed = visitWithTypeInfo(typeInfo, visitor)
  visit(operation, typed)
  // A set that grows is iterated to its end: fragments spread by fragments are visited, too.
  for (const name of spread) visit(fragments.get(name)!, typed)
  return [...found]
}
