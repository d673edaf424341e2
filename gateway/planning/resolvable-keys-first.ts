/**
 * The fault: to re-enter a subgraph for a field with `@requires`, the planner takes the type's first
 * key there, whether the subgraph resolves it or not.
 */
import { Kind } from 'graphql'
import type { ConstDirectiveNode, DocumentNode } from 'graphql'

/** Returns the supergraph with the keys that a subgraph resolves before those that it does not. */
export function resolvableKeysFirst(supergraph: DocumentNode): DocumentNode {
  const definitions = supergraph.definitions.map((definition) => {
    if (
      definition.kind !== Kind.OBJECT_TYPE_DEFINITION &&
      definition.kind !== Kind.INTERFACE_TYPE_DEFINITION
    ) {
      return definition
    }
    const directives = definition.directives ?? []
    if (!directives.some(isUnresolvableKey)) return definition
    const ordered = [
      ...directives.filter((directive) => !isUnresolvableKey(directive)),
      ...directives.filter(isUnresolvableKey),
    ]
    return { ...definition, directives: ordered }
  })
  return { ...supergraph, definitions }
}

function isUnresolvableKey(directive: ConstDirectiveNode): boolean {
  return (
    directive.name.value === 'join__type' &&
    (directive.arguments ?? []).some(
      ({ name, value }) =>
        name.value === 'resolvable' && value.kind === Kind.BOOLEAN && !value.value,
    )
  )
}
