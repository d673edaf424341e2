/**
 * The fault: to re-enter a subgraph for a field with `@requires`, the planner takes the type's first
 * key there, whether the subgraph resolves it or not.
 */
import type { ConstDirectiveNode, DocumentNode } from 'graphql'
import { argument } from '../graphql/supergraph-directives.ts'
import { hasFields } from '../graphql/type-with-fields.ts'

/** Returns the supergraph with the keys that a subgraph resolves before those that it does not. */
export function resolvableKeysFirst(supergraph: DocumentNode): DocumentNode {
  const definitions = supergraph.definitions.map((definition) => {
    if (!hasFields(definition)) return definition
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
  return directive.name.value === 'join__type' && argument(directive, 'resolvable') === false
}
