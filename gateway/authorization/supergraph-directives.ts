/** What the directives of a supergraph say of its composition: which subgraph has what (join v0.1 to v0.5). */
import { isTypeDefinitionNode, Kind, valueFromASTUntyped } from 'graphql'
import type { ConstDirectiveNode, DocumentNode, OperationTypeNode } from 'graphql'

/** `enum join__Graph { USERS @join__graph(name: "users", url: "http://...") }` */
export function subgraphNames(document: DocumentNode): Map<string, string> {
  const graphs = document.definitions.find(
    (definition) =>
      definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph',
  )
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) return new Map()
  return new Map(
    (graphs.values ?? []).flatMap((value) => {
      const [join] = applications(value, 'join__graph').map(argumentsOf)
      return typeof join?.name === 'string' ? [[value.name.value, join.name] as const] : []
    }),
  )
}

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

/** Returns the applications of a directive to a node. */
export function applications(
  node: { readonly directives?: readonly ConstDirectiveNode[] | undefined },
  name: string,
): ConstDirectiveNode[] {
  return (node.directives ?? []).filter((directive) => directive.name.value === name)
}

/** Returns the arguments of a directive as plain values. */
export function argumentsOf(directive: ConstDirectiveNode): Record<string, unknown> {
  const entries = (directive.arguments ?? []).map(
    ({ name, value }) => [name.value, valueFromASTUntyped(value)] as const,
  )
  return Object.fromEntries(entries)
}
