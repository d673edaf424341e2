/** What the directives of a supergraph say of its composition: which subgraph has what (join v0.1 to v0.5). */
import { isTypeDefinitionNode, Kind, valueFromASTUntyped } from 'graphql'
import type { ConstDirectiveNode, DocumentNode, OperationTypeNode } from 'graphql'

/** `type User @context(name: "users__user")`, whatever the directive is called here. */
export function typesByContext(document: DocumentNode): Map<string, string[]> {
  const types = new Map<string, string[]>()
  for (const definition of document.definitions) {
    if (!isTypeDefinitionNode(definition)) continue
    for (const directive of definition.directives ?? []) {
      const { name } = argumentsOf(directive)
      if (typeof name !== 'string') continue
      types.set(name, [...(types.get(name) ?? []), definition.name.value])
    }
  }
  return types
}

/** Returns the names of the root types. */
export function rootTypes(document: DocumentNode): Map<OperationTypeNode, string> {
  const roots = document.definitions.flatMap((definition) =>
    definition.kind === Kind.SCHEMA_DEFINITION || definition.kind === Kind.SCHEMA_EXTENSION
      ? [...(definition.operationTypes ?? [])]
      : [],
  )
  return new Map(roots.map(({ operation, type }) => [operation, type.name.value]))
}

/** Returns the arguments of a directive as plain values. */
export function argumentsOf(directive: ConstDirectiveNode): Record<string, unknown> {
  const entries = (directive.arguments ?? []).map(
    ({ name, value }) => [name.value, valueFromASTUntyped(value)] as const,
  )
  return Object.fromEntries(entries)
}
