/** What the directives of a supergraph say (the specifications `join` and `link`). */
import { Kind } from 'graphql'
import type { ConstDirectiveNode, DocumentNode } from 'graphql'

/** Returns the applications of the directive of that name. */
export function applied(directives: readonly ConstDirectiveNode[] | undefined, name: string) {
  return (directives ?? []).filter((directive) => directive.name.value === name)
}

/** Returns the value of an argument that is a name, a text, a number or a boolean. */
export function argument(directive: ConstDirectiveNode, name: string) {
  const value = directive.arguments?.find((one) => one.name.value === name)?.value
  return value && 'value' in value ? value.value : undefined
}

/** Returns the subgraphs of a supergraph, each with its value of the enum `join__Graph`. */
export function joinedSubgraphs(supergraph: DocumentNode) {
  const graphs = supergraph.definitions.find(
    (definition) =>
      definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph',
  )
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) return []
  return (graphs.values ?? []).flatMap(({ name: graph, directives }) =>
    applied(directives, 'join__graph').map((join) => ({
      graph: graph.value,
      name: String(argument(join, 'name') ?? ''),
      url: String(argument(join, 'url') ?? ''),
    })),
  )
}
