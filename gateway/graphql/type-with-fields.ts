import { Kind } from 'graphql'
import type { DefinitionNode, InterfaceTypeDefinitionNode, ObjectTypeDefinitionNode } from 'graphql'

export type TypeWithFields = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode

/** Returns whether it is the definition of an object type or of an interface. */
export function hasFields(definition: DefinitionNode): definition is TypeWithFields {
  return (
    definition.kind === Kind.OBJECT_TYPE_DEFINITION ||
    definition.kind === Kind.INTERFACE_TYPE_DEFINITION
  )
}
